"""A server that users do not connect to: its MCP sessions are each one user's all the same."""

import json
from collections import deque
from dataclasses import replace

import httpx
import pytest

from broker.model import AuthType, ToolCall, Wish
from tests.integration.conftest import World


def test_no_call_goes_out_in_another_users_session(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = deque(["session-of-jo", "session-of-kim"])
    called: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        session = request.headers.get("mcp-session-id", "")
        if request.headers.get("mcp-protocol-version") == "2026-07-28":
            return httpx.Response(400, text="Missing session")
        whole: dict[str, object] = {"jsonrpc": "2.0", "id": body.get("id")}
        if body["method"] == "initialize":
            about = {"protocolVersion": "2025-11-25", "capabilities": {}}
            given = {"Mcp-Session-Id": named.popleft()}
            return httpx.Response(200, json=whole | {"result": about}, headers=given)
        if body["method"] == "tools/call":
            called.append(session)
        return httpx.Response(200, json=whole | {"result": {"content": []}})

    monkeypatch.setattr(world.services, "_handle", answer)
    bare = replace(world.server, auth_type=AuthType.NONE, client_id=None, token_endpoint=None)
    server, core = world.register(bare, secret=None), world.container()
    for user in ("jo", "kim", "jo", "kim"):
        call = ToolCall(server.server_id, "get", Wish(user))
        core.flows.mcp_invoke.invoke(call, world.run())
    assert called == ["session-of-jo", "session-of-kim"] * 2
