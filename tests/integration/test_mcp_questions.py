"""What the MCP server itself asks of an MCP client: passed on behind a handle."""

import json
from typing import Any

import pytest

from tests.fakes.services import Step, answers
from tests.integration.conftest import World
from tests.integration.mcp_client import McpClient, endpoint, error_of, result_of, said

CALL: dict[str, Any] = {"name": "get", "arguments": {"n": 1}}
FORMS: dict[str, Any] = {"elicitation": {}}
THEIRS = "canary\u2028 state ☂ =?base64?"


@pytest.fixture
def client(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> McpClient:
    return endpoint(world, monkeypatch, capsys).client()


def questions(**result: Any) -> Step:
    def step(request: Any) -> Any:
        asked_id = json.loads(request.content)["id"]
        told = {"resultType": "input_required", **result}
        return answers(200, {"jsonrpc": "2.0", "id": asked_id, "result": told})(request)

    return step


@pytest.fixture
def questioned(client: McpClient, world: World) -> McpClient:
    world.connect()
    asks = {"name": {"method": "elicitation/create", "params": {"mode": "form"}}}
    world.mcp.script.append(questions(inputRequests=asks, requestState=THEIRS))
    return client


def test_the_servers_state_goes_out_behind_a_handle_and_back_byte_for_byte(
    questioned: McpClient, world: World
) -> None:
    first = result_of(questioned.modern("tools/call", CALL, FORMS))
    assert first["inputRequests"]["name"]["params"] == {"mode": "form"}
    state = first["requestState"]
    assert "canary" not in state
    assert "canary" not in str(world.cloud.items("PendingTable"))
    given = {"name": {"action": "accept", "content": {"a": 1}}}
    again = {**CALL, "requestState": state, "inputResponses": given}
    assert result_of(questioned.modern("tools/call", again, FORMS))["content"]
    sent = json.loads(world.mcp.requests[-1].content)["params"]
    assert (sent["requestState"], sent["inputResponses"]) == (THEIRS, given)


def test_a_client_that_fills_in_no_forms_is_told_what_it_lacks(questioned: McpClient) -> None:
    run = questioned.modern("tools/call", CALL, {})
    assert error_of(run) == (400, -32021)
    assert "elicitation" in run.body["error"]["data"]["requiredCapabilities"]


def test_an_older_client_is_told_that_it_cannot_be_asked(questioned: McpClient) -> None:
    assert "more input" in said(questioned.older("tools/call", CALL))


def test_answers_that_are_no_object_are_refused(questioned: McpClient, world: World) -> None:
    state = result_of(questioned.modern("tools/call", CALL, FORMS))["requestState"]
    again = {**CALL, "requestState": state, "inputResponses": []}
    assert error_of(questioned.modern("tools/call", again, FORMS)) == (400, -32602)
    assert len(world.mcp.requests) == 1


def test_a_state_that_is_too_large_to_keep_is_an_error(client: McpClient, world: World) -> None:
    world.connect()
    world.mcp.script.append(questions(requestState="x" * 300_001))
    assert error_of(client.modern("tools/call", CALL, FORMS)) == (200, 502)
