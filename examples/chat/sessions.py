"""Who is signed in to the chat, and which connections each session has started."""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

LIFETIME = timedelta(hours=8)


@dataclass(frozen=True, slots=True)
class User:
    """An account of the chat product; all of them are invented."""

    user_id: str
    name: str
    email: str


USERS = {
    user.user_id: user
    for user in (
        User("ana", "Ana Almeida", "ana@example.com"),
        User("ben", "Ben Brandt", "ben@example.com"),
        User("mallory", "Mallory Moss", "mallory@example.com"),
    )
}


@dataclass(frozen=True, slots=True)
class Started:
    """A connect card that was shown: to which server it leads, and until when."""

    server_id: str
    service: str
    expires_at: datetime


@dataclass(slots=True)
class Session:
    """One signed-in browser."""

    user: User
    expires_at: datetime
    _started: dict[str, Started] = field(default_factory=dict)

    def remember(self, connect_id: str, started: Started) -> None:
        """Note that the session started a connection, and forget those that have expired."""
        now = datetime.now(UTC)
        alive = {each: what for each, what in self._started.items() if what.expires_at > now}
        self._started = alive | {connect_id: started}

    def started(self, connect_id: str) -> Started | None:
        """Return what the session started under that id; None if it did not."""
        return self._started.get(connect_id)

    def forget(self, connect_id: str) -> None:
        """Drop a connection that has been made."""
        self._started.pop(connect_id, None)


@dataclass(slots=True)
class Sessions:
    """All sessions by the random id that the cookie holds; a product keeps them in its database."""

    _by_id: dict[str, Session] = field(default_factory=dict)

    def open(self, user: User) -> str:
        """Begin a session under a new id, never under one that the browser brought."""
        now = datetime.now(UTC)
        self._by_id = {key: each for key, each in self._by_id.items() if each.expires_at > now}
        session_id = secrets.token_urlsafe(32)
        self._by_id[session_id] = Session(user, now + LIFETIME)
        return session_id

    def find(self, session_id: str) -> Session | None:
        """Return a session that has not expired."""
        session = self._by_id.get(session_id)
        return session if session and session.expires_at > datetime.now(UTC) else None

    def close(self, session_id: str) -> None:
        """End a session."""
        self._by_id.pop(session_id, None)
