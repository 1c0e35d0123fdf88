"""What becomes of failures at the MCP endpoint, and of the secrets that pass it."""

import pytest

from broker.errors import McpResultTooLarge
from tests.fakes.services import answers
from tests.integration.conftest import World
from tests.integration.mcp_client import McpClient, endpoint, error_of, result_of


@pytest.fixture
def client(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> McpClient:
    return endpoint(world, monkeypatch, capsys).client()


@pytest.mark.parametrize("modern", [True, False])
def test_a_failure_of_the_server_is_an_error_with_our_code(
    client: McpClient, world: World, modern: bool
) -> None:
    world.connect()
    world.mcp.script.append(answers(500, "canary-text-of-theirs"))
    ask = client.modern if modern else client.older
    run = ask("tools/call", {"name": "get", "arguments": {}})
    assert error_of(run) == (200, 502)
    assert run.body["error"]["data"]["error"] == "mcp_server_error"
    assert "canary" not in str(run.answer) + run.printed


def test_a_server_that_asks_to_slow_down_says_for_how_long(client: McpClient, world: World) -> None:
    world.connect()
    world.mcp.script.append(answers(429, "", **{"Retry-After": "7"}))
    run = client.older("tools/call", {"name": "get"})
    assert error_of(run) == (200, 429)
    assert run.body["error"]["data"]["retry_after"] == 7


def test_an_answer_that_does_not_fit_the_gateway_is_an_error(
    client: McpClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.connect()
    monkeypatch.setattr("broker.inbound.mcp.post.ENCODED_BYTES", 100)
    run = client.older("tools/call", {"name": "get"})
    assert error_of(run) == (200, McpResultTooLarge.status)


def test_a_bug_of_ours_is_not_told(client: McpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> object:
        raise RuntimeError("canary")

    monkeypatch.setattr("broker.flows.mcp_invoke.ToolCalls.list", breaks)
    run = client.older("tools/list")
    assert (run.status, run.body["error"]) == (500, "server_error")
    assert "canary" not in str(run.answer)


def test_the_incoming_bearer_goes_to_nobody(client: McpClient, world: World) -> None:
    world.connect()
    run = client.older("tools/call", {"name": "get"})
    assert result_of(run)
    assert client.bearer
    [asked] = world.mcp.requests
    assert client.bearer not in str(asked.headers) + asked.content.decode()
    assert world.access_token() not in str(run.answer)
    assert client.bearer not in run.printed
