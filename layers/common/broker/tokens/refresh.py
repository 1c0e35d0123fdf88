"""One refresh under a lease: send once, store the next generation, lose nothing."""

import secrets
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from broker.clock import Clock
from broker.credentials import ClientCredentials
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
    TokenSet,
    placed,
)
from broker.oauth import (
    NoUsableAnswer,
    RevocationOutcome,
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
from broker.tokens.gate import ROOM, Gate
from broker.tokens.sealing import OpenKeys, TokenSealer, place_of, seal_next
from broker.tokens.verdicts import Sent, Verdicts, doubtful, half_answered
from broker.vault import Kind

ANSWER_SECONDS = 8.0
"""How long a token endpoint may take, at most."""
MARGIN = 3.0
"""Seconds between the latest end of a holder and of its lease, and kept for storing."""
_DATING_SECONDS = 2.0
_STORE_PAUSES = (0.05, 0.2, 0.5)
_NO_ANSWER = RevocationOutcome.NO_ANSWER
_NOTHING = Secret("-")
"""In place of an access token that does not open."""


@dataclass(frozen=True, slots=True)
class Opened:
    """All that sending and storing needs, opened before a byte leaves."""

    keys: OpenKeys
    access_token: Secret | None
    """None: it does not open, which a refresh mends."""
    refresh_token: Secret
    client_secret: Secret | None
    """Or the assertion, signed for this one request."""


@dataclass(frozen=True, slots=True)
class Successor:
    """The token set that follows the one in use, in the clear and sealed."""

    tokens: TokenSet
    sealed: SealedTokens


@dataclass(frozen=True, slots=True)
class Refresher:
    """Refreshes a connection whose lease it takes."""

    clock: Clock
    connections: ConnectionStore
    sealer: TokenSealer
    credentials: ClientCredentials
    endpoint: TokenEndpoint
    revoker: Revoker
    queues: Queues
    verdicts: Verdicts
    gate: Gate

    def refresh(
        self,
        server: Server,
        seen: Connection,
        time: TableTime,
        invocation: Invocation,
        *,
        serves: bool,
    ) -> tuple[Connection, Secret] | None:
        """Take the lease, send, store; return the new set in use.

        ``serves``: the access token can be used meanwhile. None: somebody else moved first, or it
        failed and that is recorded; read again. Raises TemporarilyUnavailable when not even the
        record could be written.
        """
        lease = self._lease(time, invocation)
        try:
            held = self.connections.lease(seen, lease, time)
        except Moved:
            return None
        turn = _Turn(server, held, lease, time, invocation, serves)
        opened = self._open(turn)
        if self.gate.too_late(invocation):
            self.verdicts.give_back(turn.server, held, lease, time.moment())
            return None
        return self._send(turn, opened)

    def _lease(self, time: TableTime, invocation: Invocation) -> Lease:
        left = invocation.deadline - self.clock.monotonic()
        return Lease(secrets.token_urlsafe(16), time.now() + left + MARGIN)

    def _open(self, turn: "_Turn") -> Opened:
        held = turn.held
        sealed = held.tokens.refresh
        try:
            if sealed is None:
                raise SealBroken  # it was there when the lease was asked for
            keys = self.sealer.open_keys(held, sealed)
            refresh_token = keys.refresh.open(place_of(held, Kind.REFRESH), sealed)
            access_token = None
            with suppress(SealBroken):
                access_token = keys.access.open(place_of(held, Kind.ACCESS), held.tokens.access)
            secret = self.credentials.of(turn.server, turn.time.moment())
        except (TemporarilyUnavailable, SealBroken):
            self.verdicts.pause(turn.server, held, turn.lease, turn.time.moment())
            raise
        return Opened(keys, access_token, refresh_token, secret)

    def _send(self, turn: "_Turn", opened: Opened) -> tuple[Connection, Secret] | None:
        sent_at = turn.time.moment()
        started = self.clock.monotonic()
        deadline = min(started + ANSWER_SECONDS, turn.invocation.deadline - 2 * PATIENCE)
        try:
            with timed(REFRESH_LATENCY, self.clock):
                response = self.endpoint.refresh(
                    placed(turn.server, turn.held.kept),
                    opened.client_secret,
                    refresh_token=opened.refresh_token,
                    deadline=deadline,
                    now=turn.time.moment,
                )
        except TokenRequestFailed as failed:
            self._failed(turn, opened, failed, sent_at)
            count(REFRESH, outcome=failed.outcome, cause=cause_of(failed))
            record(REFRESH_FAILED, 1)
            return None
        sent = Sent(turn.held, turn.lease, sent_at)
        troubled = doubtful(sent) if response.refresh_token_lost else None
        stored = self._keep(turn, opened, response.token_set, troubled)
        if stored and turn.server.quirks.introspection_endpoint and not response.lifetime_told:
            stored = self._dated(turn, response, stored)
        count(REFRESH, outcome="refreshed", cause="none")
        record(REFRESH_FAILED, 0)
        return (stored, response.token_set.access_token) if stored else None

    def _dated(self, turn: "_Turn", response: TokenResponse, stored: Connection) -> Connection:
        """Ask when the new token ends, where that can be asked: after it is safe, and once."""
        server = placed(turn.server, turn.held.kept)
        deadline = min(self.clock.monotonic() + _DATING_SECONDS, turn.invocation.deadline - ROOM)
        try:
            proof = self.credentials.of(server, turn.time.moment())
        except (TemporarilyUnavailable, SealBroken):
            return stored
        dated = self.endpoint.dated(server, proof, response, deadline)
        expires_at = dated.token_set.expires_at
        if expires_at is None or not dated.lifetime_told:
            return stored
        tokens = replace(stored.tokens, expires_at=expires_at)
        meant = replace(stored, tokens=tokens)
        due_at = self.verdicts.next_due(turn.server, meant, turn.time.moment())
        with suppress(Moved, TemporarilyUnavailable):
            return self.connections.date(stored, expires_at, due_at)
        return stored

    def _failed(
        self, turn: "_Turn", opened: Opened, failed: TokenRequestFailed, sent_at: datetime
    ) -> None:
        """Record what it means; a refresh token that came all the same replaces the one sent."""
        sent, now = Sent(turn.held, turn.lease, sent_at), turn.time.moment()
        match failed:
            case NoUsableAnswer(refresh_token=Secret() as new) if new != opened.refresh_token:
                half = self._half(turn, opened, new, sent_at)
                troubled = half_answered(turn.server, turn.held, failed, now)
                stored = self._keep(turn, opened, half, troubled)
                self.verdicts.stored_half(turn.server, stored or turn.held, failed, now)
            case _:
                self.verdicts.record(turn.server, sent, failed, now)

    def _half(
        self, turn: "_Turn", opened: Opened, refresh_token: Secret, sent_at: datetime
    ) -> TokenSet:
        """Put a new refresh token beside the old access token, as long as that serves."""
        held = turn.held
        serves = turn.serves and opened.access_token is not None
        expires_at = held.tokens.expires_at if serves else sent_at
        access_token, obtained_at = opened.access_token or _NOTHING, held.tokens.obtained_at
        return TokenSet(access_token, refresh_token, expires_at, obtained_at)

    def _keep(
        self, turn: "_Turn", opened: Opened, tokens: TokenSet, troubled: Connection | None
    ) -> Connection | None:
        sealed = seal_next(opened.keys, turn.held, tokens, opened.refresh_token)
        try:
            return self._store(turn, sealed, troubled)
        except Moved as moved:
            self._orphaned(turn, moved.stands, Successor(tokens, sealed))
            return None

    def _store(
        self, turn: "_Turn", sealed: SealedTokens, troubled: Connection | None
    ) -> Connection:
        """Write the set with backoff; if the table stays away, hand it to the rescue queue."""
        held = turn.held
        begins = troubled or replace(held, retry_at=None, ambiguous=False)
        begins = replace(begins, tokens=sealed)
        due_at = self.verdicts.next_due(turn.server, begins, turn.time.moment())
        for pause in (*_STORE_PAUSES, None):
            try:
                return self.connections.advance(held, sealed, due_at, troubled=troubled)
            except TemporarilyUnavailable:
                out_of_time = self.clock.monotonic() + 2 * PATIENCE > turn.invocation.deadline
                if pause is None or out_of_time:
                    break
                self.clock.sleep(pause)
        self._rescue(held, sealed, troubled)
        return replace(held, generation=held.generation + 1, tokens=sealed)

    def _rescue(
        self, held: Connection, sealed: SealedTokens, troubled: Connection | None = None
    ) -> None:
        try:
            self.queues.send_rescue(RescueMessage.of(held, sealed, troubled))
        except TemporarilyUnavailable:
            logger().error("token_set_lost", extra={"server_id": held.server_id})
            count(TOKEN_SET_LOST)
        else:
            count(TOKEN_SET_RESCUED)

    def _orphaned(self, turn: "_Turn", stands: Connection | None, successor: Successor) -> None:
        """End a token whose connection is gone; of one reconnected only where that is safe.

        Where the service does not answer, whoever takes it off the rescue queue goes on trying.
        """
        count(REFRESH_ORPHANED)
        server = turn.server
        if stands is not None and stands.grant_id == turn.held.grant_id:
            return  # its set is in use, or has been followed by another
        if stands is not None and server.revocation_scope is not RevocationScope.TOKEN:
            return
        endpoint = placed(server, turn.held.kept).revocation_endpoint
        if endpoint is None:
            return
        if self._revoked(turn, endpoint, successor.tokens) is _NO_ANSWER:
            self._rescue(turn.held, successor.sealed)

    def _revoked(self, turn: "_Turn", endpoint: str, tokens: TokenSet) -> RevocationOutcome:
        server, shape = turn.server, turn.server.revocation_shape
        try:
            proof = self.credentials.of(server, turn.time.moment())
        except (TemporarilyUnavailable, SealBroken):
            return _NO_ANSWER
        return self.revoker.revoke(
            endpoint,
            client_id=server.client_id or "",
            style=server.token_request_style,
            client_secret=proof,
            token=shape.request.first_of(tokens.refresh_token, tokens.access_token),
            deadline=min(self.clock.monotonic() + MARGIN, turn.invocation.deadline),
            shape=shape,
        )


@dataclass(frozen=True, slots=True)
class _Turn:
    """One holder's time with a lease."""

    server: Server
    held: Connection
    lease: Lease
    time: TableTime
    invocation: Invocation
    serves: bool
