"""Every request of an MCP client is counted once, by what came of it."""

import pytest

from broker.metrics import MCP_REQUEST
from tests.fakes.services import answers
from tests.integration.conftest import World
from tests.integration.mcp_client import URLS, McpClient, endpoint
from tests.integration.test_mcp_questions import questions
from tests.integration.whole import Run
from tests.unit.metric_lines import counted

CALL = {"name": "get", "arguments": {}}


@pytest.fixture
def client(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> McpClient:
    return endpoint(world, monkeypatch, capsys).client()


def labels(run: Run) -> list[tuple[str, str]]:
    return [(one["method"], one["outcome"]) for one in counted(run.printed, MCP_REQUEST)]


def test_what_runs_is_counted_as_completed_or_failed_in_the_tool(
    client: McpClient, world: World
) -> None:
    world.connect()
    assert labels(client.modern("tools/call", CALL)) == [("tools_call", "completed")]
    world.mcp.results["tools/call"] = {"content": [], "isError": True}
    assert labels(client.older("tools/call", CALL)) == [("tools_call", "tool_error")]
    assert labels(client.modern("tools/list")) == [("tools_list", "completed")]
    assert labels(client.older("ping")) == [("other", "completed")]


def test_questions_are_told_from_prompts_to_connect(client: McpClient, world: World) -> None:
    asked = [("tools_call", "authorization_required")]
    assert labels(client.modern("tools/call", CALL, URLS)) == asked
    assert labels(client.older("tools/call", CALL)) == asked
    client.initialize(**URLS)
    assert labels(client.older("tools/call", CALL)) == asked
    assert labels(client.older("prompts/get", {"name": "p"})) == [("other", asked[0][1])]
    world.connect()
    world.mcp.script.append(questions(requestState="theirs"))
    assert labels(client.modern("tools/call", CALL, URLS)) == [("tools_call", "input_required")]


def test_refusals_and_failures_are_counted_by_name(client: McpClient, world: World) -> None:
    world.connect()
    assert labels(client.modern("no/such")) == [("other", "refused")]
    mismatched = client.modern("tools/call", CALL, mcp_name="other")
    assert labels(mismatched) == [("tools_call", "refused")]
    world.mcp.script.append(answers(500, {}))
    assert labels(client.modern("tools/call", CALL)) == [("tools_call", "mcp_server_error")]


def test_each_of_a_batch_is_counted_and_what_is_no_request_is_not(client: McpClient) -> None:
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    assert labels(client.post([ping, {**ping, "id": 2}])) == [("other", "completed")] * 2
    told = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    assert labels(client.post(told)) == []
    assert labels(client.post("{")) == []


def test_a_dead_bearer_is_counted(client: McpClient) -> None:
    client.bearer = "dead"
    assert labels(client.older("ping")) == [("none", "invalid_token")]
