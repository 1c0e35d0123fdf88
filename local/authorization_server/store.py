"""The service's memory. Hold ``lock`` for everything that must happen at once."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .people import PEOPLE
from .records import Client, Code, Grant, Style, Token

RESOURCE_SERVER = ("mcp-server", "mcp-server-secret")
"""The client that the local MCP server introspects as; as invented as the people's passwords."""


def _resource_server() -> Client:
    client_id, client_secret = RESOURCE_SERVER
    return Client(client_id, client_secret, [], Style.FORM_BASIC, [], resource_server=True)


@dataclass
class Store:
    """Clients, codes, grants and tokens, in memory."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    clients: dict[str, Client] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    grants: list[Grant] = field(default_factory=list)
    token_requests: list[dict[str, Any]] = field(default_factory=list)
    described: Callable[[str], Client | None] = lambda _: None
    """Returns the client that a URL describes."""

    def __post_init__(self) -> None:
        self.register(_resource_server())

    def find_client(self, client_id: str | None) -> Client | None:
        """Return a registered client, or the one that its ``client_id`` describes."""
        known = self.clients.get(client_id or "")
        if known is None and client_id and client_id.startswith(("http://", "https://")):
            known = self.described(client_id)
            if known is not None:
                self.register(known)
        return self.clients.get(client_id or "")

    def register(self, client: Client) -> None:
        """Add a client; one that is known keeps its switches and its grants."""
        with self.lock:
            known = self.clients.setdefault(client.client_id, client)
            known.client_secret = client.client_secret
            known.redirect_uris = client.redirect_uris
            known.style = client.style
            known.scopes = client.scopes
            known.name = client.name
            known.jwks_uri = client.jwks_uri

    def forget(self, client_id: str) -> None:
        """Remove a client and everything of it."""
        with self.lock:
            self.clients.pop(client_id, None)
            self.grants = [grant for grant in self.grants if grant.client.client_id != client_id]
            self.tokens = {
                value: token
                for value, token in self.tokens.items()
                if token.grant.client.client_id != client_id
            }

    def take_code(self, value: str, client: Client) -> Code | None:
        """Return a code once; a second use kills what the first one got (RFC 6749 §4.1.2)."""
        code = self.codes.get(value)
        if code is None or code.grant.client is not client:
            return None
        if code.used:
            code.grant.alive = False
            return None
        code.used = True
        return code if code.expires_at > time.time() else None

    def open_grant(
        self, client: Client, username: str, scope: str, resource: str | None, *, offline: bool
    ) -> Grant:
        """Remember what a person consented to."""
        grant = Grant(client, PEOPLE[username], scope, resource, offline)
        self.grants.append(grant)
        return grant

    def add_tokens(self, grant: Grant, answer: Mapping[str, Any], resource: str | None) -> None:
        """Remember the tokens of a token response; with rotation the older refresh token is spent.

        The caller marks it as spent; here the older access tokens die, where the service is so.
        """
        now, scope = time.time(), answer.get("scope", "")
        if grant.client.switches.rotation_kills_access_token:
            self.expire(grant.client, grant.person.username)
        access = answer["access_token"]
        lifetime = grant.client.switches.access_token_lifetime
        self.tokens[access] = Token(access, "access", grant, scope, resource, now + lifetime)
        if refresh := answer.get("refresh_token"):
            self.tokens[refresh] = Token(refresh, "refresh", grant, scope, resource, None)

    def find_token(self, value: str) -> Token | None:
        """Return a token that was issued, dead or alive."""
        return self.tokens.get(value)

    def grants_of(self, client: Client, username: str | None = None) -> list[Grant]:
        """Return what a person, or everybody, consented to for this client."""
        return [
            grant
            for grant in self.grants
            if grant.client is client and username in {None, grant.person.username}
        ]

    def tokens_of(self, grant: Grant) -> Iterator[Token]:
        """Return everything issued under a grant."""
        return (token for token in self.tokens.values() if token.grant is grant)

    def revoke(self, client: Client, username: str) -> int:
        """Kill a person's grants; return how many were alive."""
        with self.lock:
            alive = [grant for grant in self.grants_of(client, username) if grant.alive]
            for grant in alive:
                grant.alive = False
            return len(alive)

    def expire(self, client: Client, username: str) -> int:
        """Let a person's access tokens expire now; return how many were still valid."""
        with self.lock:
            valid = [
                token
                for grant in self.grants_of(client, username)
                for token in self.tokens_of(grant)
                if token.kind == "access" and not token.is_expired()
            ]
            for token in valid:
                token.expires_at = time.time()
            return len(valid)
