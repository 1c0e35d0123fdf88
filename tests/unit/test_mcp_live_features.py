"""The client against the mcp SDK's own server: every era's transport, and more than tools."""

from collections.abc import Iterator
from typing import Any

import pytest

from broker.errors import InvalidRequest, McpServerError
from broker.mcp import Called, Era, Learned, Target, ToolResult
from broker.model import Hearing, Secret
from tests.unit.test_mcp_peer import Live, Remembering, running, soon

ERAS: dict[str, dict[str, Any]] = {
    "2026-07-28": {},
    "2025-11-25": {"only_older": True},
    "2025-11-25 without sessions": {"only_older": True, "stateless_http": True},
    "2024-11-05": {"http_sse": True},
}
OPENING = ["GET", "initialize", "notifications/initialized"]


@pytest.fixture(scope="module", params=ERAS)
def live(request: pytest.FixtureRequest) -> Iterator[Live]:
    with running(**ERAS[request.param]) as found:
        yield found


@pytest.fixture(scope="module")
def resumable() -> Iterator[Live]:
    store = Remembering()
    with running(only_older=True, event_store=store, retry_interval=50) as found:
        yield found


def ask(live: Live, method: str, params: dict[str, object]) -> Any:
    with live.client() as client:
        asked = client.ask(live.target(), method, params, deadline=soon())
    assert isinstance(asked.outcome, ToolResult)
    return asked.outcome.result


def entries(live: Live, method: str) -> Any:
    with live.client() as client:
        return client.list_all(live.target(), method, deadline=soon()).entries


def call(live: Live, name: str, hearing: Hearing, target: Target | None = None) -> Called:
    with live.client() as client:
        arguments: dict[str, object] = {"to": 3} if name == "count" else {}
        found = target or live.target()
        return client.call_tool(found, name, arguments, deadline=soon(), hearing=hearing)


def test_prompts_are_listed_and_filled_in(live: Live) -> None:
    assert [prompt["name"] for prompt in entries(live, "prompts/list")] == ["greet"]
    filled = ask(live, "prompts/get", {"name": "greet", "arguments": {"name": "Jo"}})
    assert filled["messages"][0]["content"]["text"] == "Greet Jo."


def test_resources_are_listed_and_read(live: Live) -> None:
    assert [found["uri"] for found in entries(live, "resources/list")] == ["note://first"]
    read = ask(live, "resources/read", {"uri": "note://first"})
    assert read["contents"][0]["text"] == "the first note"


def test_templates_of_resources_are_listed_and_read(live: Live) -> None:
    (template,) = entries(live, "resources/templates/list")
    assert template["uriTemplate"] == "note://{number}/größe"
    read = ask(live, "resources/read", {"uri": "note://7/größe"})
    assert read["contents"][0]["text"] == "note 7"


def test_arguments_are_completed(live: Live) -> None:
    params: dict[str, object] = {
        "ref": {"type": "ref/prompt", "name": "greet"},
        "argument": {"name": "name", "value": "J"},
    }
    assert ask(live, "completion/complete", params)["completion"]["values"] == ["J…"]


def test_what_is_not_there_is_the_servers_error(live: Live) -> None:
    with pytest.raises(McpServerError) as failed:
        ask(live, "prompts/get", {"name": "other"})
    assert isinstance(failed.value.details["code"], int)


@pytest.mark.parametrize("method", ["tools/call", "prompts/list", "logging/setLevel", "evil"])
def test_other_methods_are_not_passed_on(live: Live, method: str) -> None:
    live.asked.clear()
    with pytest.raises(InvalidRequest):
        ask(live, method, {})
    with pytest.raises(InvalidRequest):
        entries(live, "tools/call")
    assert live.asked == []


def test_progress_reaches_the_caller_under_its_own_token(live: Live) -> None:
    called = call(live, "count", Hearing(progress_token="mine"))
    heard = [notice["params"] for notice in called.notices.heard]
    if called.learned.era is Era.SESSIONLESS:
        assert len(heard) <= 3
    else:
        assert [params["progress"] for params in heard] == [0, 1, 2]  # type: ignore[index]
    assert all(params["progressToken"] == "mine" for params in heard)  # type: ignore[index]


def test_who_wants_no_progress_hears_of_none(live: Live) -> None:
    assert call(live, "count", Hearing()).notices.heard == ()


def test_an_http_sse_server_costs_six_requests_once_and_then_four() -> None:
    with running(http_sse=True) as live:
        cold = live.call("add", {"a": 2, "b": 3})
        assert cold.learned.era is Era.HTTP_SSE
        assert live.asked == ["tools/call", "initialize", *OPENING, "tools/call"]
        live.asked.clear()
        warm = live.call("add", {"a": 2, "b": 4}, cold.learned)
        assert isinstance(warm.outcome, ToolResult)
        assert warm.outcome.result["content"][0]["text"] == "6"  # type: ignore[index]
        assert live.asked == [*OPENING, "tools/call"]
        assert live.ran == ["add", "add"]


def test_a_stream_that_the_server_breaks_off_is_taken_up_again(resumable: Live) -> None:
    session = resumable.call("add", {"a": 1, "b": 1}).learned
    resumable.asked.clear()
    called = call(resumable, "leave", Hearing(), resumable.target(session))
    assert isinstance(called.outcome, ToolResult)
    assert called.outcome.result["content"][0]["text"] == "come back"  # type: ignore[index]
    assert resumable.asked[0] == "tools/call"
    assert set(resumable.asked[1:]) == {"GET"}


def test_a_session_that_died_costs_one_handshake(resumable: Live) -> None:
    lost = Learned(Era.SESSIONS, Secret("gone"), "2025-11-25")
    called = call(resumable, "count", Hearing(), resumable.target(lost))
    assert called.learned.session not in {None, lost.session}
