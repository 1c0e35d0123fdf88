"""What a server can be asked beyond tools, and what is kept of its answers for whom."""

import json
from typing import Any

import httpx
import pytest

from broker.errors import InvalidRequest, ServerMisconfigured
from broker.mcp import Called, InsufficientScope, Listing, MissingCapability, ToolResult
from broker.model import AuthType, Completed, Hearing
from broker.tokens import Unusable
from tests.fakes.clock import FakeClock
from tests.fakes.services import answers
from tests.integration.conftest import Container, World
from tests.integration.test_calls import changed, invoke, tools
from tests.unit.test_mcp_http_sse import OldServer

PROMPTS = {"prompts": [{"name": "greet"}]}
FILLED = {"messages": [{"role": "user", "content": {"type": "text", "text": "Hello"}}]}
MIRRORED = {
    "name": "get",
    "inputSchema": {
        "type": "object",
        "properties": {"id": {"type": "integer", "x-mcp-header": "Id"}},
    },
}


def ask(
    world: World, method: str, params: dict[str, Any], user_id: str = "jo", **more: Any
) -> Called | Unusable:
    caller = world.core.caller
    return caller.ask(world.server, user_id, method, params, world.run(), **more)


def prompts(world: World, user_id: str = "jo") -> Listing | Unusable:
    return world.core.caller.list_all(world.server, user_id, "prompts/list", world.run())


def call_again(world: World, user_id: str = "jo", core: Container | None = None) -> list[str]:
    """Call the tool; return which requests that took."""
    world.mcp.requests.clear()
    assert isinstance(invoke(world, user_id, core), Completed)
    return world.mcp.methods


def test_a_method_beyond_tools_is_asked_with_the_users_token(world: World) -> None:
    world.connect()
    world.mcp.results = {"prompts/get": FILLED}
    asked = ask(world, "prompts/get", {"name": "größe"})
    assert isinstance(asked, Called)
    assert asked.outcome == ToolResult(FILLED)
    assert world.mcp.tokens == ["canary-access-1"]
    assert world.mcp.requests[0].headers["mcp-name"] == "=?base64?Z3LDtsOfZQ==?="


def test_a_401_to_it_leads_to_one_refresh_and_one_retry(world: World) -> None:
    world.connect()
    world.mcp.results = {"prompts/list": PROMPTS}
    world.mcp.script.append(answers(401, {"error": "invalid_token"}))
    listed = prompts(world)
    assert isinstance(listed, Listing)
    assert listed.entries == PROMPTS["prompts"]
    assert world.mcp.tokens == ["canary-access-1", "canary-access-2"]


def test_whoever_is_not_connected_must_connect_first(world: World) -> None:
    assert prompts(world) == Unusable(None)
    assert ask(world, "resources/read", {"uri": "note://1"}) == Unusable(None)
    assert world.mcp.requests == []


def test_a_403_for_want_of_scope_names_the_scopes(world: World) -> None:
    world.connect()
    challenge = 'Bearer error="insufficient_scope", scope="notes"'
    world.mcp.script.append(answers(403, None, **{"WWW-Authenticate": challenge}))
    with pytest.raises(InsufficientScope) as failed:
        ask(world, "resources/read", {"uri": "note://1"})
    assert failed.value.scopes == ("notes",)


def test_a_missing_capability_is_named_without_the_token(world: World) -> None:
    world.connect()

    def refuse(request: httpx.Request) -> httpx.Response:
        required: dict[str, Any] = {"elicitation": {"url": {}}, "canary-access-1": {}}
        error = {"code": -32021, "message": "x", "data": {"requiredCapabilities": required}}
        said = {"jsonrpc": "2.0", "id": json.loads(request.content)["id"], "error": error}
        return httpx.Response(400, json=said)

    world.mcp.script.append(refuse)
    with pytest.raises(MissingCapability) as failed:
        ask(world, "tools/call", {"name": "get"}, capabilities={})
    assert failed.value.required == {"elicitation": {"url": {}}, "[redacted]": {}}
    sent = json.loads(world.mcp.requests[0].content)["params"]["_meta"]
    assert sent["io.modelcontextprotocol/clientCapabilities"] == {}


def test_a_shared_key_that_is_refused_is_the_builders_fault(world: World) -> None:
    world.server = changed(world, auth_type=AuthType.NONE)
    world.mcp.script.append(answers(401))
    with pytest.raises(ServerMisconfigured):
        prompts(world)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("logging/setLevel", {"level": "debug"}),
        ("tools/call", {}),
        ("tools/call", {"name": 1}),
        ("tools/call", {"name": "get", "arguments": []}),
        ("prompts/get", {}),
        ("resources/read", {"uri": 1}),
        ("completion/complete", {"ref": float("nan")}),
    ],
)
def test_what_is_no_question_is_not_sent(
    world: World, method: str, params: dict[str, object]
) -> None:
    world.connect()
    with pytest.raises(InvalidRequest):
        ask(world, method, params)
    assert world.mcp.requests == []


def progress(request: httpx.Request) -> httpx.Response:
    """Report progress, quote the user's token in the log, and answer."""
    asked = json.loads(request.content)
    token = asked["params"]["_meta"]["progressToken"]
    said: list[dict[str, Any]] = [
        {"method": "notifications/progress", "params": {"progressToken": token, "progress": 1}},
        {
            "method": "notifications/message",
            "params": {"level": "info", "data": request.headers["authorization"]},
        },
        {"id": asked["id"], "result": {"content": []}},
    ]
    events = "".join(f"data: {json.dumps({'jsonrpc': '2.0', **one})}\n\n" for one in said)
    return httpx.Response(200, text=events, headers={"Content-Type": "text/event-stream"})


def test_progress_and_log_reach_the_caller_without_the_token(world: World) -> None:
    world.connect()
    world.mcp.script.append(progress)
    asked = ask(
        world, "tools/call", {"name": "get"}, hearing=Hearing(progress_token=7, log_level="info")
    )
    assert isinstance(asked, Called)
    first, second = asked.notices.heard
    assert first["params"] == {"progressToken": 7, "progress": 1}
    assert second["params"] == {"level": "info", "data": "Bearer [redacted]"}
    meta = json.loads(world.mcp.requests[0].content)["params"]["_meta"]
    assert meta["io.modelcontextprotocol/logLevel"] == "info"
    assert meta["progressToken"] != 7


def test_a_schema_is_learned_once_and_reused_warm(world: World) -> None:
    world.connect()
    world.mcp.tools, world.mcp.mirrored = [MIRRORED], "mcp-param-id"
    assert call_again(world) == ["tools/call", "tools/list", "tools/call"]
    assert world.mcp.requests[-1].headers["mcp-param-id"] == "1"
    assert call_again(world) == ["tools/call"]


def test_another_container_takes_the_schema_from_the_tables(world: World) -> None:
    world.connect()
    world.mcp.tools, world.mcp.mirrored = [MIRRORED], "mcp-param-id"
    call_again(world)
    other = world.container()
    assert call_again(world, core=other) == ["tools/call"]
    world.cloud.sent.clear()
    assert call_again(world, core=other) == ["tools/call"]
    assert world.cloud.sent == ["GetItem", "GetItem"]


def test_a_schema_that_changed_is_learned_again(world: World) -> None:
    world.connect()
    world.mcp.tools, world.mcp.mirrored = [MIRRORED], "mcp-param-id"
    call_again(world)
    schema = {"properties": {"id": {"type": "integer", "x-mcp-header": "Number"}}}
    world.mcp.tools, world.mcp.mirrored = (
        [{"name": "get", "inputSchema": schema}],
        "mcp-param-number",
    )
    assert call_again(world) == ["tools/call", "tools/list", "tools/call"]
    assert call_again(world) == ["tools/call"]


def test_a_schema_is_taken_from_the_list_that_was_shown(world: World) -> None:
    world.connect()
    world.mcp.tools, world.mcp.mirrored = [MIRRORED], "mcp-param-id"
    tools(world)
    assert call_again(world) == ["tools/call"]
    assert call_again(world, core=world.container()) == ["tools/call"]


def test_a_schema_is_taken_from_the_list_that_was_asked_for(world: World) -> None:
    world.connect()
    world.mcp.tools, world.mcp.mirrored = [MIRRORED], "mcp-param-id"
    world.core.caller.list_all(world.server, "jo", "tools/list", world.run())
    assert call_again(world) == ["tools/call"]
    assert call_again(world, core=world.container()) == ["tools/call"]


def test_one_users_schemas_are_not_anothers(world: World) -> None:
    world.connect("jo")
    world.connect("mallory")
    world.mcp.tools, world.mcp.mirrored = [MIRRORED], "mcp-param-id"
    call_again(world, "jo")
    assert call_again(world, "mallory") == ["tools/call", "tools/list", "tools/call"]


def test_the_schemas_of_the_grant_before_are_not_used_after_a_reconnect(world: World) -> None:
    world.connect()
    world.mcp.tools, world.mcp.mirrored = [MIRRORED], "mcp-param-id"
    call_again(world)
    world.connect()
    assert call_again(world) == ["tools/call", "tools/list", "tools/call"]


@pytest.mark.parametrize(("scope", "requests"), [("private", 2), ("public", 1), (None, 2)], ids=str)
def test_a_fresh_list_serves_only_whom_its_server_lets_it(
    world: World, scope: str | None, requests: int
) -> None:
    world.connect("jo")
    world.connect("mallory")
    world.mcp.results = {"prompts/list": {**PROMPTS, "ttlMs": 60_000, "cacheScope": scope}}
    for _ in range(2):
        for user in ("jo", "mallory"):
            listed = prompts(world, user)
            assert isinstance(listed, Listing)
            assert listed.entries == PROMPTS["prompts"]
    asked = world.mcp.methods
    assert asked == ["prompts/list"] * requests


@pytest.mark.parametrize(("ttl", "requests"), [(59_000, 2), (61_000, 1), (0, 2), (None, 2)])
def test_a_list_is_fetched_again_when_its_time_is_over(
    world: World, ttl: int | None, requests: int
) -> None:
    world.connect()
    world.mcp.results = {"prompts/list": {**PROMPTS, "ttlMs": ttl}}
    prompts(world)
    world.time.passes(60)
    prompts(world)
    assert len(world.mcp.requests) == requests


def test_using_a_list_does_not_make_it_younger(world: World) -> None:
    world.connect()
    world.mcp.results = {"prompts/list": {**PROMPTS, "ttlMs": 60_000}}
    for _ in range(3):
        prompts(world)
        world.time.passes(40)
    assert len(world.mcp.requests) == 2


def test_an_echoed_token_is_not_kept_in_a_public_list(world: World) -> None:
    world.connect("jo")
    world.connect("mallory")
    echo = [{"name": "greet", "description": "for canary-access-1"}]
    world.mcp.results = {"prompts/list": {"prompts": echo, "ttlMs": 60_000, "cacheScope": "public"}}
    prompts(world, "jo")
    listed = prompts(world, "mallory")
    assert isinstance(listed, Listing)
    assert listed.entries[0]["description"] == "for [redacted]"


def test_a_public_list_of_tools_becomes_the_catalogue(world: World) -> None:
    world.connect()
    world.mcp.results = {"tools/list": {"tools": world.mcp.tools, "cacheScope": "public"}}
    tools(world, "jo")
    shown = tools(world, "somebody else")
    assert (shown.source, list(shown.tools)) == ("catalogue", world.mcp.tools)


def test_a_private_list_of_tools_does_not(world: World) -> None:
    world.connect()
    world.mcp.results = {"tools/list": {"tools": world.mcp.tools, "cacheScope": "private"}}
    tools(world, "jo")
    assert tools(world, "somebody else").source == "none"


def test_an_http_sse_server_is_remembered_for_other_containers(world: World) -> None:
    world.connect()
    old = OldServer()
    transport = httpx.MockTransport(old._handle)
    clock, settings = FakeClock(world.time), world.cloud.settings()
    requests = []
    for _ in range(2):
        container = Container(world.cloud, transport, settings, clock)
        old.requests.clear()
        assert isinstance(invoke(world, core=container), Completed)
        requests.append(len(old.requests))
    assert requests == [6, 4]
    assert world.core.server_states.get("crm").era == "2024-11-05"
