"""The client against the mcp SDK's own server, over real sockets and through the real door."""

from collections.abc import Iterator
from typing import Any

import pytest

from broker.errors import InvalidToolArguments, McpServerError, McpServerTimeout
from broker.mcp import Called, Era, InputNeeded, Learned, ToolResult
from broker.model import Secret
from tests.unit.test_mcp_peer import MODERN_LEARNED, Live, running, soon
from tests.unit.test_outbound_loopback import StillClock


@pytest.fixture(scope="module", params=[False, True], ids=["sse", "json"])
def modern(request: pytest.FixtureRequest) -> Iterator[Live]:
    with running(json_response=request.param) as live:
        yield live


@pytest.fixture(scope="module", params=[False, True], ids=["sse", "json"])
def older(request: pytest.FixtureRequest) -> Iterator[Live]:
    with running(only_older=True, json_response=request.param) as live:
        yield live


@pytest.fixture(autouse=True)
def nothing_asked_yet(request: pytest.FixtureRequest) -> None:
    for name in ("modern", "older"):
        if name in request.fixturenames:
            live: Live = request.getfixturevalue(name)
            live.asked.clear()
            live.ran.clear()


def text_of(called: Called) -> str:
    assert isinstance(called.outcome, ToolResult)
    content: Any = called.outcome.result["content"]
    return str(content[0]["text"])


def test_a_modern_server_is_called_with_one_request_cold_and_warm(modern: Live) -> None:
    cold = modern.call("add", {"a": 2, "b": 3})
    assert text_of(cold) == "5"
    assert cold.learned == MODERN_LEARNED
    assert text_of(modern.call("add", {"a": 2, "b": 4}, cold.learned)) == "6"
    assert modern.asked == ["tools/call", "tools/call"]


def test_a_modern_server_may_report_progress_first(modern: Live) -> None:
    assert text_of(modern.call("count", {"to": 3})) == "counted"
    assert modern.asked == ["tools/call"]


def test_a_name_outside_ascii_reaches_a_modern_server(modern: Live) -> None:
    assert "größe und mehr" in text_of(modern.call("größe und mehr", {}))


@pytest.mark.parametrize(("name", "arguments"), [("fail", {}), ("add", {"a": "x"})])
def test_a_tools_own_failure_is_a_result(
    modern: Live, name: str, arguments: dict[str, object]
) -> None:
    outcome = modern.call(name, arguments).outcome
    assert isinstance(outcome, ToolResult)
    assert outcome.result["isError"] is True


@pytest.mark.parametrize("learned", [None, MODERN_LEARNED], ids=["unknown", "known"])
@pytest.mark.parametrize("name", ["run_and_refuse", "run_and_ask"])
def test_a_tool_that_ran_and_was_refused_with_400_does_not_run_again(
    modern: Live, learned: Learned | None, name: str
) -> None:
    with pytest.raises((InvalidToolArguments, McpServerError)) as failed:
        modern.call(name, {}, learned)
    assert modern.ran == [name]
    assert "initialize" not in modern.asked
    assert "evil" not in str(failed.value)


def test_a_modern_server_may_ask_for_input(modern: Live) -> None:
    asked = modern.call("ask", {}).outcome
    assert isinstance(asked, InputNeeded)
    assert asked.input_requests is not None
    assert asked.input_requests["name"]
    with modern.client() as client:
        answers = {"name": {"action": "accept", "content": {"name": "jo"}}}
        answered = client.call_tool(
            modern.target(),
            "ask",
            {},
            deadline=soon(),
            input_responses=answers,
            request_state=asked.request_state,
        )
    assert "jo" in text_of(answered)


def test_a_modern_servers_tools_are_listed_with_one_request(modern: Live) -> None:
    with modern.client() as client:
        listed = client.list_tools(modern.target(), deadline=soon())
    assert "größe und mehr" in [tool["name"] for tool in listed.tools]
    assert listed.learned == MODERN_LEARNED
    assert modern.asked == ["tools/list"]


def test_an_older_server_costs_four_requests_cold_and_one_warm(older: Live) -> None:
    cold = older.call("add", {"a": 2, "b": 3})
    assert text_of(cold) == "5"
    assert cold.learned.era is Era.SESSIONS
    assert cold.learned.protocol_version == "2025-11-25"
    assert older.asked == ["tools/call", "initialize", "notifications/initialized", "tools/call"]
    older.asked.clear()
    assert text_of(older.call("add", {"a": 2, "b": 4}, cold.learned)) == "6"
    assert older.asked == ["tools/call"]
    assert older.ran == ["add", "add"]


def test_an_older_server_that_lost_the_session_is_asked_again(older: Live) -> None:
    lost = Learned(Era.SESSIONS, Secret("gone"), "2025-11-25")
    found = older.call("add", {"a": 1, "b": 1}, lost)
    assert text_of(found) == "2"
    assert found.learned.session != Secret("gone")
    assert older.ran == ["add"]


def test_an_older_server_may_report_progress_first(older: Live) -> None:
    assert text_of(older.call("count", {"to": 3})) == "counted"


def test_an_older_servers_tools_are_listed(older: Live) -> None:
    with older.client() as client:
        listed = client.list_tools(older.target(), deadline=soon())
    assert "add" in [tool["name"] for tool in listed.tools]
    assert listed.cache_scope == "private"


def test_an_older_server_without_sessions_costs_one_request_warm() -> None:
    with running(only_older=True, stateless_http=True) as live:
        cold = live.call("add", {"a": 2, "b": 3})
        assert cold.learned.era is Era.SESSIONLESS
        live.asked.clear()
        assert text_of(live.call("add", {"a": 2, "b": 4}, cold.learned)) == "6"
        assert live.asked == ["tools/call"]


def test_a_server_that_learned_the_new_era_still_knows_the_old_one() -> None:
    with running() as live:
        remembered = Learned(Era.SESSIONS, Secret("of the older release"), "2025-11-25")
        assert text_of(live.call("add", {"a": 1, "b": 2}, remembered)) == "3"
        assert live.ran == ["add"]


def test_a_tool_that_takes_too_long_is_a_timeout() -> None:
    with running() as live, live.client(StillClock()) as client, pytest.raises(McpServerTimeout):
        client.call_tool(live.target(), "hang", {}, deadline=0.5)
