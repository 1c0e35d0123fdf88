"""The endpoint's tools, and the ways in which a client is told that its user must connect."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from broker.model import Status
from tests.fakes.services import answers
from tests.integration.conftest import RETURN_URL, World
from tests.integration.mcp_client import (
    ORIGIN,
    URLS,
    Endpoint,
    McpClient,
    endpoint,
    error_of,
    result_of,
    said,
)
from tests.integration.whole import Run

CALL: dict[str, Any] = {"name": "get", "arguments": {"n": 1}}
FORMS: dict[str, Any] = {"elicitation": {}}


@pytest.fixture
def at(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Endpoint:
    return endpoint(world, monkeypatch, capsys)


@pytest.fixture
def client(at: Endpoint) -> McpClient:
    return at.client()


def names(run: Run) -> list[str]:
    return [tool["name"] for tool in result_of(run)["tools"]]


def asked(run: Run) -> tuple[dict[str, Any], str]:
    """Return what the client is to show, and the state to bring back."""
    result = result_of(run)
    assert result["resultType"] == "input_required"
    request = result["inputRequests"]["connect"]
    assert request["method"] == "elicitation/create"
    return request["params"], result["requestState"]


def connects(world: World) -> None:
    world.connect()


def resumed(client: McpClient, state: str, action: str, **changes: Any) -> Run:
    again = {"requestState": state, "inputResponses": {"connect": {"action": action}}}
    return client.modern("tools/call", {**CALL, **again, **changes}, URLS)


def test_before_a_list_is_known_there_is_one_tool_that_connects(client: McpClient) -> None:
    run = client.older("tools/list")
    assert names(run) == ["connect"]
    assert "CRM" in result_of(run)["tools"][0]["description"]


def test_a_connected_user_is_shown_the_servers_tools(client: McpClient, world: World) -> None:
    world.connect()
    assert names(client.older("tools/list")) == ["get"]
    listed = result_of(client.modern("tools/list"))
    assert (listed["cacheScope"], listed["resultType"]) == ("private", "complete")
    assert listed["ttlMs"] > 0


def test_a_list_that_cannot_be_had_is_no_empty_list(client: McpClient, world: World) -> None:
    world.connect()
    world.mcp.script.append(answers(500))
    assert error_of(client.older("tools/list")) == (200, 502)


@pytest.mark.parametrize("modern", [True, False])
def test_a_tool_runs_as_the_user_in_one_request(
    client: McpClient, world: World, modern: bool
) -> None:
    world.connect()
    ask = client.modern if modern else client.older
    assert result_of(ask("tools/call", CALL))["content"] == [{"type": "text", "text": "done"}]
    assert world.mcp.tokens == [world.access_token()]
    assert world.mcp.methods == ["tools/call"]


@pytest.mark.parametrize(
    "params", [{}, {"name": 7}, {"name": ""}, {"name": "a\n"}, {"name": "get", "arguments": []}]
)
def test_a_call_without_a_tool_or_with_no_arguments_of_any_is_refused(
    client: McpClient, world: World, params: dict[str, Any]
) -> None:
    world.connect()
    assert error_of(client.older("tools/call", params)) == (200, -32602)
    assert world.mcp.requests == []


def test_the_tool_that_connects_asks_and_later_says_that_it_is_done(
    client: McpClient, world: World
) -> None:
    assert "/authorize?ticket=" in said(client.older("tools/call", {"name": "connect"}))
    world.connect()
    result = result_of(client.older("tools/call", {"name": "connect"}))
    assert result["isError"] is False
    world.flag()
    assert "connected again" in said(client.older("tools/call", {"name": "connect"}))


def test_a_tool_of_the_servers_that_is_called_connect_is_the_servers(
    client: McpClient, world: World
) -> None:
    world.mcp.tools[0]["name"] = "connect"
    world.connect()
    assert (
        result_of(client.older("tools/call", {"name": "connect"}))["content"][0]["text"] == "done"
    )


@pytest.mark.parametrize("version", [None, "2025-11-25", "2025-06-18", "2025-03-26"])
def test_a_client_that_declared_nothing_is_given_the_link_in_a_result(
    client: McpClient, version: str | None
) -> None:
    text = said(client.older("tools/call", CALL, version=version))
    assert "CRM" in text
    assert f"{ORIGIN}/authorize?ticket=" in text


def test_a_modern_client_without_url_elicitation_is_given_the_link_in_a_result(
    client: McpClient,
) -> None:
    run = client.modern("tools/call", CALL, FORMS)
    assert "/authorize?ticket=" in said(run)
    assert result_of(run)["resultType"] == "complete"


def test_the_links_way_back_is_the_sessions(client: McpClient, world: World) -> None:
    said(client.older("tools/call", CALL))
    [ticket] = [i for i in world.cloud.items("PendingTable") if i["id"]["S"].startswith("ticket#")]
    assert ticket["return_url"]["S"] == RETURN_URL
    assert ticket["user_id"]["S"] == "jo"


@pytest.mark.parametrize("capabilities", [{}, URLS])
def test_a_session_without_a_way_back_is_given_no_link(
    at: Endpoint, world: World, capabilities: dict[str, Any]
) -> None:
    client = at.client(return_url=None)
    text = said(client.modern("tools/call", CALL, capabilities))
    assert "http" not in text
    assert world.cloud.items("PendingTable") == []


def test_where_sessions_are_not_bound_there_is_no_link(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    open_door = world.container(SESSION_BINDING="none")
    client = endpoint(world, monkeypatch, capsys, open_door).client()
    assert "http" not in said(client.modern("tools/call", CALL, URLS))
    assert world.cloud.items("PendingTable") == []


def test_a_client_of_2025_11_25_that_shows_urls_is_told_by_the_error(client: McpClient) -> None:
    client.initialize(**URLS)
    run = client.older("tools/call", CALL)
    assert error_of(run) == (200, -32042)
    [elicitation] = run.body["error"]["data"]["elicitations"]
    assert elicitation.keys() == {"mode", "elicitationId", "url", "message"}
    assert elicitation["mode"] == "url"
    assert urlsplit(elicitation["url"]).path == "/authorize"


def test_what_a_client_declared_is_that_of_its_last_initialize(client: McpClient) -> None:
    client.initialize(**URLS)
    client.initialize(**FORMS)
    assert "/authorize" in said(client.older("tools/call", CALL))


@pytest.mark.parametrize("version", ["2025-06-18", "2025-03-26"])
def test_an_older_client_is_never_told_by_the_error(client: McpClient, version: str) -> None:
    client.initialize(version, **URLS)
    assert "/authorize" in said(client.older("tools/call", CALL, version=version))


def test_what_one_session_declared_is_nothing_to_another(at: Endpoint) -> None:
    at.client().initialize(**URLS)
    assert "/authorize" in said(at.client().older("tools/call", CALL))


def test_a_modern_client_that_shows_urls_is_asked_for_input(client: McpClient) -> None:
    params, state = asked(client.modern("tools/call", CALL, URLS))
    assert params.keys() == {"mode", "url", "message"}
    assert len(state) >= 43
    assert state not in params["url"]


def test_the_state_is_stored_nowhere(client: McpClient, world: World) -> None:
    params, state = asked(client.modern("tools/call", CALL, URLS))
    ticket = params["url"].partition("ticket=")[2]
    stored = str(world.cloud.items("PendingTable"))
    assert state not in stored
    assert ticket not in stored


def test_accept_waits_for_the_connection_and_then_the_tool_runs(
    client: McpClient, world: World
) -> None:
    _, state = asked(client.modern("tools/call", CALL, URLS))
    world.time.meanwhile += [lambda: None, lambda: None, lambda: connects(world)]
    assert result_of(resumed(client, state, "accept"))["content"][0]["text"] == "done"
    assert world.mcp.tokens == [world.access_token()]


def test_accept_without_a_connection_is_asked_again_after_twenty_seconds(
    client: McpClient, world: World
) -> None:
    _, state = asked(client.modern("tools/call", CALL, URLS))
    began = world.time.elapsed
    _, again = asked(resumed(client, state, "accept"))
    assert 18 <= world.time.elapsed - began <= 20
    assert again != state
    world.connect()
    assert result_of(resumed(client, again, "accept"))["content"][0]["text"] == "done"


@pytest.mark.parametrize("action", ["decline", "cancel"])
def test_who_does_not_want_to_is_not_asked_again(
    client: McpClient, world: World, action: str
) -> None:
    _, state = asked(client.modern("tools/call", CALL, URLS))
    assert "not connected" in said(resumed(client, state, action))
    assert world.time.waits == 0


def test_a_reconnect_waits_for_a_new_consent(client: McpClient, world: World) -> None:
    world.connect()
    world.flag()
    params, state = asked(client.modern("tools/call", CALL, URLS))
    assert "connected again" in params["message"]
    world.time.meanwhile.append(lambda: connects(world))
    assert result_of(resumed(client, state, "accept"))["content"][0]["text"] == "done"
    assert world.connection().status is Status.ACTIVE


def test_a_missing_scope_is_asked_for_and_waited_for(client: McpClient, world: World) -> None:
    world.connect()
    challenge = 'Bearer error="insufficient_scope", scope="delete"'
    world.mcp.script.append(answers(403, {}, **{"WWW-Authenticate": challenge}))
    params, state = asked(client.modern("tools/call", CALL, URLS))
    assert "permission" in params["message"]
    world.time.meanwhile.append(lambda: connects(world))
    assert result_of(resumed(client, state, "accept"))["content"][0]["text"] == "done"


FORGERIES: dict[str, dict[str, Any]] = {
    "invented": {"requestState": "x" * 43},
    "no text": {"requestState": 7},
    "another tool": {"name": "other"},
    "other arguments": {"arguments": {"n": 2}},
}


@pytest.mark.parametrize("forged", FORGERIES.values(), ids=FORGERIES)
def test_a_state_is_good_for_its_own_call_alone(
    client: McpClient, world: World, forged: dict[str, Any]
) -> None:
    _, state = asked(client.modern("tools/call", CALL, URLS))
    world.connect()
    assert error_of(resumed(client, state, "accept", **forged)) == (400, -32602)
    assert world.mcp.requests == []


def test_a_state_is_good_once(client: McpClient, world: World) -> None:
    _, state = asked(client.modern("tools/call", CALL, URLS))
    world.connect()
    assert resumed(client, state, "accept").status == 200
    assert error_of(resumed(client, state, "accept")) == (400, -32602)
    assert len(world.mcp.requests) == 1


@pytest.mark.parametrize("user_id", ["jo", "kim"])
def test_a_state_is_good_in_its_own_session_alone(
    at: Endpoint, client: McpClient, world: World, user_id: str
) -> None:
    _, state = asked(client.modern("tools/call", CALL, URLS))
    world.connect(user_id)
    assert error_of(resumed(at.client(user_id), state, "accept")) == (400, -32602)
    assert world.mcp.requests == []


def test_a_state_expires(client: McpClient, world: World) -> None:
    _, state = asked(client.modern("tools/call", CALL, URLS))
    world.time.passes(601)
    assert error_of(resumed(client, state, "accept")) == (400, -32602)
