"""The handle of a call that waits: for which consent and configuration, and when it is spent."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from broker.model import AuthType
from tests.fakes.services import Step, answers, breaks
from tests.integration.conftest import World
from tests.integration.mcp_client import URLS, McpClient, endpoint, error_of, result_of
from tests.integration.whole import Run

CALL: dict[str, Any] = {"name": "get", "arguments": {"n": 1}}
PROMPT: dict[str, Any] = {"name": "p"}
FORMS: dict[str, Any] = {"elicitation": {}}
THEIRS = "canary-state-of-theirs"
METHODS = [("tools/call", CALL), ("prompts/get", PROMPT)]
IDS = [method for method, _ in METHODS]


@pytest.fixture
def client(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> McpClient:
    world.mcp.results["prompts/get"] = {"messages": []}
    return endpoint(world, monkeypatch, capsys).client()


def asks(request: httpx.Request) -> httpx.Response:
    told = {"resultType": "input_required", "requestState": THEIRS}
    whole = {"jsonrpc": "2.0", "id": json.loads(request.content)["id"], "result": told}
    return answers(200, whole)(request)


def waits(client: McpClient, world: World, method: str, params: dict[str, Any]) -> dict[str, Any]:
    """Let the MCP server ask; return the parameters that go on with the call."""
    world.mcp.script.append(asks)
    told = result_of(client.modern(method, params, FORMS))
    world.mcp.requests.clear()
    return {**params, "requestState": told["requestState"], "inputResponses": {}}


def states(world: World) -> list[object]:
    """Return the states that went to the MCP server."""
    return [json.loads(r.content)["params"].get("requestState") for r in world.mcp.requests]


@pytest.mark.parametrize(("method", "params"), METHODS, ids=IDS)
def test_a_state_does_not_go_on_under_another_consent(
    client: McpClient, world: World, method: str, params: dict[str, Any]
) -> None:
    world.connect()
    again = waits(client, world, method, params)
    world.connect()
    assert error_of(client.modern(method, again, FORMS)) == (400, -32602)
    assert world.mcp.requests == []


@pytest.mark.parametrize(("method", "params"), METHODS, ids=IDS)
@pytest.mark.parametrize("auth_type", [AuthType.NONE, AuthType.CONSUMER_OAUTH])
def test_a_state_does_not_go_to_a_server_that_has_changed(
    client: McpClient, world: World, method: str, params: dict[str, Any], auth_type: AuthType
) -> None:
    server = world.server
    if auth_type is AuthType.NONE:
        server = replace(server, auth_type=auth_type, client_id=None, token_endpoint=None)
        world.mcp.accepts = lambda _token: True
        world.register(server, secret=None)
    else:
        world.connect()
    again = waits(client, world, method, params)
    moved = replace(server, mcp_url=server.mcp_url + "?v=2")
    if auth_type is AuthType.NONE:
        world.register(moved, secret=None)
    else:
        world.connect(server=world.register(moved))
    assert error_of(client.modern(method, again, FORMS)) == (400, -32602)
    assert world.mcp.requests == []


@pytest.mark.parametrize(("method", "params"), METHODS, ids=IDS)
def test_a_state_goes_on_with_the_same_consents_next_token(
    client: McpClient, world: World, method: str, params: dict[str, Any]
) -> None:
    world.connect()
    again = waits(client, world, method, params)
    world.mcp.script.append(answers(401))
    assert result_of(client.modern(method, again, FORMS))
    assert states(world) == [THEIRS, THEIRS]
    assert world.mcp.tokens == ["canary-access-1", "canary-access-2"]
    assert error_of(client.modern(method, again, FORMS)) == (400, -32602)


def test_a_consent_that_changes_while_the_call_is_under_way_ends_it(
    client: McpClient, world: World
) -> None:
    world.connect()
    again = waits(client, world, "tools/call", CALL)

    def another(request: httpx.Request) -> httpx.Response:
        world.connect()
        return answers(401)(request)

    world.mcp.script.append(another)
    assert error_of(client.modern("tools/call", again, FORMS)) == (400, -32602)
    assert states(world) == [THEIRS]


def test_a_row_of_before_names_no_configuration_and_is_refused(
    client: McpClient, world: World
) -> None:
    world.connect()
    again = waits(client, world, "tools/call", CALL)
    [row] = [i for i in world.cloud.items("PendingTable") if i["id"]["S"].startswith("mcp_call#")]
    del row["config_digest"]
    world.cloud.clients["dynamodb"].put_item(TableName="PendingTable", Item=row)
    assert error_of(client.modern("tools/call", again, FORMS)) == (400, -32602)
    assert world.mcp.requests == []


def unavailable(operation: str) -> Callable[[World], None]:
    return lambda world: world.cloud.unavailable(operation, table="ConnectionsTable")


def says(*steps: Step) -> Callable[[World], None]:
    return lambda world: world.mcp.script.extend(steps)


def refuses_the_lease(world: World) -> None:
    says(answers(401))(world)
    unavailable("UpdateItem")(world)


PASSES: dict[str, Callable[[World], None]] = {
    "a table that is away": unavailable("GetItem"),
    "slow down": says(answers(429)),
    "no way to the server": says(breaks(httpx.ConnectError)),
    "a refresh that cannot begin": refuses_the_lease,
}


def tried(client: McpClient, method: str, again: dict[str, Any], world: World) -> Run:
    """Ask while something is wrong, and once more when it is not."""
    run = client.modern(method, again, FORMS)
    assert "error" in run.body
    assert run.body["error"]["code"] > 0
    world.cloud.recovers()
    world.mcp.requests.clear()
    return client.modern(method, again, FORMS)


@pytest.mark.parametrize("wrong", PASSES.values(), ids=PASSES)
@pytest.mark.parametrize(("method", "params"), METHODS, ids=IDS)
def test_a_failure_that_passes_by_itself_leaves_the_handle_good(
    client: McpClient,
    world: World,
    method: str,
    params: dict[str, Any],
    wrong: Callable[[World], None],
) -> None:
    world.connect()
    again = waits(client, world, method, params)
    wrong(world)
    assert result_of(tried(client, method, again, world))
    assert states(world) == [THEIRS]


RAN: dict[str, Step] = {
    "a server error": answers(503),
    "no answer": breaks(httpx.ReadError),
    "too late": breaks(httpx.ReadTimeout),
}


@pytest.mark.parametrize("step", RAN.values(), ids=RAN)
def test_a_failure_after_which_the_tool_may_have_run_spends_it(
    client: McpClient, world: World, step: Step
) -> None:
    world.connect()
    again = waits(client, world, "tools/call", CALL)
    world.mcp.script.append(step)
    assert error_of(tried(client, "tools/call", again, world)) == (400, -32602)
    assert world.mcp.requests == []


def test_a_handle_that_is_taken_meanwhile_is_not_sent_twice(
    client: McpClient, world: World
) -> None:
    world.connect()
    again = waits(client, world, "tools/call", CALL)
    others: list[Run] = []
    world.cloud.before(
        "UpdateItem",
        lambda: others.append(client.modern("tools/call", again, FORMS)),
        table="PendingTable",
    )
    assert error_of(client.modern("tools/call", again, FORMS)) == (400, -32602)
    assert [result_of(run)["content"][0]["text"] for run in others] == ["done"]
    assert states(world) == [THEIRS]


def test_a_question_of_ours_that_is_declined_is_answered_once(client: McpClient) -> None:
    told = result_of(client.modern("tools/call", CALL, URLS))
    answer = {"inputResponses": {"connect": {"action": "decline"}}}
    again = {**CALL, "requestState": told["requestState"], **answer}
    assert result_of(client.modern("tools/call", again, URLS))["isError"] is True
    assert error_of(client.modern("tools/call", again, URLS)) == (400, -32602)


def test_a_question_of_ours_that_is_asked_again_has_a_new_handle_alone(client: McpClient) -> None:
    told = result_of(client.modern("tools/call", CALL, URLS))
    answer = {"inputResponses": {"connect": {"action": "accept"}}}
    again = {**CALL, "requestState": told["requestState"], **answer}
    assert result_of(client.modern("tools/call", again, URLS))["requestState"]
    assert error_of(client.modern("tools/call", again, URLS)) == (400, -32602)
