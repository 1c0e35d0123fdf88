"""A server's token endpoint that answers as a test says, asked as the broker asks it."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import parse_qsl

import httpx
import pytest

from broker.clock import Clock
from broker.model import AuthType, Secret, Server
from broker.oauth import NoUsableAnswer, TokenEndpoint, TokenRequestFailed, TokenResponse
from broker.outbound import Outbound

NOW = datetime(2026, 7, 28, 12, tzinfo=UTC)
HOUR = NOW + timedelta(hours=1)
SERVER = Server(
    server_id="crm",
    name="CRM",
    mcp_url="https://mcp.example.com/mcp",
    auth_type=AuthType.CONSUMER_OAUTH,
    client_id="client-1",
    token_endpoint="https://login.example.com/token",
)
SECRET = Secret("client-secret-1")
GRANTED = {"access_token": "at-1", "token_type": "Bearer", "expires_in": 3600}
REDIRECT_URI = "https://broker.example.com/callback/crm"


@dataclass(frozen=True, slots=True)
class StoppedClock(Clock):
    """A clock that stands still."""

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0


@dataclass
class Service:
    """An endpoint that answers each request alike and remembers what it was sent."""

    answer: Callable[[httpx.Request], httpx.Response]
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.answer(request)

    @property
    def outbound(self) -> Outbound:
        return Outbound(StoppedClock(), httpx.MockTransport(self))

    @property
    def endpoint(self) -> TokenEndpoint:
        return TokenEndpoint(self.outbound, StoppedClock())

    @property
    def form(self) -> dict[str, str]:
        pairs = parse_qsl(self.requests[0].content.decode(), keep_blank_values=True)
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)


def granting() -> Service:
    return answering(200, json=GRANTED)


def answering(status: int, **kwargs: object) -> Service:
    return Service(lambda _: httpx.Response(status, **kwargs))  # type: ignore[arg-type]


def raising(error: Exception) -> Service:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    return Service(answer)


def exchange(
    service: Service,
    server: Server = SERVER,
    *,
    secret: Secret = SECRET,
    code: str = "code-1",
    code_verifier: str | None = "verifier-1",
) -> TokenResponse:
    return service.endpoint.exchange(
        server,
        secret,
        code=Secret(code),
        code_verifier=None if code_verifier is None else Secret(code_verifier),
        redirect_uri=REDIRECT_URI,
        deadline=8.0,
    )


def refresh(
    service: Service,
    server: Server = SERVER,
    secret: Secret | None = SECRET,
    refresh_token: str = "refresh-1",
) -> TokenResponse:
    token = Secret(refresh_token)
    return service.endpoint.refresh(server, secret, refresh_token=token, deadline=8.0)


def failure(
    status: int,
    body: object = b"",
    *,
    step: str = "refresh",
    headers: dict[str, str] | None = None,
) -> TokenRequestFailed:
    """Return what a request of that step fails with when this is the answer."""
    content = body if isinstance(body, bytes | str) else json.dumps(body)
    refreshing = partial(refresh, refresh_token="refresh-token-1")
    act = refreshing if step == "refresh" else partial(exchange, code_verifier=None)
    with pytest.raises(TokenRequestFailed) as caught:
        act(answering(status, content=content, headers=headers))
    return caught.value


def read(
    body: bytes | str,
    content_type: str = "application/json",
    status: int = 200,
    server: Server = SERVER,
) -> TokenResponse:
    """Return what is read out of this answer to a refresh."""
    service = answering(status, content=body, headers={"Content-Type": content_type})
    return refresh(service, server)


def granted(server: Server = SERVER, /, **members: object) -> TokenResponse:
    return read(json.dumps({"access_token": "at-1", **members}), server=server)


def unusable(body: bytes | str, content_type: str = "application/json") -> NoUsableAnswer:
    with pytest.raises(NoUsableAnswer) as caught:
        read(body, content_type)
    return caught.value


def jws(claims: object, alg: str = "RS256") -> str:
    """Return claims in the form of a signed token; its signature is none."""
    parts = [{"alg": alg}, claims]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts]
    return ".".join([*(part.rstrip("=") for part in encoded), "c2ln"])
