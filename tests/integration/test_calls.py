"""A call as a user: which token, how many requests, and what a 401 leads to."""

from dataclasses import replace
from typing import Any

import pytest

from broker.errors import McpServerError, ServerMisconfigured, TemporarilyUnavailable
from broker.model import (
    AuthorizationRequired,
    AuthType,
    Completed,
    InvokeOutcome,
    PromptReason,
    Reason,
    Secret,
    Server,
    Status,
    ToolCall,
    ToolListing,
    Wish,
)
from broker.vault import bearer_token_place
from tests.fakes.services import answers
from tests.integration.conftest import RETURN_URL, Container, World


def invoke(
    world: World, user_id: str = "jo", core: Container | None = None, seconds: float = 29.0
) -> InvokeOutcome:
    wish = Wish(user_id, return_url=RETURN_URL)
    call = ToolCall("crm", "get", wish, {"id": 1})
    return (core or world.core).flows.mcp_invoke.invoke(call, world.run(seconds))


def tools(world: World, user_id: str = "jo") -> ToolListing:
    return world.core.flows.mcp_invoke.tools("crm", user_id, world.run())


def asks(world: World, user_id: str = "jo") -> AuthorizationRequired:
    outcome = invoke(world, user_id)
    assert isinstance(outcome, AuthorizationRequired)
    return outcome


def changed(world: World, **changes: Any) -> Server:
    return world.register(replace(world.server, **changes))


def test_the_tool_runs_as_the_user(world: World) -> None:
    world.connect()
    assert isinstance(invoke(world), Completed)
    assert world.mcp.tokens == ["canary-access-1"]


def test_two_users_in_one_warm_container_keep_their_own_tokens(world: World) -> None:
    world.connect("jo")
    world.connect("mallory")
    for user in ("jo", "mallory", "jo"):
        invoke(world, user)
    assert world.mcp.tokens == ["canary-access-1", "canary-access-2", "canary-access-1"]


def test_a_warm_call_reads_the_server_and_the_connection_and_nothing_else(world: World) -> None:
    world.connect()
    invoke(world)
    world.cloud.sent.clear()
    invoke(world)
    assert world.cloud.sent == ["GetItem", "GetItem"]


def test_a_modern_server_gets_one_request_cold_and_warm(world: World) -> None:
    world.connect()
    invoke(world)
    invoke(world)
    assert world.mcp.methods == ["tools/call", "tools/call"]


def test_a_session_costs_four_requests_cold_and_one_warm(world: World) -> None:
    world.mcp.sessions = True
    world.connect()
    invoke(world)
    assert len(world.mcp.requests) == 4
    invoke(world)
    assert len(world.mcp.requests) == 5


def test_another_container_knows_era_and_session_from_the_tables(world: World) -> None:
    world.mcp.sessions = True
    world.connect()
    invoke(world)
    world.mcp.requests.clear()
    invoke(world, core=world.container())
    assert world.mcp.methods == ["tools/call"]


def test_a_session_survives_a_refresh(world: World) -> None:
    world.mcp.sessions = True
    world.connect()
    invoke(world)
    world.time.passes(3500)
    world.mcp.requests.clear()
    invoke(world)
    assert world.mcp.methods == ["tools/call"]


def test_a_session_is_not_carried_into_the_next_grant(world: World) -> None:
    world.mcp.sessions = True
    world.connect()
    invoke(world)
    world.connect()
    world.mcp.requests.clear()
    invoke(world)
    assert "mcp-session-id" not in world.mcp.requests[0].headers


def test_an_unconnected_user_is_asked_to_connect(world: World) -> None:
    asked = asks(world)
    assert asked.reason is PromptReason.NOT_CONNECTED
    assert asked.link.connect_url.startswith("https://broker.example.com/authorize?ticket=")
    assert world.mcp.requests == []


def test_a_flagged_connection_asks_for_a_reconnect_and_says_why(world: World) -> None:
    world.connect()
    world.flag()
    asked = asks(world)
    assert asked.reason is PromptReason.RECONNECT_REQUIRED
    assert asked.failure
    assert asked.failure.code == "refresh_rejected"


def test_a_401_leads_to_one_refresh_and_one_retry(world: World) -> None:
    world.connect()
    world.mcp.script.append(answers(401, {"error": "invalid_token"}))
    assert isinstance(invoke(world), Completed)
    assert world.mcp.tokens == ["canary-access-1", "canary-access-2"]
    assert len(world.login.refreshes) == 1


def test_a_second_401_ends_it_as_rejected_by_the_server(world: World) -> None:
    world.connect()
    world.mcp.script += [answers(401, {"error": "invalid_token"})] * 2
    assert asks(world).reason is PromptReason.RECONNECT_REQUIRED
    stands = world.connection()
    assert (stands.status, stands.reason) == (Status.RECONNECT_REQUIRED, Reason.REJECTED_BY_SERVER)
    assert (len(world.mcp.requests), len(world.login.refreshes)) == (2, 1)


def test_a_401_while_the_authorization_server_is_down_flags_nobody(world: World) -> None:
    world.connect()
    world.mcp.script.append(answers(401, {"error": "invalid_token"}))
    world.login.script += [answers(429, {}, **{"retry-after": "30"})]
    with pytest.raises(TemporarilyUnavailable):
        invoke(world)
    assert world.connection().status is Status.ACTIVE


def test_a_server_that_refuses_everybody_flags_five_and_then_nobody(world: World) -> None:
    world.mcp.accepts = lambda _: False
    users = [f"user-{number}" for number in range(7)]
    for user in users:
        world.connect(user)
        world.time.passes(5)
    for user in users[:5]:
        assert asks(world, user).reason is PromptReason.RECONNECT_REQUIRED
    for user in users[5:]:
        with pytest.raises(McpServerError):
            invoke(world, user)
        assert world.connection(user).status is Status.ACTIVE


def test_a_403_for_want_of_scope_asks_for_the_union_and_keeps_the_connection(world: World) -> None:
    world.connect()
    challenge = 'Bearer error="insufficient_scope", scope="admin read"'
    world.mcp.script.append(answers(403, {}, **{"www-authenticate": challenge}))
    asked = asks(world)
    assert asked.reason is PromptReason.ADDITIONAL_SCOPE
    assert asked.scopes == ("read", "write", "admin")
    assert world.connection().status is Status.ACTIVE
    assert world.login.refreshes == []


def test_an_incomplete_server_is_the_builders_fault(world: World) -> None:
    changed(world, client_id=None)
    with pytest.raises(ServerMisconfigured) as failed:
        invoke(world)
    assert failed.value.details == {"missing": ["client_id"]}


def test_a_server_whose_client_is_refused_prompts_nobody(world: World) -> None:
    world.core.server_states.flag_misconfigured("crm", "invalid_client", world.time.now())
    with pytest.raises(ServerMisconfigured):
        invoke(world)


def test_no_call_starts_with_less_than_five_seconds_left(world: World) -> None:
    world.connect()
    with pytest.raises(TemporarilyUnavailable):
        invoke(world, seconds=4.9)
    assert world.mcp.requests == []


def test_a_call_ends_a_second_before_the_invocation_does(world: World) -> None:
    world.connect()
    invoke(world)
    assert world.mcp.requests[0].extensions["deadline"] <= 1000 + world.time.elapsed + 28


def bearer(world: World) -> None:
    sealed = world.core.vault.seal(bearer_token_place("crm"), Secret("canary-shared-key"))
    changed(
        world, auth_type=AuthType.BEARER, bearer_token=sealed, token_header="X-Key", token_scheme=""
    )
    world.mcp.accepts = lambda _: True


def test_a_shared_key_is_sent_as_the_server_wants_it(world: World) -> None:
    bearer(world)
    invoke(world)
    assert world.mcp.requests[0].headers["x-key"] == "canary-shared-key"


def test_a_shared_key_that_is_refused_is_the_builders_fault(world: World) -> None:
    bearer(world)
    world.mcp.accepts = lambda _: False
    with pytest.raises(ServerMisconfigured):
        invoke(world)


def test_tools_are_fetched_with_that_users_token_and_kept(world: World) -> None:
    world.connect()
    listed = tools(world)
    assert (listed.source, [tool["name"] for tool in listed.tools]) == ("user", ["get"])
    tools(world)
    assert (world.mcp.methods, world.mcp.tokens) == (["tools/list"], ["canary-access-1"])


def test_a_failed_refresh_of_the_tools_keeps_the_last_good_list(world: World) -> None:
    world.connect()
    tools(world)
    world.time.passes(16 * 60)
    world.mcp.script.append(answers(500))
    listed = tools(world)
    assert [tool["name"] for tool in listed.tools] == ["get"]
    assert listed.stale_because == "mcp_server_error"


def test_one_users_tools_are_never_shown_to_another(world: World) -> None:
    world.connect()
    tools(world)
    listed = tools(world, "mallory")
    assert (list(listed.tools), listed.source) == ([], "none")


def test_tools_are_never_fetched_without_a_token(world: World) -> None:
    tools(world)
    assert world.mcp.requests == []


def test_the_tools_of_the_grant_before_are_not_shown_after_a_reconnect(world: World) -> None:
    world.connect()
    tools(world)
    world.mcp.tools = [{"name": "other", "inputSchema": {"type": "object"}}]
    world.time.passes(60)
    world.connect()
    assert [tool["name"] for tool in tools(world).tools] == ["other"]


def test_the_tools_of_a_disconnected_user_are_forgotten(world: World) -> None:
    world.connect()
    tools(world)
    world.core.flows.connections.disconnect("jo", "crm", world.run())
    assert list(tools(world).tools) == []
    assert world.cloud.items("ToolsTable") == []


def test_a_server_known_to_refuse_everybody_costs_no_refresh_at_each_call(world: World) -> None:
    world.mcp.accepts = lambda _: False
    users = [f"user-{number}" for number in range(6)]
    for user in users:
        world.connect(user)
    for user in users[:5]:
        asks(world, user)
    for _ in range(4):
        with pytest.raises(McpServerError):
            invoke(world, "user-5")
        world.time.passes(20)
    assert len(world.login.refreshes) <= 6


def test_a_server_that_refuses_five_users_in_an_hour_is_not_to_blame(world: World) -> None:
    world.mcp.accepts = lambda _: False
    for number in range(7):
        world.connect(f"user-{number}")
        assert asks(world, f"user-{number}").reason is PromptReason.RECONNECT_REQUIRED
        world.time.passes(minutes=6)
