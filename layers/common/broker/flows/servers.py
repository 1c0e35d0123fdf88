"""The registry: writes configuration, reads no secret, talks to nobody."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from broker.clock import Clock
from broker.errors import (
    AddressBlocked,
    InvalidServer,
    PreconditionFailed,
    ServerInUse,
    ServerNotFound,
)
from broker.model import (
    AuthType,
    Connection,
    Draft,
    Kept,
    Precondition,
    Registered,
    RevocationScope,
    Secret,
    Server,
    Status,
    TokenRequestStyle,
)
from broker.outbound import Outbound
from broker.storage.connections import ConnectionStore, Moved
from broker.storage.server_state import ServerStateStore
from broker.storage.servers import ServerStore
from broker.storage.tools import ToolStore
from broker.vault import Vault, bearer_token_place, client_secret_place

PAGE = 50
DISCONNECTED_PER_CALL = 50
_COUNTED = 1000
_URLS = (
    "mcp_url",
    "authorization_endpoint",
    "token_endpoint",
    "refresh_endpoint",
    "revocation_endpoint",
    "userinfo_endpoint",
    "issuer",
    "resource",
)
_OURS = frozenset(
    {
        "client_assertion",
        "client_assertion_type",
        "client_id",
        "client_secret",
        "code",
        "code_challenge",
        "code_challenge_method",
        "code_verifier",
        "grant_type",
        "nonce",
        "redirect_uri",
        "refresh_token",
        "request",
        "request_uri",
        "response_mode",
        "response_type",
        "state",
    }
)
_HEADERS_REFUSED = frozenset(
    {
        "accept",
        "accept-encoding",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "expect",
        "host",
        "keep-alive",
        "mcp-method",
        "mcp-name",
        "mcp-protocol-version",
        "mcp-session-id",
        "origin",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_SEPARATORS = {"space": " ", "comma": ",", "plus": "+"}


@dataclass(frozen=True, slots=True)
class Servers:
    """``/v1/servers``."""

    clock: Clock
    servers: ServerStore
    server_states: ServerStateStore
    connections: ConnectionStore
    tools: ToolStore
    vault: Vault
    outbound: Outbound

    def page(self, start: str | None) -> tuple[Sequence[Server], str | None]:
        """Return a page in order of server_id, and the id to go on after."""
        return self.servers.all(start, PAGE)

    def get(self, server_id: str) -> Server:
        """Return one; raise ServerNotFound."""
        server = self.servers.get(server_id)
        if server is None:
            raise ServerNotFound
        return server

    def put(self, server_id: str, draft: Draft, precondition: Precondition) -> Registered:
        """Create or replace; raise InvalidServer naming the field, or PreconditionFailed."""
        before = self.servers.get(server_id)
        _check_precondition(precondition, before)
        self._check(draft.values)
        wanted = self._wanted(server_id, draft, before)
        self._check_secrets(wanted, draft, before)
        server = self._sealed(wanted, draft)
        self.servers.put(server, replaces=before)
        self.server_states.forget(server_id)
        return Registered(server, created=before is None)

    def delete(self, server_id: str, precondition: Precondition, *, disconnect: bool) -> int:
        """Delete; raise ServerInUse while there are connections.

        With ``disconnect`` they are handed to the worker, which revokes and erases them, up to
        50 a call; returns how many are left, and the server goes once none is.
        """
        server = self.get(server_id)
        _check_precondition(precondition, server)
        users = self._users(server_id)
        if users and not disconnect:
            raise ServerInUse(
                "Users are connected to this server. Delete it with ?disconnect=true to"
                " disconnect them.",
                details={"connections": len(users)},
            )
        if users:
            self._hand_over(server_id, users[:DISCONNECTED_PER_CALL])
            return len(users)
        self.servers.delete(server)
        self._hand_over(server_id, self._users(server_id))  # who connected meanwhile
        self.server_states.forget(server_id)
        self.tools.forget(server_id, None)
        return 0

    def _users(self, server_id: str) -> list[str]:
        users: list[str] = []
        start: str | None = None
        while len(users) < _COUNTED:
            page, start = self.connections.users_of(server_id, start, PAGE)
            users += page
            if start is None:
                break
        return users

    def _hand_over(self, server_id: str, users: Sequence[str]) -> None:
        for user_id in users:
            connection, _ = self.connections.get(user_id, server_id)
            if connection is not None and connection.status is not Status.REMOVING:
                self._begin_removal(connection)

    def _begin_removal(self, connection: Connection) -> None:
        now = self.clock.now()
        try:
            self.connections.begin_removal(connection, now, now)
        except Moved as moved:
            if moved.stands is not None:
                self._begin_removal(moved.stands)

    def _check(self, values: Mapping[str, Any]) -> None:
        for name in _URLS:
            if values.get(name) is not None:
                self._check_url(name, values[name])
        for name in ("extra_authorize_params", "extra_token_params", "extra_refresh_params"):
            taken = _OURS.intersection(values[name])
            if taken:
                raise InvalidServer(f"{name}: {min(taken)} is set by the broker itself.")
        if values["token_header"].lower() in _HEADERS_REFUSED:
            raise InvalidServer("token_header: this header cannot carry a token.")

    def _check_url(self, name: str, url: str) -> None:
        try:
            self.outbound.check_url(url)
        except AddressBlocked as exc:
            raise InvalidServer(f"{name}: {exc}") from exc

    def _wanted(self, server_id: str, draft: Draft, before: Server | None) -> Server:
        now = self.clock.now().replace(microsecond=0)
        values = dict(draft.values)
        values["auth_type"] = AuthType(values["auth_type"])
        values["token_request_style"] = TokenRequestStyle(values["token_request_style"])
        values["revocation_scope"] = RevocationScope(values["revocation_scope"])
        separator = values["scope_separator"]
        values["scope_separator"] = _SEPARATORS.get(separator, separator)
        values["scopes"] = tuple(dict.fromkeys(values["scopes"]))
        oauth = values["auth_type"] is AuthType.CONSUMER_OAUTH
        bearer = values["auth_type"] is AuthType.BEARER
        return Server(
            server_id=server_id,
            **values,
            client_secret=before.client_secret if before and oauth else None,
            bearer_token=before.bearer_token if before and bearer else None,
            incarnation=before.incarnation if before else secrets.token_urlsafe(8),
            revision=before.revision + 1 if before else 1,
            created_at=before.created_at if before else now,
            updated_at=now,
        )

    def _check_secrets(self, wanted: Server, draft: Draft, before: Server | None) -> None:
        """A kept secret must not go to a new place: a URL that moves must bring it again."""
        _check_secret_fits(wanted, draft)
        moved = wanted.secret_urls - (before.secret_urls if before else frozenset())
        kept = (
            (draft.client_secret, wanted.client_secret, "client_secret"),
            (draft.bearer_token, wanted.bearer_token, "bearer_token"),
        )
        for given, stored, name in kept:
            if given is Kept.KEPT and stored is not None and moved:
                raise InvalidServer(
                    f"{name}: a URL that it is sent to changed, so it must be given again."
                )

    def _sealed(self, wanted: Server, draft: Draft) -> Server:
        server = wanted
        if draft.client_secret is not Kept.KEPT:
            place = client_secret_place(server.server_id)
            given = draft.client_secret
            server = replace(server, client_secret=given and self.vault.seal(place, given))
        if draft.bearer_token is not Kept.KEPT:
            place = bearer_token_place(server.server_id)
            shared = draft.bearer_token
            server = replace(server, bearer_token=shared and self.vault.seal(place, shared))
        return server


def _check_precondition(precondition: Precondition, stands: Server | None) -> None:
    """Raise PreconditionFailed unless the server stands as the caller thinks."""
    tag = stands.etag if stands else None
    if precondition.if_match is not None and not _matches(precondition.if_match, tag):
        raise PreconditionFailed("If-Match: the server is not at that version.")
    if precondition.if_none_match is not None and _matches(precondition.if_none_match, tag):
        raise PreconditionFailed("If-None-Match: the server exists at that version.")


def _check_secret_fits(wanted: Server, draft: Draft) -> None:
    given = isinstance(draft.client_secret, Secret)
    if given and wanted.auth_type is not AuthType.CONSUMER_OAUTH:
        raise InvalidServer("client_secret: only a consumer_oauth server has one.")
    if given and wanted.token_request_style is TokenRequestStyle.NONE:
        raise InvalidServer("client_secret: the token_request_style none sends no secret.")
    if isinstance(draft.bearer_token, Secret) and wanted.auth_type is not AuthType.BEARER:
        raise InvalidServer("bearer_token: only a bearer server has one.")


def _matches(wanted: str, tag: str | None) -> bool:
    if wanted.strip() == "*":
        return tag is not None
    return tag in [part.strip() for part in wanted.split(",")]
