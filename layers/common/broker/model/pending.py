"""A flow under way: the ticket behind a connect link, and the authorization requests sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from .secret import Sealed


class Purpose(StrEnum):
    """What a consent is for."""

    CONNECT = "connect"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Ticket:
    """The single-use secret in a connect link stands for this; found by its ``connect_id``."""

    connect_id: str
    """Public name of the flow: a hash of the ticket, which cannot be turned back into it."""
    purpose: Purpose
    user_id: str
    server_id: str
    created_at: datetime
    expires_at: datetime
    return_url: str | None = None
    user_label: str | None = None
    client_state: str | None = None
    locale: str | None = None
    scopes: tuple[str, ...] = ()
    taken: bool = False
    opened: int = 0
    """How many authorization requests were sent for it."""


@dataclass(frozen=True, slots=True)
class PendingAuthorization:
    """An authorization request sent, its response awaited; found by its ``state``."""

    state_id: str
    """Hash of ``state``; the store never holds the state itself."""
    connect_id: str
    server_id: str
    redirect_uri: str
    config_digest: str
    cookie_hash: str
    expires_at: datetime
    code_verifier: Sealed | None = None
    nonce: str | None = None
    code: Sealed | None = None
    completion_hash: str | None = None
    completion_expires_at: datetime | None = None
    kept: Mapping[str, str] = field(default_factory=dict)
    """What the connection will keep of the authorization response."""
    granted_scopes: tuple[str, ...] = ()
    """What the authorization response lists as granted, where a builder says that it does."""
