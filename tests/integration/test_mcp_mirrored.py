"""``Mcp-Param-…`` headers of MCP clients must agree with the arguments they mirror."""

from typing import Any

import pytest

from tests.integration.conftest import World
from tests.integration.mcp_client import McpClient, endpoint, error_of, result_of

SCHEMA = {
    "type": "object",
    "properties": {
        "region": {"type": "string", "x-mcp-header": "Region"},
        "count": {"type": "integer", "x-mcp-header": "Count"},
        "other": {"type": "string"},
    },
}
TOOL = {"name": "get", "inputSchema": SCHEMA}


@pytest.fixture
def client(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> McpClient:
    """One whose user has seen the tools, so that their schemas are known."""
    world.connect()
    made = endpoint(world, monkeypatch, capsys).client()
    world.mcp.tools = [TOOL]
    assert result_of(made.modern("tools/list"))["tools"] == [TOOL]
    world.mcp.requests.clear()
    return made


def call(client: McpClient, arguments: dict[str, Any], **headers: str) -> Any:
    mirrored: dict[str, Any] = {f"mcp_param_{name}": value for name, value in headers.items()}
    return client.modern("tools/call", {"name": "get", "arguments": arguments}, **mirrored)


@pytest.mark.parametrize(
    ("arguments", "headers"),
    [
        ({}, {}),
        ({"other": "x"}, {}),
        ({"region": "eu", "count": 3}, {"region": "eu", "count": "3"}),
        ({"region": "größe", "count": None}, {"region": "=?base64?Z3LDtsOfZQ==?="}),
        ({"count": 3}, {"count": "3.0"}),
        ({"region": ["eu"]}, {}),
        ({"region": "eu"}, {"region": "eu", "unknown": "x"}),
    ],
)
def test_headers_that_agree_let_the_call_through(
    client: McpClient, world: World, arguments: dict[str, Any], headers: dict[str, str]
) -> None:
    result_of(call(client, arguments, **headers))
    assert len(world.mcp.requests) == 1


@pytest.mark.parametrize(
    ("arguments", "headers"),
    [
        ({"region": "eu"}, {"region": "us"}),
        ({"region": "eu"}, {}),
        ({}, {"region": "eu"}),
        ({"region": None}, {"region": "eu"}),
        ({"region": ["eu"]}, {"region": "eu"}),
        ({"count": 3}, {"count": "4"}),
        ({"count": 3}, {"count": "3e0"}),
        ({"region": "eu"}, {"region": "eu,us"}),
        ({"region": "eu"}, {"region": "=?base64?!!?="}),
    ],
)
def test_headers_that_do_not_are_refused_before_anything_is_sent(
    client: McpClient, world: World, arguments: dict[str, Any], headers: dict[str, str]
) -> None:
    run = call(client, arguments, **headers)
    assert error_of(run) == (400, -32020)
    assert "Mcp-Param-" in run.body["error"]["message"]
    assert world.mcp.requests == []


def test_an_older_client_has_no_such_headers(client: McpClient, world: World) -> None:
    body = {"name": "get", "arguments": {"region": "eu"}}
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": body}
    headers = {"mcp-protocol-version": "2025-11-25", "mcp-param-region": "us"}
    result_of(client.post(asked, headers))
    assert world.mcp.requests[-1].headers["mcp-param-region"] == "eu"


def test_a_schema_that_is_not_known_here_compares_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world.connect()
    client = endpoint(world, monkeypatch, capsys).client()
    result_of(call(client, {"region": "eu"}, region="us"))
    assert "mcp-param-region" not in world.mcp.requests[-1].headers


def test_a_tool_whose_schema_there_was_no_room_for_is_called_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("broker.calls.learning._MOST_MIRRORED", 0)
    world.connect()
    client = endpoint(world, monkeypatch, capsys).client()
    world.mcp.tools, world.mcp.mirrored = [TOOL], "mcp-param-region"
    result_of(client.modern("tools/list"))
    world.mcp.requests.clear()
    result_of(call(client, {"region": "eu"}, region="eu"))
    assert world.mcp.methods == ["tools/call", "tools/list", "tools/call"]
