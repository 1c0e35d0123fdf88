"""A batch of 2025-03-26 whose answers would not fit the gateway together."""

import json
from typing import Any

import pytest

from broker.inbound.answers import ENCODED_BYTES
from tests.integration.conftest import World
from tests.integration.mcp_client import McpClient, endpoint

TEXT = "x" * 1_500_000


@pytest.fixture
def client(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> McpClient:
    world.connect()
    world.mcp.results["tools/call"] = {"content": [{"type": "text", "text": TEXT}]}
    return endpoint(world, monkeypatch, capsys).client()


def calls(count: int, **more: Any) -> list[dict[str, Any]]:
    params = {"name": "get", "arguments": {}}
    asked = {"jsonrpc": "2.0", "method": "tools/call", "params": params}
    return [{**asked, "id": n, **more} for n in range(count)]


def answers(client: McpClient, batch: list[Any]) -> list[dict[str, Any]]:
    """Post a batch; return its answers, which fit the gateway."""
    run = client.post(batch)
    assert run.status == 200
    assert len(json.dumps(run.answer, ensure_ascii=False).encode()) < 6_000_000
    found: Any = run.body
    assert [one["id"] for one in found] == [one.get("id") for one in batch]
    return list(found)


def test_answers_that_do_not_fit_together_are_errors_and_later_calls_do_not_run(
    client: McpClient, world: World
) -> None:
    found = answers(client, calls(6))
    assert ["result" in one for one in found] == [True] * 3 + [False] * 3
    # The fourth ran: nobody knew before how large its answer would be.
    assert world.mcp.methods == ["tools/call"] * 4
    errors = [one["error"] for one in found[3:]]
    assert {error["data"]["error"] for error in errors} == {"mcp_result_too_large"}
    assert ["nothing was run" in error["message"] for error in errors] == [False, True, True]


def test_a_batch_that_fits_is_answered_whole(client: McpClient, world: World) -> None:
    found = answers(client, calls(3))
    assert all("result" in one for one in found)
    assert world.mcp.methods == ["tools/call"] * 3


def test_a_result_that_is_too_large_at_the_server_does_not_end_the_batch(
    client: McpClient, world: World
) -> None:
    dense = {"content": [], "structuredContent": {"x": [[]] * 120_000}}
    world.mcp.results["tools/call"] = dense
    found = answers(client, calls(2))
    assert ["error" in one for one in found] == [True, True]
    assert world.mcp.methods == ["tools/call"] * 2


def test_there_is_room_for_errors_that_quote_the_request(client: McpClient, world: World) -> None:
    told = calls(2) + calls(18, method="nothing")
    for n, one in enumerate(told):
        one["id"] = str(n) + '"' * 20_000
    found = answers(client, told)
    assert [one["error"]["code"] for one in found[2:]] == [-32601] * 18
    written = sum(len(json.dumps(json.dumps(one))) for one in found)
    assert written < ENCODED_BYTES
    assert len(world.mcp.methods) == 2
