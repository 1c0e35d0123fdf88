"""One refresh under a lease: send once, store the next generation, lose nothing."""

import secrets
from dataclasses import dataclass, replace

from broker.clock import Clock
from broker.errors import SealBroken, TemporarilyUnavailable
from broker.metrics import (
    REFRESH,
    REFRESH_FAILED,
    REFRESH_LATENCY,
    REFRESH_ORPHANED,
    TOKEN_SET_LOST,
    TOKEN_SET_RESCUED,
)
from broker.model import (
    Connection,
    Invocation,
    Lease,
    RevocationScope,
    SealedTokens,
    Secret,
    Server,
)
from broker.oauth import (
    Revoker,
    TokenEndpoint,
    TokenRequestFailed,
    TokenResponse,
)
from broker.queues import Queues, RescueMessage
from broker.storage.connections import ConnectionStore, Moved
from broker.storage.table import PATIENCE, TableTime
from broker.telemetry import count, logger, record, timed
from broker.tokens.causes import cause_of
from broker.tokens.sealing import OpenKeys, TokenSealer, place_of, seal_next
from broker.tokens.timing import RefreshPolicy
from broker.tokens.verdicts import Verdicts
from broker.vault import Kind, Vault

ANSWER_SECONDS = 8.0
"""How long a token endpoint may take, at most."""
MARGIN = 3.0
"""Seconds between the latest end of a holder and of its lease, and kept for storing."""
ROOM = 2 * PATIENCE + 2.0
"""Seconds that must be left to send: for the answer, one write that hangs, and the rescue."""
_STORE_PAUSES = (0.05, 0.2, 0.5)


@dataclass(frozen=True, slots=True)
class Opened:
    """All that sending and storing needs, opened before a byte leaves."""

    keys: OpenKeys
    refresh_token: Secret
    client_secret: Secret | None


@dataclass(frozen=True, slots=True)
class Refresher:
    """Refreshes a connection whose lease it takes."""

    clock: Clock
    connections: ConnectionStore
    sealer: TokenSealer
    vault: Vault
    endpoint: TokenEndpoint
    revoker: Revoker
    queues: Queues
    verdicts: Verdicts
    policy: RefreshPolicy

    def refresh(
        self, server: Server, seen: Connection, time: TableTime, invocation: Invocation
    ) -> tuple[Connection, Secret] | None:
        """Take the lease, send, store; return the new set in use.

        None: somebody else moved first, or it failed and that is recorded; read again. Raises
        TemporarilyUnavailable when not even the record could be written.
        """
        lease = self._lease(time, invocation)
        try:
            held = self.connections.lease(seen, lease, time, self.clock.now())
        except Moved:
            return None
        opened = self._open(server, held, lease)
        if self.too_late(invocation):
            self.verdicts.release(server, held, lease, attempts=held.attempts, failure=None)
            return None
        return self._send(server, held, lease, opened, invocation)

    def _lease(self, time: TableTime, invocation: Invocation) -> Lease:
        left = invocation.deadline - self.clock.monotonic()
        return Lease(secrets.token_urlsafe(16), time.now() + left + MARGIN)

    def too_late(self, invocation: Invocation) -> bool:
        """Judge again right before sending: a container can be frozen and thawed in between."""
        return self.clock.monotonic() + ROOM > invocation.deadline

    def _open(self, server: Server, held: Connection, lease: Lease) -> Opened:
        sealed = held.tokens.refresh
        try:
            if sealed is None:  # it was there when the lease was asked for
                raise SealBroken
            keys = self.sealer.open_keys(held, sealed)
            refresh_token = keys.refresh.open(place_of(held, Kind.REFRESH), sealed)
            secret = self.vault.client_secret_of(server)
        except (TemporarilyUnavailable, SealBroken):
            self.verdicts.release(server, held, lease, attempts=held.attempts + 1, failure=None)
            raise
        return Opened(keys, refresh_token, secret)

    def _send(
        self,
        server: Server,
        held: Connection,
        lease: Lease,
        opened: Opened,
        invocation: Invocation,
    ) -> tuple[Connection, Secret] | None:
        deadline = min(self.clock.monotonic() + ANSWER_SECONDS, invocation.deadline - 2 * PATIENCE)
        try:
            with timed(REFRESH_LATENCY, self.clock):
                response = self.endpoint.refresh(
                    server,
                    opened.client_secret,
                    refresh_token=opened.refresh_token,
                    deadline=deadline,
                )
        except TokenRequestFailed as failed:
            self.verdicts.record(server, held, lease, failed)
            count(REFRESH, outcome=failed.outcome, cause=cause_of(failed))
            record(REFRESH_FAILED, 1)
            return None
        kept = self._keep(server, held, opened, response, invocation)
        count(REFRESH, outcome="refreshed", cause="none")
        record(REFRESH_FAILED, 0)
        return kept

    def _keep(
        self,
        server: Server,
        held: Connection,
        opened: Opened,
        response: TokenResponse,
        invocation: Invocation,
    ) -> tuple[Connection, Secret] | None:
        sealed = seal_next(opened.keys, held, response.token_set, opened.refresh_token)
        try:
            stored = self._store(server, held, sealed, invocation)
        except Moved as moved:
            self._orphaned(server, moved.stands, opened, response, invocation)
            return None
        return stored, response.token_set.access_token

    def _store(
        self, server: Server, held: Connection, sealed: SealedTokens, invocation: Invocation
    ) -> Connection:
        """Write the set with backoff; if the table stays away, hand it to the rescue queue."""
        due_at = self.policy.due_at(sealed, server, held.used_at, self.clock.now())
        for pause in (*_STORE_PAUSES, None):
            try:
                return self.connections.advance(held, sealed, due_at)
            except TemporarilyUnavailable:
                out_of_time = self.clock.monotonic() + 2 * PATIENCE > invocation.deadline
                if pause is None or out_of_time:
                    break
                self.clock.sleep(pause)
        self._rescue(held, sealed)
        return replace(held, generation=held.generation + 1, tokens=sealed)

    def _rescue(self, held: Connection, sealed: SealedTokens) -> None:
        try:
            self.queues.send_rescue(RescueMessage.of(held, sealed))
        except TemporarilyUnavailable:
            logger().error("token_set_lost", extra={"server_id": held.server_id})
            count(TOKEN_SET_LOST)
        else:
            count(TOKEN_SET_RESCUED)

    def _orphaned(
        self,
        server: Server,
        stands: Connection | None,
        opened: Opened,
        response: TokenResponse,
        invocation: Invocation,
    ) -> None:
        """End a token whose connection is gone; of one reconnected only where that is safe."""
        count(REFRESH_ORPHANED)
        if stands is not None and server.revocation_scope is not RevocationScope.TOKEN:
            return
        if server.revocation_endpoint is None:
            return
        token = response.token_set.refresh_token or response.token_set.access_token
        self.revoker.revoke(
            server.revocation_endpoint,
            client_id=server.client_id or "",
            style=server.token_request_style,
            client_secret=opened.client_secret,
            token=token,
            deadline=min(self.clock.monotonic() + MARGIN, invocation.deadline),
        )
