"""Sessions of MCP clients: a bearer that acts as one user at some servers, for an hour at most."""

import secrets
from dataclasses import dataclass

from broker.clock import Clock
from broker.endpoint_errors import InvalidToken
from broker.model import Secret, Session, SessionWish, StartedSession
from broker.storage.pending import PendingStore
from broker.storage.sessions import SessionStore, session_id_of

_BEARER_BYTES = 32
_LONGEST_BEARER = 4096


@dataclass(frozen=True, slots=True)
class Sessions:
    """Starts, admits and ends sessions. Methods may raise TemporarilyUnavailable."""

    clock: Clock
    store: SessionStore
    pending: PendingStore

    def start(self, wish: SessionWish) -> StartedSession:
        """Make a session; its bearer (256 random bits) is told now and never again."""
        bearer = Secret(secrets.token_urlsafe(_BEARER_BYTES))
        now = self.clock.now()
        session = Session(
            session_id_of(bearer),
            wish.user_id,
            wish.server_ids,
            now,
            now.replace(microsecond=0) + wish.lifetime,
            wish.return_url,
            wish.locale,
        )
        self.store.put(session)
        return StartedSession(session, bearer)

    def admit(self, bearer: Secret, server_id: str) -> Session:
        """Return the session that a bearer opens at a server; raise InvalidToken.

        An unknown, ended, expired or foreign bearer and an erased user are answered alike. Does
        NOT check that the server is registered, nor that the user is connected to it.
        """
        if len(bearer.reveal()) > _LONGEST_BEARER:
            raise InvalidToken
        session = self.store.get(session_id_of(bearer))
        if session is None or session.expires_at <= self.clock.now():
            raise InvalidToken
        if server_id not in session.server_ids:
            raise InvalidToken
        if self.pending.erased_after(session.user_id, session.created_at):
            raise InvalidToken
        return session

    def end(self, session_id: str) -> None:
        """End a session at once; one that has ended stays so."""
        self.store.delete(session_id)

    def end_all(self, user_id: str) -> None:
        """End a user's sessions; mark the user as erased first (PendingStore.erase_user)."""
        self.store.delete_of(user_id)
