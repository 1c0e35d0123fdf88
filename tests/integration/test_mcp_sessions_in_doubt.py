"""A refusal that may come from a lost session: the call is not repeated, the session not used."""

import json
from dataclasses import dataclass, field, replace

import httpx
import pytest

from broker.errors import McpServerError
from broker.model import AuthType, Completed, ToolCall, Wish
from tests.integration.conftest import World


@dataclass(slots=True)
class Forgetful:
    """A server of 2025 that says of a lost session what a tool may say as well."""

    calls: list[str] = field(default_factory=list)
    named: int = 0

    def answer(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        session = request.headers.get("mcp-session-id", "")
        if request.headers.get("mcp-protocol-version") == "2026-07-28":
            return httpx.Response(400, text="Missing session")
        whole: dict[str, object] = {"jsonrpc": "2.0", "id": body.get("id")}
        if body["method"] == "initialize":
            self.named += 1
            about = {"protocolVersion": "2025-11-25", "capabilities": {}}
            given = {"Mcp-Session-Id": f"s-{self.named}"}
            return httpx.Response(200, json=whole | {"result": about}, headers=given)
        if body["method"] == "tools/call":
            self.calls.append(session)
            if self.calls.count(session) > 1:
                said = {"code": -32602, "message": "No session of that name is open"}
                return httpx.Response(400, json=whole | {"error": said})
        return httpx.Response(200, json=whole | {"result": {"content": []}})


@pytest.mark.parametrize("auth_type", [AuthType.CONSUMER_OAUTH, AuthType.NONE])
def test_the_next_call_begins_with_a_session_of_its_own(
    world: World, monkeypatch: pytest.MonkeyPatch, auth_type: AuthType
) -> None:
    server = world.server
    if auth_type is AuthType.NONE:
        bare = replace(server, auth_type=auth_type, client_id=None, token_endpoint=None)
        server = world.register(bare, secret=None)
    else:
        world.connect()
    theirs = Forgetful()
    monkeypatch.setattr(world.services, "_handle", theirs.answer)
    flow, call = world.container().flows.mcp_invoke, ToolCall(server.server_id, "get", Wish("jo"))
    assert isinstance(flow.invoke(call, world.run()), Completed)
    with pytest.raises(McpServerError):
        flow.invoke(call, world.run())
    assert isinstance(flow.invoke(call, world.run()), Completed)
    assert theirs.calls == ["s-1", "s-1", "s-2"]
