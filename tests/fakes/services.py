"""An authorization server and an MCP server, scripted, behind an httpx.MockTransport.

The authorization server rotates refresh tokens and ends the grant of one that is used twice, as
RFC 9700 §4.14.2 asks; it remembers every request.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import httpx

LOGIN, MCP = "login.example.com", "mcp.example.com"
type Step = Callable[[httpx.Request], httpx.Response]


def answers(status: int, body: object = None, **headers: str) -> Step:
    """Answer with JSON, or with text as it is."""
    if isinstance(body, str | bytes):
        return lambda _: httpx.Response(status, content=body, headers=headers)
    return lambda _: httpx.Response(status, json=body, headers=headers)


def breaks(error: type[httpx.TransportError]) -> Step:
    """Fail as the network does."""

    def step(_: httpx.Request) -> httpx.Response:
        raise error("broken by the test")

    return step


def form(request: httpx.Request) -> dict[str, str]:
    """Read a form body."""
    return dict(parse_qsl(request.content.decode(), keep_blank_values=True))


@dataclass(slots=True)
class Grant:
    """One consent: the family of its tokens."""

    refresh_tokens: list[str] = field(default_factory=list)
    access_tokens: list[str] = field(default_factory=list)
    alive: bool = True


@dataclass(slots=True)
class AuthorizationServer:
    """Token, revocation and userinfo endpoints."""

    script: list[Step] = field(default_factory=list)
    """Steps for the next token requests, in place of the usual answers."""
    revocation_script: list[Step] = field(default_factory=list)
    during: list[Callable[[], None]] = field(default_factory=list)
    """What happens elsewhere while the next token requests are under way, one for each."""
    expires_in: int | None = 3600
    rotates: bool = True
    extra: dict[str, Any] = field(default_factory=dict)
    """Further members of every success."""
    omits: set[str] = field(default_factory=set)
    grants: list[Grant] = field(default_factory=list)
    token_requests: list[httpx.Request] = field(default_factory=list)
    revocations: list[httpx.Request] = field(default_factory=list)
    reused: list[str] = field(default_factory=list)
    issued: int = 0

    def consent(self) -> dict[str, Any]:
        """Make a new grant; return the token response."""
        self.grants.append(Grant())
        return self._issue(self.grants[-1], with_refresh_token=True)

    @property
    def forms(self) -> list[dict[str, str]]:
        return [form(request) for request in self.token_requests]

    @property
    def refreshes(self) -> list[str]:
        """The refresh tokens sent, in order."""
        return [f["refresh_token"] for f in self.forms if f["grant_type"] == "refresh_token"]

    @property
    def exchanges(self) -> list[str]:
        return [f["code"] for f in self.forms if f["grant_type"] == "authorization_code"]

    @property
    def revoked(self) -> list[str]:
        """The tokens that revocation was asked for, in order."""
        return [form(request)["token"] for request in self.revocations]

    def accepts(self, access_token: str) -> bool:
        return any(g.alive and access_token in g.access_tokens for g in self.grants)

    def handle(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/revoke":
            return self._revoke(request)
        if request.url.path == "/userinfo":
            return httpx.Response(200, json={"sub": "u-1", "email": "jo@example.com"})
        if request.url.path == "/authorize":
            return httpx.Response(200, html="<h1>Log in</h1>")
        assert request.url.path == "/token", request.url.path
        self.token_requests.append(request)
        if self.during:
            self.during.pop(0)()
        if self.script:
            return self.script.pop(0)(request)
        return self.usual(request)

    def usual(self, request: httpx.Request) -> httpx.Response:
        """Answer as an honest server does."""
        asked = form(request)
        if asked["grant_type"] == "authorization_code":
            return httpx.Response(200, json=self.consent())
        found = [g for g in self.grants if asked["refresh_token"] in g.refresh_tokens]
        if not found or not found[0].alive:
            return httpx.Response(400, json={"error": "invalid_grant"})
        grant = found[0]
        if self.rotates and asked["refresh_token"] != grant.refresh_tokens[-1]:
            self.reused.append(asked["refresh_token"])
            grant.alive = False
            return httpx.Response(400, json={"error": "invalid_grant"})
        return httpx.Response(200, json=self._issue(grant, with_refresh_token=self.rotates))

    def _issue(self, grant: Grant, *, with_refresh_token: bool) -> dict[str, Any]:
        self.issued += 1
        answer: dict[str, Any] = {
            "access_token": f"canary-access-{self.issued}",
            "token_type": "Bearer",
            "scope": "read write",
        }
        grant.access_tokens.append(answer["access_token"])
        if self.expires_in is not None:
            answer["expires_in"] = self.expires_in
        if with_refresh_token:
            answer["refresh_token"] = f"canary-refresh-{self.issued}"
            grant.refresh_tokens.append(answer["refresh_token"])
        answer |= self.extra
        return {name: value for name, value in answer.items() if name not in self.omits}

    def _revoke(self, request: httpx.Request) -> httpx.Response:
        self.revocations.append(request)
        if self.revocation_script:
            return self.revocation_script.pop(0)(request)
        token = form(request)["token"]
        for grant in self.grants:
            if token in grant.refresh_tokens:
                grant.alive = False
        return httpx.Response(200)


@dataclass(slots=True)
class McpServer:
    """``POST /mcp`` of an MCP server: modern, or one with sessions."""

    accepts: Callable[[str], bool]
    sessions: bool = False
    script: list[Step] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)
    tools: list[dict[str, Any]] = field(
        default_factory=lambda: [{"name": "get", "inputSchema": {"type": "object"}}]
    )
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By method, in place of the usual ones."""
    mirrored: str | None = None
    """The ``Mcp-Param-…`` header without which a call is refused (2026-07-28)."""

    @property
    def methods(self) -> list[str]:
        return [json.loads(request.content)["method"] for request in self.requests]

    @property
    def tokens(self) -> list[str]:
        """The bearer tokens that came, in order."""
        return [r.headers.get("authorization", "").removeprefix("Bearer ") for r in self.requests]

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.script:
            return self.script.pop(0)(request)
        if not self.accepts(self.tokens[-1]):
            return httpx.Response(401, json={"error": "invalid_token"})
        asked = json.loads(request.content)
        if self.sessions:
            return self._in_session(request, asked)
        if asked["method"] == "tools/call" and self.mirrored not in {None, *request.headers}:
            error = {"code": -32020, "message": "Header mismatch"}
            said = {"jsonrpc": "2.0", "id": asked["id"], "error": error}
            return httpx.Response(400, json=said)
        return _answered(asked, self._result(asked))

    def _in_session(self, request: httpx.Request, asked: dict[str, Any]) -> httpx.Response:
        if asked["method"] == "initialize":
            told = {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {}}
            return _answered(asked, told, {"Mcp-Session-Id": "canary-session-1"})
        if request.headers.get("mcp-session-id") != "canary-session-1":
            return httpx.Response(400, text="Bad Request: no session")
        if "id" not in asked:
            return httpx.Response(202)
        return _answered(asked, self._result(asked))

    def _result(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["method"] in self.results:
            return self.results[asked["method"]]
        if asked["method"] == "tools/list":
            return {"tools": self.tools}
        return {"content": [{"type": "text", "text": "done"}]}


def _answered(
    asked: dict[str, Any], result: dict[str, Any], headers: dict[str, str] | None = None
) -> httpx.Response:
    message = {"jsonrpc": "2.0", "id": asked["id"], "result": result}
    return httpx.Response(200, json=message, headers=headers)


class Services:
    """Both servers, and the transport that leads to them and to nobody else."""

    def __init__(self) -> None:
        self.login = AuthorizationServer()
        self.mcp = McpServer(self.login.accepts)
        self.elsewhere: list[httpx.Request] = []

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._handle)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        match request.url.host:
            case "login.example.com":
                return self.login.handle(request)
            case "mcp.example.com":
                return self.mcp.handle(request)
        self.elsewhere.append(request)
        return httpx.Response(200)
