"""A session of an MCP client: whom its bearer lets it act as, where, and until when."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from .secret import Secret


@dataclass(frozen=True, slots=True)
class Session:
    """What a session bearer stands for; times are aware UTC."""

    session_id: str
    """Public name: a hash of the bearer, which cannot be turned back into it."""
    user_id: str
    server_ids: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    return_url: str | None = None
    """Where its connect links return to; None: it is shown none."""
    locale: str | None = None


@dataclass(frozen=True, slots=True)
class SessionWish:
    """What the chat backend asks a session for."""

    user_id: str
    server_ids: tuple[str, ...]
    lifetime: timedelta
    return_url: str | None = None
    locale: str | None = None


@dataclass(frozen=True, slots=True)
class StartedSession:
    """A new session and its bearer, which is told once and stored nowhere."""

    session: Session
    bearer: Secret
