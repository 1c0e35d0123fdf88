"""An MCP server as its operator sees it: switches and the log of requests."""

import secrets
from dataclasses import dataclass, field
from typing import Any

from local import browser_names


@dataclass(frozen=True, slots=True)
class Tenant:
    """One MCP server of its own in a local MCP server process."""

    origin: str
    name: str = field(default_factory=lambda: f"tenant-{secrets.token_hex(6)}")

    @property
    def url(self) -> str:
        """The MCP endpoint."""
        return f"{self.origin}/{self.name}/mcp"

    def switch(self, **switches: Any) -> None:
        """Change the server's mood."""
        self._control("PATCH", "/switches", json=switches)

    def requests(self, method: str | None = None) -> list[dict[str, Any]]:
        """Return the log of requests, or those of one JSON-RPC method."""
        entries: list[dict[str, Any]] = self._control("GET", "/requests")["requests"]
        return [entry for entry in entries if method in {None, entry["method"]}]

    def clear(self) -> None:
        """Clear the log."""
        self._control("DELETE", "/requests")

    def calls(self) -> list[dict[str, Any]]:
        """Return the tools/call requests."""
        return self.requests("tools/call")

    def forget_sessions(self) -> None:
        """Lose the open sessions, as a server that restarts."""
        self._control("POST", "/forget-sessions")

    def _control(self, method: str, path: str, **sent: Any) -> Any:
        url = f"{self.origin}/control/{self.name}{path}"
        with browser_names.client() as http:
            return http.request(method, url, **sent).raise_for_status().json()
