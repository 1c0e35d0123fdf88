"""What a failed refresh means: for the connection, and for the server's configuration."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from broker.clock import Clock
from broker.errors import TemporarilyUnavailable
from broker.events import EventBus, EventType
from broker.metrics import SERVER_MISCONFIGURED
from broker.model import Connection, Failure, Lease, Reason, Server, client_state_id, placed
from broker.oauth import (
    ClientRefused,
    GrantRefused,
    NoUsableAnswer,
    RequestRefused,
    TokenRequestFailed,
)
from broker.storage.connections import ConnectionStore, Moved
from broker.storage.server_state import ServerStateStore
from broker.telemetry import count, logger
from broker.tokens.gate import Pass
from broker.tokens.pace import Pace
from broker.tokens.timing import RefreshPolicy, backoff, grace_left, held_back, whole_second_after

_BETWEEN_REFUSALS = tuple(timedelta(seconds=each) for each in (0, 0, 60, 300, 600))
"""What is added to the pause after so many refusals that are neither grant's nor client's."""
REFUSALS = len(_BETWEEN_REFUSALS)
"""How many such refusals in a row end it: a passing fault is over by then."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A refresh request: the connection and lease under which it left, and when."""

    held: Connection
    lease: Lease
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Writes down what an answer means, under the condition that nothing moved meanwhile.

    Times are the table's.
    """

    clock: Clock
    connections: ConnectionStore
    server_states: ServerStateStore
    pace: Pace
    events: EventBus
    policy: RefreshPolicy

    def accepted(self, server: Server, connection: Connection, leave: Pass) -> None:
        """Clear what a success disproves; the next success clears it as well."""
        if leave.misconfigured:
            with suppress(TemporarilyUnavailable):
                self.server_states.clear_misconfigured(client_state_id(server, connection.kept))
        if leave.struggled:
            self.pace.answered(placed(server, connection.kept))

    def record(self, server: Server, sent: Sent, failed: TokenRequestFailed, now: datetime) -> None:
        """Record a failure: flag the connection, flag the server, or back off."""
        held = sent.held
        place = placed(server, held.kept)
        if not isinstance(failed, NoUsableAnswer):
            self.pace.answered(place)
        match failed:
            case GrantRefused():
                self.give_up(held, _refused_for(held))
            case ClientRefused():
                error = failed.evidence.error or "invalid_client"
                self.give_back(server, held, sent.lease, now)
                state_id = client_state_id(server, held.kept)
                self.server_states.flag_misconfigured(state_id, error, now)
                logger().error(
                    "server_misconfigured", extra={"server_id": server.server_id, "error": error}
                )
                count(SERVER_MISCONFIGURED)
            case RequestRefused() if held.refusals + 1 >= REFUSALS:
                self.give_up(held, _refused_for(held))
            case RequestRefused():
                refused = replace(held, refusals=held.refusals + 1)
                self._back_off(server, refused, sent.lease, None, now)
            case NoUsableAnswer():
                self.pace.unanswered(place, failed.retry_after, now)
                unanswered = replace(held, refusals=0)
                if failed.ambiguous:
                    first = held.ambiguous_at if held.ambiguous else sent.sent_at
                    unanswered = replace(unanswered, ambiguous=True, ambiguous_at=first)
                self._back_off(server, unanswered, sent.lease, failed.retry_after, now)

    def stored_half(
        self, server: Server, stored: Connection, failed: NoUsableAnswer, now: datetime
    ) -> None:
        """Tell of a refresh that brought no access token; the fifth in a row ends it."""
        self.pace.unanswered(placed(server, stored.kept), failed.retry_after, now)
        self.events.publish(EventType.REFRESH_FAILED, stored, "transient")
        if stored.refusals >= REFUSALS:
            self.give_up(stored, Reason.REFRESH_REJECTED)

    def _back_off(
        self,
        server: Server,
        held: Connection,
        lease: Lease,
        retry_after: float | None,
        now: datetime,
    ) -> None:
        self.pause(server, _failed(held, now), lease, now, retry_after=retry_after)
        self.events.publish(EventType.REFRESH_FAILED, held, "transient")

    def pause(
        self,
        server: Server,
        held: Connection,
        lease: Lease,
        now: datetime,
        *,
        retry_after: float | None = None,
    ) -> None:
        """Give the lease back; nobody sends before a pause that grows with the attempts."""
        paused = _paused(server, held, now, retry_after)
        self._release(paused, lease, self.next_due(server, paused, now))

    def give_back(self, server: Server, held: Connection, lease: Lease, now: datetime) -> None:
        """Give the lease back as if it had not been taken."""
        free = replace(held, retry_at=None)
        self._release(free, lease, self.next_due(server, free, now))

    def _release(self, held: Connection, lease: Lease, due_at: datetime | None) -> None:
        with suppress(Moved):
            self.connections.release(held, lease, due_at)

    def next_due(self, server: Server, held: Connection, now: datetime) -> datetime | None:
        """Return when the worker should try next: after a failure as soon as it may be sent."""
        regular = self.policy.due_at(held.tokens, server, held.used_at, now)
        if regular is None:
            return None
        waits = held_back(held, server, now)
        return regular if waits is None else waits.until

    def give_up(self, seen: Connection, reason: Reason) -> Connection | None:
        """Flag that the user must reconnect, and say so on the bus; None: it moved meanwhile."""
        failure = Failure(reason.value, FAILURE_TEXT[reason], self.clock.now())
        try:
            flagged = self.connections.flag(seen, reason, failure)
        except Moved:
            return None
        self.events.publish(EventType.RECONNECT_REQUIRED, seen, reason.value)
        return flagged


def doubtful(sent: Sent) -> Connection:
    """Return how a generation begins whose refresh token may be spent, and all else is well."""
    begins = replace(sent.held, retry_at=None, attempts=0, refusals=0, failure=None)
    return replace(begins, ambiguous=True, ambiguous_at=sent.sent_at)


def half_answered(
    server: Server, held: Connection, failed: NoUsableAnswer, now: datetime
) -> Connection:
    """Return how a generation begins that has a refresh token alone: sent after the backoff.

    It counts as a refusal: who never gives an access token has none to give.
    """
    refusals = held.refusals + 1
    known = replace(held, ambiguous=False, ambiguous_at=None, refusals=refusals)
    return _paused(server, _failed(known, now), now, failed.retry_after)


def _failed(held: Connection, now: datetime) -> Connection:
    failure = Failure("refresh_failed", "The service could not renew the access just now.", now)
    return replace(held, failure=failure)


def _paused(
    server: Server, held: Connection, now: datetime, retry_after: float | None
) -> Connection:
    attempts = held.attempts + 1
    waits = backoff(attempts, retry_after) + _BETWEEN_REFUSALS[min(held.refusals, REFUSALS - 1)]
    left = grace_left(held, server, now)
    if left and retry_after is None:
        waits = min(waits, left)
    return replace(held, attempts=attempts, retry_at=whole_second_after(now + waits))


def _refused_for(held: Connection) -> Reason:
    return Reason.AMBIGUOUS_REFRESH if held.ambiguous else Reason.REFRESH_REJECTED


FAILURE_TEXT = {
    Reason.REFRESH_REJECTED: "The service no longer accepts this connection.",
    Reason.AMBIGUOUS_REFRESH: "The service did not confirm a renewal, and no longer accepts this"
    " connection.",
    Reason.REVOKED: "The access was withdrawn at the service.",
    Reason.REJECTED_BY_SERVER: "The tools' server refuses the access that the service gave.",
    Reason.SERVER_CHANGED: "The app was set up anew since this connection was made.",
    Reason.EXPIRED_WITHOUT_REFRESH: "The access has run out, and the service gave no means to"
    " renew it.",
}
