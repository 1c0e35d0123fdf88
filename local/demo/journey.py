"""The product as its customers use it: signed HTTP calls for builder and chat, and a browser."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from local.demo.service import SCOPES, WITHOUT_SECRET, App
from local.demo.tenant import Tenant
from local.served import Served
from local.visitor import Stop, Visitor

_CALLED = {"mcp_url", "revocation_endpoint", "token_endpoint", "userinfo_endpoint"}
"""The fields whose URLs the functions call; the other ones are for browsers."""
RETURN_URL = "http://chat.localhost:9/return"
"""The chat's page to come back to; the visitor stops before it, so nothing need answer there."""


@dataclass(frozen=True, slots=True)
class Callers:
    """Clients of the signed routes of one deployment."""

    deployment: Served
    builder: httpx.Client
    chat: httpx.Client
    visited: list[str] = field(default_factory=list, repr=False)
    """Every URL that a user's browser was sent to."""


@contextmanager
def callers(deployment: Served) -> Iterator[Callers]:
    """Open the clients."""
    with deployment.api("builder") as builder, deployment.api("chat-backend") as chat:
        yield Callers(deployment, builder, chat)


@dataclass(frozen=True, slots=True)
class Journey:
    """One server with its app at the service and its tenant, and what users do with it."""

    callers: Callers
    app: App
    tenant: Tenant
    server_id: str = field(default_factory=lambda: f"server-{secrets.token_hex(6)}")

    @property
    def redirect_uri(self) -> str:
        """What the builder pastes at the service."""
        return f"{self.callers.deployment.url}/callback/{self.server_id}"

    @property
    def jwks_uri(self) -> str:
        """Where the service finds the keys of a client that signs."""
        return f"{self.callers.deployment.url}/oauth/jwks/{self.server_id}.json"

    def configuration(self, **changes: Any) -> dict[str, Any]:
        """Return a complete configuration; a change to `...` leaves the field out."""
        complete = {
            "name": "Harbor CRM",
            "mcp_url": self.tenant.url,
            "auth_type": "consumer_oauth",
            "client_id": self.app.client_id,
            "client_secret": self.app.client_secret,
            "scopes": list(SCOPES),
            **self.app.endpoints(),
        }
        return {key: value for key, value in (complete | changes).items() if value is not ...}

    def register(self, *, style: str = "form_post", **changes: Any) -> httpx.Response:
        """Register the app at the service and the server at the broker."""
        signs = style == "private_key_jwt"
        self.app.register(self.redirect_uri, style, self.jwks_uri if signs else None)
        secret = {"client_secret": ...} if style in WITHOUT_SECRET else {}
        answer = self.put(**self.configuration(**secret, token_request_style=style, **changes))
        return answer.raise_for_status()

    # The builder

    def put(self, **body: Any) -> httpx.Response:
        """PUT the server."""
        return self.put_under({}, **body)

    def put_under(self, conditions: Mapping[str, str], /, **body: Any) -> httpx.Response:
        """PUT the server with If-Match or If-None-Match."""
        reached = self.callers.deployment.reached
        sent = {
            name: reached(value) if name in _CALLED and isinstance(value, str) else value
            for name, value in body.items()
        }
        return self.callers.builder.put(self._server, json=sent, headers=dict(conditions))

    def discover(self) -> httpx.Response:
        """Ask what the server says of its own authorization, and for a client."""
        return self.callers.builder.post("/v1/discover", json={"server_id": self.server_id})

    def get(self) -> httpx.Response:
        """GET the server."""
        return self.callers.builder.get(self._server)

    def delete(self, **query: str) -> httpx.Response:
        """DELETE the server."""
        return self.callers.builder.delete(self._server, params=query)

    def check(self) -> httpx.Response:
        """Have all looked at that needs no browser."""
        return self.callers.builder.post(f"{self._server}/check")

    def start_test(self, **body: Any) -> httpx.Response:
        """Begin a test of the configuration."""
        return self.callers.builder.post(f"{self._server}/test", json=body)

    def advance(self, test_id: str, **body: Any) -> httpx.Response:
        """Have the test perform its next step."""
        return self.callers.builder.post(f"{self._server}/test/{test_id}/advance", json=body)

    def report(self, test_id: str) -> httpx.Response:
        """Read how a test stands."""
        return self.callers.builder.get(f"{self._server}/test/{test_id}")

    # The chat's backend

    def invoke(self, user_id: str, tool: str = "whoami", **more: Any) -> httpx.Response:
        """Call a tool as a user; `arguments` and the other fields may be given."""
        body = {"user_id": user_id, "server_id": self.server_id, "tool": tool, **more}
        return self.callers.chat.post("/v1/invoke", json=body)

    def link(self, user_id: str, **more: Any) -> dict[str, Any]:
        """Make a connect link."""
        body = {"user_id": user_id, **more}
        answer = self.callers.chat.post(f"{self._connection}/connect", json=body)
        link: dict[str, Any] = answer.raise_for_status().json()
        return link

    def complete(self, user_id: str, connect_id: str, completion_code: str) -> httpx.Response:
        """Confirm that this user's own session came back."""
        body = {
            "user_id": user_id,
            "connect_id": connect_id,
            "completion_code": completion_code,
        }
        return self.callers.chat.post(f"{self._connection}/complete", json=body)

    def connection(self, user_id: str) -> httpx.Response:
        """Read a user's connection."""
        return self.callers.chat.get(self._connection, params={"user_id": user_id})

    def disconnect(self, user_id: str) -> httpx.Response:
        """Disconnect a user."""
        return self.callers.chat.delete(self._connection, params={"user_id": user_id})

    def tools(self, user_id: str) -> httpx.Response:
        """List the tools for a user."""
        return self.callers.chat.get(f"{self._server}/tools", params={"user_id": user_id})

    def session(self, user_id: str, **more: Any) -> dict[str, Any]:
        """Start a session for an MCP client; `mcp_url` in it goes by address."""
        body = {"user_id": user_id, "server_ids": [self.server_id], "return_url": RETURN_URL}
        answer = self.callers.chat.post("/v1/sessions", json=body | more)
        started: dict[str, Any] = answer.raise_for_status().json()
        # Not every program knows the local names.
        by_name = started["mcp_urls"][self.server_id]
        return {**started, "mcp_url": by_name.replace("broker.localhost", "127.0.0.1")}

    # The user

    def consent(self, connect_url: str, username: str = "alice", decision: str = "allow") -> Stop:
        """Open a connect link in a fresh browser and go through login and consent."""
        with Visitor(username, decision, visited=self.callers.visited) as visitor:
            return visitor.go(connect_url, until=RETURN_URL)

    def come_back(self, user_id: str, username: str = "alice", **more: Any) -> dict[str, str]:
        """Ask for a link and consent; return what the chat's return page is given."""
        return self.consent(self.link(user_id, **more)["connect_url"], username).query

    def connect(self, user_id: str, username: str = "alice", **more: Any) -> dict[str, Any]:
        """Connect a user's account; return the answer of `complete`."""
        back = self.come_back(user_id, username, **more)
        answer = self.complete(user_id, back["connect_id"], back["completion_code"])
        connected: dict[str, Any] = answer.raise_for_status().json()
        return connected

    @property
    def _server(self) -> str:
        return f"/v1/servers/{quote(self.server_id, safe='')}"

    @property
    def _connection(self) -> str:
        return f"/v1/connections/{quote(self.server_id, safe='')}"


def text_of(answer: httpx.Response) -> str:
    """Return the first text of a completed tool call; raise AssertionError if it is none."""
    body = answer.json()
    assert body.get("status") == "completed", body
    return str(body["result"]["content"][0]["text"])
