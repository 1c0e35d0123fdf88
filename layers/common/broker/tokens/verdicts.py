"""What a failed refresh means: for the connection, and for the server's configuration."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from broker.clock import Clock
from broker.errors import TemporarilyUnavailable
from broker.events import EventBus, EventType
from broker.metrics import SERVER_MISCONFIGURED
from broker.model import Connection, Failure, Lease, Reason, Server
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
from broker.tokens.timing import RefreshPolicy, backoff, grace_left, still_valid, whole_second_after

REFUSALS = 5
"""How many refusals in a row, for a reason that is neither the grant nor the client, end it."""


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

    def accepted(self, server: Server, leave: Pass) -> None:
        """Clear what a success disproves; the next success clears it as well."""
        if leave.misconfigured:
            with suppress(TemporarilyUnavailable):
                self.server_states.clear_misconfigured(server.server_id)
        if leave.struggled:
            self.pace.answered(server)

    def record(self, server: Server, sent: Sent, failed: TokenRequestFailed, now: datetime) -> None:
        """Record a failure: flag the connection, flag the server, or back off."""
        held = sent.held
        if not isinstance(failed, NoUsableAnswer):
            self.pace.answered(server)
        match failed:
            case GrantRefused():
                self.give_up(held, _refused_for(held))
            case ClientRefused():
                error = failed.evidence.error or "invalid_client"
                self.give_back(server, held, sent.lease, now)
                self.server_states.flag_misconfigured(server.server_id, error, now)
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
                self.pace.unanswered(server, failed.retry_after, now)
                unanswered = replace(held, refusals=0)
                if failed.ambiguous:
                    first = held.ambiguous_at if held.ambiguous else sent.sent_at
                    unanswered = replace(unanswered, ambiguous=True, ambiguous_at=first)
                self._back_off(server, unanswered, sent.lease, failed.retry_after, now)

    def _back_off(
        self,
        server: Server,
        held: Connection,
        lease: Lease,
        retry_after: float | None,
        now: datetime,
    ) -> None:
        failure = Failure("refresh_failed", "The service could not renew the access just now.", now)
        failed = replace(held, failure=failure)
        self.pause(server, failed, lease, now, retry_after=retry_after)
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
        attempts = held.attempts + 1
        waits = backoff(attempts, retry_after)
        left = grace_left(held, server, now)
        if left and retry_after is None:
            waits = min(waits, left)
        paused = replace(held, attempts=attempts, retry_at=whole_second_after(now + waits))
        self._release(paused, lease, self._due_after_failure(server, paused, now))

    def give_back(self, server: Server, held: Connection, lease: Lease, now: datetime) -> None:
        """Give the lease back as if it had not been taken."""
        free = replace(held, retry_at=None)
        due_at = self.policy.due_at(held.tokens, server, held.used_at, now)
        self._release(free, lease, due_at)

    def _release(self, held: Connection, lease: Lease, due_at: datetime | None) -> None:
        with suppress(Moved):
            self.connections.release(held, lease, due_at)

    def _due_after_failure(
        self, server: Server, held: Connection, now: datetime
    ) -> datetime | None:
        """Return when the worker should try again.

        An ambiguous one waits until the access token has run out, since sending twice could end
        the grant, unless the service forgives it still; any other as soon as the backoff allows.
        """
        regular = self.policy.due_at(held.tokens, server, held.used_at, now)
        if regular is None or held.retry_at is None:
            return regular
        expires_at = held.tokens.expires_at
        forgiven = grace_left(held, server, now) is not None
        if held.ambiguous and not forgiven and expires_at and still_valid(held.tokens, now):
            return max(held.retry_at, expires_at)
        return held.retry_at

    def give_up(self, seen: Connection, reason: Reason) -> Connection | None:
        """Flag that the user must reconnect, and say so on the bus; None: it moved meanwhile."""
        failure = Failure(reason.value, FAILURE_TEXT[reason], self.clock.now())
        try:
            flagged = self.connections.flag(seen, reason, failure)
        except Moved:
            return None
        self.events.publish(EventType.RECONNECT_REQUIRED, seen, reason.value)
        return flagged


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
