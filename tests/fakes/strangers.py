"""An MCP server and its authorization server, as far as discovery meets them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from broker.outbound import Outbound
from tests.fakes.clock import FakeClock, Time

MCP_URL = "https://mcp.example.com/crm/mcp"
ISSUER = "https://login.example.com/tenant"
RESOURCE_METADATA = "https://mcp.example.com/.well-known/oauth-protected-resource/crm/mcp"
SERVER_METADATA = "https://login.example.com/.well-known/oauth-authorization-server/tenant"
REGISTRATION = f"{ISSUER}/register"

type Answer = httpx.Response | httpx.TransportError | Callable[[httpx.Request], httpx.Response]


def resource_metadata(**changes: Any) -> dict[str, Any]:
    """Return protected resource metadata; a change to `...` leaves the member out."""
    return _with(
        {
            "resource": MCP_URL,
            "authorization_servers": [ISSUER],
            "scopes_supported": ["contacts.read", "contacts.write"],
            "resource_name": "Harbor CRM",
        },
        changes,
    )


def server_metadata(**changes: Any) -> dict[str, Any]:
    """Return authorization server metadata; a change to `...` leaves the member out."""
    return _with(
        {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "revocation_endpoint": f"{ISSUER}/revoke",
            "registration_endpoint": REGISTRATION,
            "scopes_supported": ["openid", "offline_access"],
            "response_types_supported": ["code"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "none"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        },
        changes,
    )


def unauthorized(challenge: str | None = f'Bearer resource_metadata="{RESOURCE_METADATA}"') -> Any:
    """Return a 401, with that challenge or bare."""
    headers = {} if challenge is None else {"WWW-Authenticate": challenge}
    return httpx.Response(401, headers=headers)


@dataclass(slots=True)
class Strangers:
    """Answers by URL; everything else is 404. Remembers what it was asked."""

    answers: dict[str, Answer] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)
    clock: FakeClock = field(default_factory=lambda: FakeClock(Time()))

    def __post_init__(self) -> None:
        self.answers.setdefault(MCP_URL, unauthorized())
        self.says(RESOURCE_METADATA, resource_metadata())
        self.says(SERVER_METADATA, server_metadata())

    @property
    def outbound(self) -> Outbound:
        return Outbound(self.clock, self.transport())

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.handle)

    def says(self, url: str, document: Any, status: int = 200) -> None:
        """Let a URL answer with JSON."""
        self.answers[url] = httpx.Response(status, content=json.dumps(document).encode())

    def is_silent_at(self, *urls: str) -> None:
        """Let URLs answer 404."""
        for url in urls:
            self.answers.pop(url, None)

    def urls(self, method: str = "GET") -> list[str]:
        return [str(request.url) for request in self.requests if request.method == method]

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.get(str(request.url), httpx.Response(404))
        if isinstance(answer, httpx.TransportError):
            raise answer
        if callable(answer):
            return answer(request)
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


def _with(document: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (document | changes).items() if value is not ...}
