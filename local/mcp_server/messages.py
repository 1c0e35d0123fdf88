"""A request to a tenant, read before the SDK reads it: what the log, the moods and scopes need."""

import json
import time
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.types import Message, Receive

VERSION_HEADER = "mcp-protocol-version"
SESSION_HEADER = "mcp-session-id"


@dataclass(frozen=True, slots=True)
class Inbound:
    """One HTTP request and the JSON-RPC message in it, if there is one."""

    request: Request
    body: bytes
    message: dict[str, Any]

    @classmethod
    async def read(cls, request: Request) -> "Inbound":
        """Read the body; what is no JSON object counts as an empty message."""
        body = await request.body()
        try:
            message = json.loads(body)
        except ValueError:
            message = None
        return cls(request, body, message if isinstance(message, dict) else {})

    @property
    def method(self) -> str | None:
        """The JSON-RPC method."""
        method = self.message.get("method")
        return method if isinstance(method, str) else None

    @property
    def tool(self) -> str | None:
        """The tool that is called."""
        params = self.message.get("params")
        name = params.get("name") if isinstance(params, dict) else None
        return str(name) if self.method == "tools/call" else None

    def replayed(self) -> Receive:
        """Return a ``receive`` that starts with the body again."""
        first: list[Message] = [{"type": "http.request", "body": self.body, "more_body": False}]

        async def receive() -> Message:
            return first.pop() if first else await self.request.receive()

        return receive

    def log_entry(self) -> dict[str, Any]:
        """Return what the log shows; status and ``sub`` are filled in as they become known."""
        headers = self.request.headers
        return {
            "time": time.time(),
            "http_method": self.request.method,
            "method": self.method,
            "mcp_method": headers.get("mcp-method"),
            "mcp_name": headers.get("mcp-name"),
            "tool": self.tool,
            "id": self.message.get("id"),
            "protocol_version": headers.get(VERSION_HEADER),
            "accept": headers.get("accept"),
            "has_session": SESSION_HEADER in headers,
            "has_bearer": "authorization" in headers,
            "sub": None,
            "mood": "normal",
            "status": None,
        }
