"""Stands before the token endpoint and remembers every secret that passes, for the sweep."""

import json
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl

import httpx

from local.loopback import LoopbackServer, Reply, Request

_LIMIT = 1 << 16
_SECRETS = {
    "access_token",
    "client_secret",
    "code",
    "code_verifier",
    "id_token",
    "refresh_token",
    "token",
}
_PASSED_ON = {"accept", "authorization", "content-type"}


@dataclass
class WireTap:
    """Hands requests on to the service and its answers back; a context manager."""

    heard: set[str] = field(default_factory=set, repr=False)
    """Each secret that was in a request or in an answer."""
    target: str = ""
    """The service's origin, by address."""
    _server: LoopbackServer = field(default_factory=lambda: LoopbackServer(_LIMIT), repr=False)

    @property
    def origin(self) -> str:
        """Where the product meets it."""
        return f"http://127.0.0.1:{self._server.port}"

    def __enter__(self) -> Self:
        self._server.serve(self._pass_on)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()

    def _pass_on(self, request: Request) -> Reply:
        kept = [(name, value) for name, value in request.headers if name.lower() in _PASSED_ON]
        self._listen(request.body)
        answer = httpx.request(
            request.method,
            f"{self.target}{request.path}",
            headers=kept,
            content=request.body,
            trust_env=False,
            timeout=10,
        )
        self._listen(answer.content)
        content_type = answer.headers.get("content-type", "application/json")
        return Reply(answer.status_code, [("Content-Type", content_type)], answer.content)

    def _listen(self, body: bytes) -> None:
        self.heard |= {value for name, value in _members(body) if name in _SECRETS and value}


def _members(body: bytes) -> list[tuple[str, str]]:
    try:
        parsed: Any = json.loads(body)
    except ValueError:
        return parse_qsl(body.decode("latin-1"))
    members = parsed.items() if isinstance(parsed, dict) else ()
    return [(name, value) for name, value in members if isinstance(value, str)]
