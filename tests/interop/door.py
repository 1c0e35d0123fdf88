"""A door before a server that has none: bearers are introspected, metadata is served (RFC 9728)."""

import json
from dataclasses import dataclass
from typing import Any

import httpx

from local.stack import ThirdParties
from tests.interop.peers.introspection import READ
from tests.interop.tap import Exchange

INTROSPECTION_CLIENT = ("mcp-server", "mcp-server-secret")
_WELL_KNOWN = "/.well-known/oauth-protected-resource"


@dataclass(frozen=True, slots=True)
class Door:
    """Lets a request pass with a living token for this resource that has the scope."""

    origin: str
    path: str
    services: ThirdParties

    async def __call__(self, exchange: Exchange) -> bytes | None:
        """Answer metadata, 401 or 403; None lets the request pass."""
        if exchange.path == f"{_WELL_KNOWN}{self.path}":
            return _reply(200, self._metadata())
        about = await self._introspected(exchange.bearer) if exchange.bearer else {}
        if not about.get("active") or about.get("aud") != f"{self.origin}{self.path}":
            return _reply(401, {"error": "invalid_token"}, self._challenge("invalid_token"))
        if READ not in about.get("scope", "").split():
            error = "insufficient_scope"
            return _reply(403, {"error": error}, self._challenge(error))
        return None

    def _metadata(self) -> dict[str, Any]:
        return {
            "resource": f"{self.origin}{self.path}",
            "authorization_servers": [self.services.authorization_server],
            "scopes_supported": [READ],
        }

    def _challenge(self, error: str) -> str:
        where = f"{self.origin}{_WELL_KNOWN}{self.path}"
        return f'Bearer error="{error}", scope="{READ}", resource_metadata="{where}"'

    async def _introspected(self, token: str) -> dict[str, Any]:
        url = f"{self.services.authorization_server_control}/introspect"
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.post(url, data={"token": token}, auth=INTROSPECTION_CLIENT)
        about: dict[str, Any] = answer.json()
        return about


def _reply(status: int, body: dict[str, Any], challenge: str = "") -> bytes:
    content = json.dumps(body).encode()
    lines = [
        f"HTTP/1.1 {status} Status",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        "Connection: close",
        *([f"WWW-Authenticate: {challenge}"] if challenge else []),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + content
