"""A caller of one tenant, for tests and demonstrations: requests by hand, and the control panel."""

import secrets
from dataclasses import dataclass, field
from typing import Any

import httpx

VERSION = "2026-07-28"
META = "io.modelcontextprotocol"


@dataclass(slots=True)
class SampleCaller:
    """Speaks to a tenant of its own, so that parallel tests do not meet."""

    port: int
    token: str = field(default="", repr=False)
    tenant: str = field(default_factory=lambda: f"tenant-{secrets.token_hex(4)}")

    @property
    def url(self) -> str:
        """The MCP endpoint."""
        return f"http://127.0.0.1:{self.port}/{self.tenant}/mcp"

    def control(self, method: str, path: str, **sent: Any) -> Any:
        """Call the tenant's control interface; return what it answers."""
        url = f"http://127.0.0.1:{self.port}/control/{self.tenant}{path}"
        return httpx.request(method, url, trust_env=False, **sent).raise_for_status().json()

    def switch(self, **switches: Any) -> None:
        """Flip switches of the tenant."""
        self.control("PATCH", "/switches", json=switches)

    def log(self) -> list[dict[str, Any]]:
        """Return the requests that the tenant saw."""
        entries: list[dict[str, Any]] = self.control("GET", "/requests")["requests"]
        return entries

    def send(
        self, method: str, params: dict[str, Any], headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """Send one request of 2026-07-28."""
        meta = {f"{META}/protocolVersion": VERSION, f"{META}/clientCapabilities": {}}
        body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": {"_meta": meta} | params}
        known = {"MCP-Protocol-Version": VERSION, "Mcp-Method": method}
        if "name" in params:
            known["Mcp-Name"] = params["name"]
        return self.post(body, known | (headers or {}))

    def call(self, tool: str, **arguments: Any) -> httpx.Response:
        """Call a tool in one request of 2026-07-28."""
        return self.send("tools/call", {"name": tool, "arguments": arguments})

    def open_session(self) -> dict[str, str]:
        """Shake hands as of 2025-11-25; return the headers of the session."""
        client = {"clientInfo": {"name": "sample", "version": "1"}, "capabilities": {}}
        params = {"protocolVersion": "2025-11-25", **client}
        body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
        session = self.post(body, {}).headers["Mcp-Session-Id"]
        return {"Mcp-Session-Id": session, "MCP-Protocol-Version": "2025-11-25"}

    def post(self, body: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
        """Post a JSON-RPC message with the caller's bearer."""
        known = {"Accept": "application/json, text/event-stream"}
        if self.token:
            known["Authorization"] = f"Bearer {self.token}"
        with httpx.Client(trust_env=False, timeout=5) as http:
            return http.post(self.url, headers=known | headers, json=body)
