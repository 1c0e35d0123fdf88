"""Streams that an older server breaks off and is asked for the rest of (2025-11-25)."""

import json
from collections.abc import Iterator

import httpx
import pytest

from broker.errors import McpResultTooLarge, McpServerError, McpServerTimeout
from broker.mcp import Target, ToolResult
from tests.unit.test_mcp_scripts import (
    CONTENT,
    MODERN,
    SESSION,
    SESSIONLESS,
    Script,
    Step,
    broken,
    plain,
    stream,
)

CALL = "tools/call"
PRIMED = stream("id: e-1\ndata:\n\n")


def rest(*before: str) -> Step:
    """Answer the script's call on a GET."""

    def answer(_: httpx.Request) -> httpx.Response:
        call = json.loads(scripts[-1].requests[0].content)
        said = json.dumps({"jsonrpc": "2.0", "id": call["id"], "result": CONTENT})
        headers = {"Content-Type": "text/event-stream"}
        text = "".join(before) + f"id: e-9\ndata: {said}\n\n"
        return httpx.Response(200, headers=headers, text=text)

    return answer


scripts: list[Script] = []


def scripted(*steps: Step) -> Script:
    scripts.append(Script.of(*steps))
    return scripts[-1]


@pytest.mark.parametrize("target", [SESSION, SESSIONLESS], ids=["session", "sessionless"])
def test_the_rest_is_asked_for_after_the_last_event(target: Target) -> None:
    script = scripted(PRIMED, rest())
    assert script.call(target).outcome == ToolResult(CONTENT)
    assert script.sent == [CALL, "GET"]
    call, asked = script.requests
    assert asked.headers["last-event-id"] == "e-1"
    assert asked.headers["accept"] == "text/event-stream"
    assert asked.content == b""
    for name in ("authorization", "mcp-session-id", "mcp-protocol-version"):
        assert asked.headers.get(name) == call.headers.get(name)
    assert script.slept == [1.0]


def test_it_is_asked_for_as_often_as_it_breaks_off() -> None:
    script = scripted(PRIMED, stream("id: e-2\ndata:\n\n"), stream(": nothing new\n\n"), rest())
    script.call(SESSION)
    ids = [request.headers["last-event-id"] for request in script.requests[1:]]
    assert ids == ["e-1", "e-2", "e-2"]


def test_an_event_that_did_not_come_whole_is_asked_for_again() -> None:
    script = scripted(stream("id: e-1\ndata:\n\nid: e-2\ndata: {"), rest())
    script.call(SESSION)
    assert script.requests[1].headers["last-event-id"] == "e-1"


def test_half_a_line_is_no_part_of_the_next_connection() -> None:
    script = scripted(stream("id: e-1\ndata:\n\nda"), rest())
    assert script.call(SESSION).outcome == ToolResult(CONTENT)


@pytest.mark.parametrize(
    ("retry", "waited"), [("2500", 2.5), ("0", 0.1), ("never", 1.0), ("9000", 9.0)]
)
def test_the_server_says_how_long_to_wait(retry: str, waited: float) -> None:
    script = scripted(stream(f"retry: {retry}\nid: e-1\ndata:\n\n"), rest())
    script.call(SESSION)
    assert script.slept == [waited]


def test_who_would_have_to_wait_longer_than_the_deadline_does_not_wait() -> None:
    script = scripted(stream("retry: 10000\nid: e-1\ndata:\n\n"))
    assert "may have run" in script.fails(McpServerTimeout, SESSION).message
    assert script.slept == []


def test_a_server_that_breaks_off_for_ever_is_left_at_the_deadline() -> None:
    script = scripted(stream("retry: 1000\nid: e-1\ndata:\n\n"), *[stream()] * 9)
    script.fails(McpServerTimeout, SESSION)
    assert script.sent == [CALL, *["GET"] * 9]


def test_a_connection_that_is_lost_in_mid_stream_is_made_again() -> None:
    def cut() -> Iterator[bytes]:
        yield b"id: e-1\ndata:\n\n"
        raise httpx.ReadError("evil")

    headers = {"Content-Type": "text/event-stream"}
    script = scripted(lambda _: httpx.Response(200, headers=headers, content=cut()), rest())
    assert script.call(SESSION).outcome == ToolResult(CONTENT)


def test_a_connection_that_cannot_be_made_is_tried_three_times() -> None:
    failing = broken(httpx.ConnectError("evil"))
    assert scripted(PRIMED, failing, failing, rest()).call(SESSION)
    script = scripted(PRIMED, failing, failing, failing)
    assert script.fails(McpServerError, SESSION).details == {"reason": "no_answer"}


@pytest.mark.parametrize("status", [401, 403, 404, 405, 429, 500])
def test_a_refusal_of_the_rest_is_not_one_of_the_call(status: int) -> None:
    """A session that died, a token that expired: the tool may have run, and runs once."""
    script = scripted(PRIMED, plain(status))
    failed = script.fails(McpServerError, SESSION)
    assert failed.details == {"reason": "no_answer"}
    assert "may have run" in failed.message
    assert script.sent == [CALL, "GET"]


@pytest.mark.parametrize(
    "first",
    [
        stream("data:\n\n"),
        stream("id:\ndata:\n\n"),
        stream("id: größe\ndata:\n\n"),
        stream(f"id: {'x' * 2000}\ndata:\n\n"),
        stream("id: e-1\n"),
    ],
    ids=["no id", "an empty one", "not a header's", "a long one", "half an event"],
)
def test_without_an_id_there_is_nothing_to_take_up(first: Step) -> None:
    script = scripted(first)
    assert script.fails(McpServerError, SESSION).details == {"reason": "no_answer"}


def test_a_modern_stream_is_not_resumed() -> None:
    """2026-07-28, Receiving Messages: resumable streams are not supported."""
    script = scripted(PRIMED)
    assert script.fails(McpServerError, MODERN).details == {"reason": "no_answer"}


def test_a_server_that_shows_its_age_by_a_session_id_is_asked_for_the_rest() -> None:
    """It answers the modern request as one of its own: a call like any other, sent once."""

    def primed(request: httpx.Request) -> httpx.Response:
        answer = PRIMED(request)
        answer.headers["Mcp-Session-Id"] = "s-7"
        return answer

    script = scripted(primed, rest())
    assert script.call(MODERN).outcome == ToolResult(CONTENT)
    assert script.sent == [CALL, "GET"]
    headers = script.requests[1].headers
    assert (headers["mcp-session-id"], headers["last-event-id"]) == ("s-7", "e-1")
    assert "mcp-name" not in headers


def test_the_cap_holds_for_all_connections_together() -> None:
    filling = stream(f"id: e-1\ndata: {'x' * 2_500_000}\n\n")
    script = scripted(filling, filling)
    script.fails(McpResultTooLarge, SESSION)
    assert script.sent == [CALL, "GET"]


def test_questions_on_the_rest_of_a_stream_are_answered() -> None:
    ping = json.dumps({"jsonrpc": "2.0", "id": 7, "method": "ping"})
    script = scripted(PRIMED, rest(f"data: {ping}\n\n"), plain(202))
    script.call(SESSION)
    assert json.loads(script.requests[2].content) == {"jsonrpc": "2.0", "id": 7, "result": {}}
