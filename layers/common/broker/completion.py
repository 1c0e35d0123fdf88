"""The completion code: what ties a consent to the session that asked for it.

The callback keeps the authorization code, sealed, and hands the browser a single-use completion
code; only the chat's backend, for the same user, turns it into a token request.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta

from broker.clock import Clock
from broker.errors import ServerChanged, SessionMismatch
from broker.metrics import SESSION_MISMATCH
from broker.model import Claimant, PendingAuthorization, Secret, Server, Ticket
from broker.storage.pending import PendingStore, completion_hash_of
from broker.telemetry import count
from broker.vault import Vault, code_place

COMPLETION_LIFETIME = timedelta(seconds=120)


@dataclass(frozen=True, slots=True)
class Claim:
    """A consent that belongs to the caller's user, its code in the clear; good for one try."""

    ticket: Ticket
    pending: PendingAuthorization
    code: Secret


@dataclass(frozen=True, slots=True)
class Completions:
    """Issues and takes completion codes. Methods may raise TemporarilyUnavailable."""

    pending: PendingStore
    vault: Vault
    clock: Clock

    def offer(self, pending: PendingAuthorization, code: Secret) -> Secret:
        """Keep the code sealed; return the completion code, valid 120 seconds."""
        secret = Secret(secrets.token_urlsafe(32))
        sealed = self.vault.seal(code_place(pending.server_id, pending.state_id), code)
        until = self.clock.now() + COMPLETION_LIFETIME
        self.pending.keep_code(pending, sealed, completion_hash_of(secret), until)
        return Secret(f"{pending.state_id}.{secret.reveal()}")

    def claim(self, claimant: Claimant, completion_code: Secret, server: Server | None) -> Claim:
        """Take the flow for its own user, once.

        Raises SessionMismatch, the same for another user and for an expired, unknown or used
        code, and erases the authorization code; ServerChanged when the configuration moved.
        """
        state_id, _, secret = completion_code.reveal().partition(".")
        pending = self.pending.state(state_id)
        ticket = self.pending.ticket(claimant.connect_id)
        if pending is None:
            raise self._refused("unknown")
        if ticket is None or not self._belongs(claimant, Secret(secret), ticket, pending):
            self.pending.erase_code(state_id)
            raise self._refused("mismatch")
        code = pending.code and self.vault.open(
            code_place(pending.server_id, pending.state_id), pending.code
        )
        taken = self.pending.take_ticket(
            ticket.connect_id, secrets.token_urlsafe(16), self.clock.now()
        )
        self.pending.erase_code(state_id)
        if self.pending.erased_since(ticket):
            raise self._refused("erased")
        if taken is None or code is None or server is None:
            raise self._refused("used" if server else "server_gone")
        if pending.config_digest != server.config_digest:
            raise ServerChanged
        return Claim(ticket, pending, code)

    def _belongs(
        self, claimant: Claimant, secret: Secret, ticket: Ticket, pending: PendingAuthorization
    ) -> bool:
        until = pending.completion_expires_at
        offered = pending.completion_hash or ""
        named = (ticket.purpose, ticket.user_id, ticket.server_id, pending.connect_id)
        claimed = (claimant.purpose, claimant.user_id, claimant.server_id, ticket.connect_id)
        return (
            hmac.compare_digest(offered, completion_hash_of(secret))
            and named == claimed
            and pending.server_id == ticket.server_id
            and until is not None
            and self.clock.now() < until
        )

    def _refused(self, why: str) -> SessionMismatch:
        count(SESSION_MISMATCH, why=why)
        return SessionMismatch()
