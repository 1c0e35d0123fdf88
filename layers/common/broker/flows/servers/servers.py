"""The registry: writes configuration, reads no secret, talks to nobody."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from broker.clock import Clock
from broker.credentials import SigningKey
from broker.errors import InvalidServer, ServerInUse, ServerNotFound
from broker.model import (
    AuthType,
    ClientRegistration,
    Connection,
    Draft,
    Found,
    Kept,
    Precondition,
    Quirks,
    Registered,
    RevocationScope,
    Sealed,
    Server,
    Status,
    TokenRequestStyle,
)
from broker.oauth import client_metadata
from broker.outbound import Outbound
from broker.settings import Settings
from broker.storage.connections import ConnectionStore, Moved
from broker.storage.found import FoundStore
from broker.storage.registrations import RegistrationStore
from broker.storage.server_state import ServerStateStore
from broker.storage.servers import ServerStore
from broker.storage.styles import StyleStore
from broker.storage.tools import ToolStore
from broker.vault import Vault, bearer_token_place, client_secret_place

from .checks import check_assertions, check_precondition, check_secret_fits, check_values
from .conflicts import check_conflicts, check_kept_secret
from .quirks import QUIRKS, check_quirks, sampled

if TYPE_CHECKING:
    from .presets import Presets

PAGE = 50
DISCONNECTED_PER_CALL = 50
_COUNTED = 1000
_SEPARATORS = {"space": " ", "comma": ",", "plus": "+"}


@dataclass(frozen=True, slots=True)
class Servers:
    """``/v1/servers``."""

    clock: Clock
    settings: Settings
    servers: ServerStore
    found: FoundStore
    registrations: RegistrationStore
    server_states: ServerStateStore
    connections: ConnectionStore
    tools: ToolStore
    vault: Vault
    outbound: Outbound
    key: SigningKey | None
    styles: StyleStore
    presets: "Callable[[], Presets]"
    """The catalogue costs a cold start its import, so only a server of a preset asks for it."""

    def page(self, start: str | None) -> tuple[Sequence[Server], str | None]:
        """Return a page in order of server_id, and the id to go on after."""
        return self.servers.all(start, PAGE)

    def get(self, server_id: str) -> Server:
        """Return one as it is registered; raise ServerNotFound."""
        server = self.servers.registered(server_id)
        if server is None:
            raise ServerNotFound
        return server

    def shown(self, server_id: str) -> tuple[Server, Found | None]:
        """Return one, and what its first use found where all of OAuth was left to discovery.

        With ``auto`` it carries what its style came to.
        """
        server = self.get(server_id)
        if server.token_request_style is TokenRequestStyle.AUTO and not server.is_bare:
            server = replace(server, style_finding=self.styles.get(server))
        return server, self.found.get(server) if server.is_bare else None

    def client_metadata(self, server_id: str, base_url: str) -> Mapping[str, object]:
        """Return the client id metadata document of one server's client; raise ServerNotFound.

        Public, and about nothing secret: its own URL is the client id, and it has exactly one
        redirect URI (OAuth Client ID Metadata Document).
        """
        server = self.servers.get(server_id)
        if server is None or server.auth_type is not AuthType.CONSUMER_OAUTH:
            raise ServerNotFound
        signs = server.token_request_style is TokenRequestStyle.PRIVATE_KEY_JWT
        metadata = client_metadata(
            f"{base_url}/callback/{server_id}",
            self.settings.chat_name,
            self.settings.chat_logo_url,
            "private_key_jwt" if signs else "none",
            jwks_uri=f"{base_url}/oauth/jwks/{server_id}.json",
        )
        url = f"{base_url}/oauth/client-metadata/{server_id}.json"
        return {"client_id": url, "client_uri": base_url, **metadata}

    def client_keys(self, server_id: str) -> Mapping[str, object]:
        """Return the public keys of one server's client, a JWK Set (RFC 7517 §5).

        Raises ServerNotFound, also where the stack has no key.
        """
        server = self.servers.registered(server_id)
        oauth = server is not None and server.auth_type is AuthType.CONSUMER_OAUTH
        if self.key is None or not oauth:
            raise ServerNotFound
        return {"keys": [self.key.public_jwk()]}

    def put(self, server_id: str, draft: Draft, precondition: Precondition) -> Registered:
        """Create or replace; raise InvalidServer naming the field, or PreconditionFailed."""
        before = self.servers.registered(server_id)
        check_precondition(precondition, before)
        values = self._values(draft)
        check_quirks(values, self.outbound)
        check_values(sampled(values), self.outbound)
        check_conflicts(sampled(values))
        wanted = self._wanted(server_id, values, before)
        check_assertions(wanted, has_key=self.key is not None)
        registered = self._registered_secret(wanted, draft)
        if registered:
            wanted = replace(wanted, client_secret=registered)
        else:
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
        check_precondition(precondition, server)
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
        self.found.forget(server_id)
        self.styles.forget(server_id)
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

    def _values(self, draft: Draft) -> Mapping[str, Any]:
        if draft.preset is not None:
            return self.presets().filled(draft)
        if draft.preset_values:
            raise InvalidServer("values: without a preset there is nothing to put them into.")
        return draft.values

    def _wanted(self, server_id: str, fields: Mapping[str, Any], before: Server | None) -> Server:
        now = self.clock.now().replace(microsecond=0)
        values = dict(fields)
        values["auth_type"] = AuthType(values["auth_type"])
        values["token_request_style"] = TokenRequestStyle(values["token_request_style"])
        values["revocation_scope"] = RevocationScope(values["revocation_scope"])
        separator = values["scope_separator"]
        values["scope_separator"] = _SEPARATORS.get(separator, separator)
        values["scopes"] = tuple(dict.fromkeys(values["scopes"]))
        values = {name: value for name, value in values.items() if name not in QUIRKS}
        oauth = values["auth_type"] is AuthType.CONSUMER_OAUTH
        bearer = values["auth_type"] is AuthType.BEARER
        return Server(
            server_id=server_id,
            **values,
            quirks=Quirks.of(fields),
            client_secret=before.client_secret if before and oauth else None,
            bearer_token=before.bearer_token if before and bearer else None,
            incarnation=before.incarnation if before else secrets.token_urlsafe(8),
            revision=before.revision + 1 if before else 1,
            created_at=before.created_at if before else now,
            updated_at=now,
        )

    def _registered_secret(self, wanted: Server, draft: Draft) -> Sealed | None:
        """Find the secret of the client registered for exactly this server, issuer and URLs.

        It is taken from what discovery kept for an hour, or from what a first use found.
        """
        if draft.client_secret is not Kept.KEPT or draft.bearer_token is not Kept.KEPT:
            return None
        if wanted.auth_type is not AuthType.CONSUMER_OAUTH or not wanted.issuer:
            return None
        now = self.clock.now()
        found = self.registrations.get(wanted.server_id, wanted.issuer, now)
        if found is not None and found.fits(wanted):
            return found.client_secret
        first = self.found.get(wanted)
        if first is None or first.server is None or first.server.issuer != wanted.issuer:
            return None
        used = ClientRegistration.of(first.server)
        return used.client_secret if used.fits(wanted) else None

    def _check_secrets(self, wanted: Server, draft: Draft, before: Server | None) -> None:
        """A kept secret must not go to a new place: a URL that moves must bring it again."""
        check_secret_fits(wanted, draft)
        check_kept_secret(wanted, draft)
        moved = wanted.secret_places - (before.secret_places if before else frozenset())
        kept = (
            (draft.client_secret, wanted.client_secret, "client_secret"),
            (draft.bearer_token, wanted.bearer_token, "bearer_token"),
        )
        disclosed = wanted.disclosures - before.disclosures if before else frozenset()
        for given, stored, name in kept:
            if given is not Kept.KEPT or stored is None:
                continue
            if moved:
                raise InvalidServer(
                    f"{name}: a URL that it is sent to changed, so it must be given again."
                )
            if disclosed:
                changed = min(disclosed).partition(":")[0]
                raise InvalidServer(
                    f"{name}: {changed} changed, and could show a token, so it must be given again."
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
