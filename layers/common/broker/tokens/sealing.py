"""Token sets, sealed and opened: each token apart, bound to user, server, grant and generation."""

from dataclasses import dataclass

from broker.model import (
    Connection,
    RevocationRequest,
    Sealed,
    SealedTokens,
    Secret,
    TokenSet,
)
from broker.queues import RescueMessage
from broker.vault import Context, DataKey, Kind, Place, Vault


@dataclass(frozen=True, slots=True)
class OpenKeys:
    """A connection's data keys, open: sealing its next set needs no key service."""

    access: DataKey
    refresh: DataKey


@dataclass(frozen=True, slots=True)
class NewGrant:
    """What one consent gave, about to become a connection."""

    user_id: str
    server_id: str
    grant_id: str


@dataclass(frozen=True, slots=True)
class TokenSealer:
    """Seals and opens token sets. May raise TemporarilyUnavailable and SealBroken."""

    vault: Vault

    def new_keys(self, user_id: str, server_id: str) -> OpenKeys:
        """Make a connection's data keys, before a code is spent on tokens to seal under them."""
        return OpenKeys(
            self.vault.new_key(Context(Kind.ACCESS, server_id, user_id)),
            self.vault.new_key(Context(Kind.REFRESH, server_id, user_id)),
        )

    def open_access(self, connection: Connection) -> Secret:
        """Open the access token."""
        return self.vault.open(place_of(connection, Kind.ACCESS), connection.tokens.access)

    def open_refresh(self, connection: Connection) -> Secret | None:
        """Open the refresh token, if there is one."""
        sealed = connection.tokens.refresh
        return sealed and self.vault.open(place_of(connection, Kind.REFRESH), sealed)

    def open_keys(self, connection: Connection, refresh: Sealed) -> OpenKeys:
        """Open both data keys, before a refresh is sent: an outage after it would lose the set."""
        access = place_of(connection, Kind.ACCESS).context
        context = place_of(connection, Kind.REFRESH).context
        return OpenKeys(
            self.vault.open_key(access, connection.tokens.access.wrapped_key),
            self.vault.open_key(context, refresh.wrapped_key),
        )

    def open_rescued(self, message: RescueMessage, request: RevocationRequest) -> Secret:
        """Open the token of a rescued set that ends most, of those that the request takes."""
        tokens = message.tokens()
        kind = Kind.REFRESH if request.first_of(tokens.refresh, None) else Kind.ACCESS
        named = (message.user_id, message.server_id, message.grant_id, message.generation + 1)
        sealed = request.first_of(tokens.refresh, tokens.access)
        return self.vault.open(_place(kind, *named), sealed)

    def open_session(self, connection: Connection) -> Secret | None:
        """Open the MCP session that the last call left, if any."""
        sealed = connection.mcp_session
        return sealed and self.vault.open(_session_place(connection), sealed)

    def seal_session(self, connection: Connection, session: Secret) -> Sealed:
        """Seal an MCP session under the access token's data key."""
        place = _session_place(connection)
        key = self.vault.open_key(place.context, connection.tokens.access.wrapped_key)
        return key.seal(place, session)


def seal_first(
    keys: OpenKeys, grant: NewGrant, tokens: TokenSet, scope: tuple[str, ...]
) -> SealedTokens:
    """Seal the first set of a grant."""
    named = (grant.user_id, grant.server_id, grant.grant_id, 1)
    refresh_token = tokens.refresh_token
    return SealedTokens(
        access=keys.access.seal(_place(Kind.ACCESS, *named), tokens.access_token),
        refresh=refresh_token and keys.refresh.seal(_place(Kind.REFRESH, *named), refresh_token),
        expires_at=tokens.expires_at,
        obtained_at=tokens.obtained_at,
        scope=scope,
        refresh_expires_at=tokens.refresh_expires_at,
    )


def seal_next(
    keys: OpenKeys, seen: Connection, tokens: TokenSet, old_refresh_token: Secret
) -> SealedTokens:
    """Seal the set that follows; an answer without a refresh token or scope keeps the old."""
    generation = seen.generation + 1
    named = (seen.user_id, seen.server_id, seen.grant_id, generation)
    refresh_token = tokens.refresh_token or old_refresh_token
    kept = refresh_token == old_refresh_token
    return SealedTokens(
        access=keys.access.seal(_place(Kind.ACCESS, *named), tokens.access_token),
        refresh=keys.refresh.seal(_place(Kind.REFRESH, *named), refresh_token),
        expires_at=tokens.expires_at,
        obtained_at=tokens.obtained_at,
        scope=seen.tokens.scope if tokens.scope is None else tokens.scope,
        refresh_expires_at=tokens.refresh_expires_at
        or (seen.tokens.refresh_expires_at if kept else None),
    )


def place_of(connection: Connection, kind: Kind) -> Place:
    """Return where a token of this connection belongs."""
    return _place(
        kind,
        connection.user_id,
        connection.server_id,
        connection.grant_id,
        connection.generation,
    )


def _place(kind: Kind, user_id: str, server_id: str, grant_id: str, generation: int) -> Place:
    return Place(Context(kind, server_id, user_id), grant_id, generation)


def _session_place(connection: Connection) -> Place:
    context = Context(Kind.ACCESS, connection.server_id, connection.user_id)
    return Place(context, connection.grant_id, purpose="mcp_session")
