"""Sessions of before 2026: lost, asked back in, and never a call twice."""

import json

import httpx
import pytest

from broker.errors import McpServerError, McpServerTimeout
from broker.mcp import Era, Learned, Target, ToolResult
from broker.model import Secret
from tests.unit.test_mcp_eras import ACCEPTED, CALL, HANDSHAKE, INIT, UNKNOWN, json_error, welcome
from tests.unit.test_mcp_scripts import (
    CONTENT,
    MODERN,
    SESSION,
    SESSIONLESS,
    URL,
    Script,
    Step,
    broken,
    error,
    plain,
    result,
    stream,
)

LOST = {
    "404": plain(404),
    "404, as JSON-RPC": json_error(404, -32600, "Session not found"),
    "404, echoed": error(-32001, 404, "Session not found"),
    "400": plain(400, "Invalid session"),
    "400, as JSON-RPC": json_error(400, -32000, "Bad Request: Server not initialized"),
    "400, echoed": error(-32000, 400, "Bad Request: No valid session ID provided"),
    "422": plain(422),
    "200 not initialized": error(-32000, 200, "Server not initialized"),
}


@pytest.mark.parametrize("lost", LOST.values(), ids=LOST.keys())
@pytest.mark.parametrize("target", [SESSION, SESSIONLESS], ids=["session", "sessionless"])
def test_a_lost_session_is_opened_again(lost: Step, target: Target) -> None:
    script = Script.of(lost, welcome(), ACCEPTED, result())
    assert script.call(target).learned.session == Secret("s-9")
    assert script.sent == [CALL, *HANDSHAKE, CALL]


@pytest.mark.parametrize("lost", LOST.values(), ids=LOST.keys())
def test_a_session_is_opened_again_once(lost: Step) -> None:
    script = Script.of(lost, welcome(), ACCEPTED, lost)
    script.fails(Exception, SESSION)
    assert script.sent == [CALL, *HANDSHAKE, CALL]


@pytest.mark.parametrize("step", [error(-32602, 400), error(-32603, 400), error(-32601, 404)])
def test_a_refusal_of_the_call_is_no_lost_session(step: Step) -> None:
    script = Script.of(step)
    script.fails(Exception, SESSION)
    assert script.sent == [CALL]


NEVER_AGAIN = {
    "500": plain(500),
    "503": plain(503, **{"Retry-After": "1"}),
    "a broken stream": stream(": ping\n\n"),
    "a lost connection": broken(httpx.ReadError("evil")),
    "a redirect": plain(308, Location=URL),
    "an error at 200": error(-32603),
    "408": plain(408),
}


@pytest.mark.parametrize("step", NEVER_AGAIN.values(), ids=NEVER_AGAIN.keys())
@pytest.mark.parametrize("target", [UNKNOWN, MODERN, SESSION, SESSIONLESS])
def test_a_call_that_may_have_run_is_never_repeated(step: Step, target: Target) -> None:
    script = Script.of(step)
    script.fails(McpServerError, target)
    assert script.sent == [CALL]


@pytest.mark.parametrize("target", [UNKNOWN, MODERN, SESSION, SESSIONLESS])
def test_a_call_that_timed_out_is_never_repeated(target: Target) -> None:
    script = Script.of(broken(httpx.ReadTimeout("evil")))
    script.fails(McpServerTimeout, target)
    assert script.sent == [CALL]


@pytest.mark.parametrize("refusal", [plain(400), error(-32601, 404), error(-32022, 400)])
def test_a_server_that_left_its_older_era_behind_is_spoken_to_as_modern(refusal: Step) -> None:
    script = Script.of(plain(404), refusal, result())
    assert script.call(SESSION).learned == Learned(Era.MODERN, None, "2026-07-28")
    assert script.sent == [CALL, INIT, CALL]


def test_a_server_that_left_all_eras_behind_is_an_error() -> None:
    script = Script.of(plain(404), plain(404), plain(404), plain(404))
    script.fails(McpServerError, SESSION)
    assert script.sent == [CALL, INIT, CALL, "GET"]


def asking(*questions: object) -> Step:
    texts = [f"data: {json.dumps(question)}\n\n" for question in questions]
    return stream(*texts, {"result": CONTENT})


PING = {"jsonrpc": "2.0", "id": 7, "method": "ping"}


SAMPLING = {"jsonrpc": "2.0", "id": "q", "method": "sampling/createMessage", "params": {}}


def test_an_older_servers_questions_are_answered_in_its_session() -> None:
    script = Script.of(asking(PING, SAMPLING), ACCEPTED, plain(500))
    assert script.call(SESSION).outcome == ToolResult(CONTENT)
    _, pong, refusal = script.requests
    assert json.loads(pong.content) == {"jsonrpc": "2.0", "id": 7, "result": {}}
    assert json.loads(refusal.content)["error"]["code"] == -32601
    assert pong.headers["mcp-session-id"] == "s-1"


def test_a_question_that_cannot_be_answered_does_not_end_the_call() -> None:
    script = Script.of(asking(PING), broken(httpx.ConnectError("evil")))
    assert script.call(SESSION).outcome == ToolResult(CONTENT)


def test_a_modern_server_has_no_questions() -> None:
    script = Script.of(asking(PING, SAMPLING))
    assert script.call(MODERN).outcome == ToolResult(CONTENT)


def test_not_every_question_is_answered() -> None:
    script = Script.of(asking(*[PING] * 1000), *[ACCEPTED] * 20)
    assert script.call(SESSION).outcome == ToolResult(CONTENT)


@pytest.mark.parametrize("question_id", [None, True, 1.5, [], {}, "x" * 300, 10**50])
def test_a_question_with_an_id_that_is_none_is_not_answered(question_id: object) -> None:
    script = Script.of(asking({**PING, "id": question_id}))
    assert script.call(SESSION).outcome == ToolResult(CONTENT)
