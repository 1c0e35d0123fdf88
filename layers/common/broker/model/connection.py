"""A connection: one user, one server, one grant, and the token set in use."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from .quirks import CLIENT_ID, Quirks, RevocationRequest
from .secret import Sealed, Secret


class Status(StrEnum):
    """Where a connection stands."""

    ACTIVE = "active"
    RECONNECT_REQUIRED = "reconnect_required"
    REMOVING = "removing"


class Reason(StrEnum):
    """Why a connection needs its user again."""

    REFRESH_REJECTED = "refresh_rejected"
    AMBIGUOUS_REFRESH = "ambiguous_refresh"
    REVOKED = "revoked"
    REJECTED_BY_SERVER = "rejected_by_server"
    SERVER_CHANGED = "server_changed"
    EXPIRED_WITHOUT_REFRESH = "expired_without_refresh"


@dataclass(frozen=True, slots=True)
class TokenSet:
    """What a token endpoint gave (RFC 6749 §5.1), in the clear."""

    access_token: Secret
    refresh_token: Secret | None
    expires_at: datetime | None
    """None: unknown, which is neither 'expired' nor 'for ever'."""
    obtained_at: datetime
    scope: tuple[str, ...] | None = None
    """None: the answer did not say, so it is what was asked for (or what it was)."""
    refresh_expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """The last thing that went wrong with a connection, in words for its user."""

    code: str
    message: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Account:
    """Whose account it is at the service."""

    label: str | None
    """For display only: ≤ 128 characters, no control or bidirectional marks."""
    subject_hash: str | None
    """sha256 of (iss, sub), hex; None where the service named no subject."""


@dataclass(frozen=True, slots=True)
class RevocationTarget:
    """Where this connection's tokens are revoked: the endpoints it was made with."""

    endpoint: str | None
    client_id: str | None
    request: RevocationRequest = field(default_factory=RevocationRequest)
    error_field: str | None = None
    client_id_parameter: str = CLIENT_ID


@dataclass(frozen=True, slots=True)
class Lease:
    """The short exclusive right to refresh one connection, in the table's time (epoch s)."""

    lease_id: str
    until: float


@dataclass(frozen=True, slots=True)
class SealedTokens:
    """A token set as it is stored: each token sealed apart."""

    access: Sealed
    refresh: Sealed | None
    expires_at: datetime | None
    obtained_at: datetime
    scope: tuple[str, ...]
    refresh_expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """One user × one server × one grant.

    Every conditional write stands under (``grant_id``, ``generation``): ``grant_id`` is new with
    every consent, ``generation`` counts its token sets from 1.
    """

    user_id: str
    server_id: str
    grant_id: str
    generation: int
    status: Status
    config_digest: str
    tokens: SealedTokens
    created_at: datetime
    connected_at: datetime
    revocation: RevocationTarget = RevocationTarget(None, None)
    account: Account = Account(None, None)
    reason: Reason | None = None
    failure: Failure | None = None
    user_label: str | None = None
    requested_scopes: tuple[str, ...] = ()
    scope_requests: int = 0
    """Consents in a row that asked for the same scopes and were not given all of them."""
    challenged_scopes: tuple[str, ...] = ()
    """What the MCP server wanted besides, since the consent (403, insufficient_scope)."""
    lease: Lease | None = None
    recover_at: float | None = None
    """Table time (epoch s) before which nobody sends: a rescue may be under way."""
    ambiguous: bool = False
    """A refresh request left and no parsed answer came: the stored token may be spent."""
    ambiguous_at: datetime | None = None
    """When the first such request left; None: not known, or none did."""
    retry_at: datetime | None = None
    attempts: int = 0
    refusals: int = 0
    """How often in a row a refresh was refused for a reason that is not the grant's."""
    used_at: datetime | None = None
    due_at: datetime | None = None
    removing_since: datetime | None = None
    mcp_session: Sealed | None = field(default=None, repr=False)
    kept: Mapping[str, str] = field(default_factory=dict)
    """What was kept of the consent, for the gaps of this connection's URLs; no secret."""

    def missing_scopes(self, quirks: Quirks) -> tuple[str, ...]:
        """Return the scopes that were asked for, by us or by a tool, and not granted.

        ``quirks`` are its server's: what the service calls a scope that it grants.
        """
        wanted = dict.fromkeys((*self.requested_scopes, *self.challenged_scopes))
        return quirks.lacking(wanted, self.tokens.scope)
