"""An MCP client at our endpoint, of either era, on the functions as Lambda runs them."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.integration.conftest import RETURN_URL, Container, World
from tests.integration.whole import Function, Run, function, request

ORIGIN = "https://abc.execute-api.example.com"
MODERN = "2026-07-28"
URLS: dict[str, Any] = {"elicitation": {"url": {}}}
META = "io.modelcontextprotocol"
_NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}


@dataclass
class McpClient:
    """What a client of the endpoint of one server sends."""

    mcp: Function
    bearer: str | None
    server_id: str = "crm"
    sent: int = field(default=0)

    def post(self, body: object, headers: dict[str, str] | None = None) -> Run:
        """Send a body as it is."""
        given = {} if self.bearer is None else {"authorization": f"Bearer {self.bearer}"}
        return self.mcp(self.event("POST", body, given | (headers or {})))

    def event(self, method: str, body: object, headers: dict[str, str]) -> dict[str, Any]:
        made = request(
            method,
            f"/mcp/{self.server_id}",
            headers=headers,
            pathParameters={"server_id": self.server_id},
        )
        made["body"] = body if isinstance(body, str) else json.dumps(body)
        return made

    def modern(
        self,
        method: str,
        params: dict[str, Any] | None = None,
        capabilities: dict[str, Any] | None = None,
        **headers: str | None,
    ) -> Run:
        """Ask as 2026-07-28 does; a header of None is left out."""
        self.sent += 1
        params = dict(params or {})
        meta = {f"{META}/protocolVersion": MODERN, f"{META}/clientCapabilities": capabilities or {}}
        usual: dict[str, str | None] = {"mcp-protocol-version": MODERN, "mcp-method": method}
        if method in _NAMED and _NAMED[method] in params:
            usual["mcp-name"] = params[_NAMED[method]]
        changed = {name.replace("_", "-"): value for name, value in headers.items()}
        given = {name: value for name, value in (usual | changed).items() if value is not None}
        asked = {"jsonrpc": "2.0", "id": self.sent, "method": method}
        return self.post({**asked, "params": {"_meta": meta, **params}}, given)

    def older(
        self, method: str, params: dict[str, Any] | None = None, version: str | None = "2025-11-25"
    ) -> Run:
        """Ask as a client does that has called initialize."""
        self.sent += 1
        headers = {} if version is None else {"mcp-protocol-version": version}
        asked = {"jsonrpc": "2.0", "id": self.sent, "method": method, "params": params or {}}
        return self.post(asked, headers)

    def initialize(self, version: str = "2025-11-25", /, **capabilities: Any) -> Run:
        info = {"name": "test", "version": "1"}
        params = {"protocolVersion": version, "capabilities": capabilities, "clientInfo": info}
        return self.older("initialize", params, version=None)


@dataclass
class Endpoint:
    """The two functions that sessions and MCP clients reach, in one container."""

    world: World
    mcp: Function
    api: Function

    def start(self, user_id: str = "jo", *servers: str, **more: Any) -> dict[str, Any]:
        body = {"user_id": user_id, "server_ids": [*servers] or ["crm"], **more}
        body = {"return_url": RETURN_URL} | body
        run = self.api(request("POST", "/v1/sessions", body))
        assert run.status == 201, run.body
        return run.body

    def client(self, user_id: str = "jo", **more: Any) -> McpClient:
        return McpClient(self.mcp, self.start(user_id, **more)["bearer"])

    def end(self, session_id: str) -> Run:
        path = f"/v1/sessions/{session_id}"
        return self.api(request("DELETE", path, pathParameters={"session_id": session_id}))


def endpoint(
    world: World,
    patch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    core: Container | None = None,
) -> Endpoint:
    mcp = function("mcp_invoke", world, patch, capsys, core)
    return Endpoint(world, mcp, function("connections", world, patch, capsys, core))


def error_of(run: Run) -> tuple[int, int]:
    """Return HTTP status and JSON-RPC code of an error."""
    return run.status, run.body["error"]["code"]


def result_of(run: Run) -> dict[str, Any]:
    assert run.status == 200, run.answer
    found: dict[str, Any] = run.body["result"]
    return found


def said(run: Run) -> str:
    """Return the text of a tool result that is an error."""
    result = result_of(run)
    assert result["isError"] is True
    text: str = result["content"][0]["text"]
    return text


URL = f"{ORIGIN}/mcp/crm"
