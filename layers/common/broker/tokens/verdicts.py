"""What a failed refresh means: for the connection, and for the server's configuration."""

from dataclasses import dataclass, replace
from datetime import datetime

from broker.clock import Clock
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
from broker.tokens.timing import RefreshPolicy, backoff, still_valid

REFUSALS = 5
"""How many refusals in a row, for a reason that is neither the grant nor the client, end it."""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Writes down what a failure means, under the condition that nothing moved meanwhile."""

    clock: Clock
    connections: ConnectionStore
    server_states: ServerStateStore
    events: EventBus
    policy: RefreshPolicy

    def record(
        self, server: Server, held: Connection, lease: Lease, failed: TokenRequestFailed
    ) -> None:
        """Record a failure: flag the connection, flag the server, or back off."""
        match failed:
            case GrantRefused():
                self.give_up(held, _refused_for(held))
            case ClientRefused():
                error = failed.evidence.error or "invalid_client"
                self.server_states.flag_misconfigured(server.server_id, error, self.clock.now())
                logger().error(
                    "server_misconfigured", extra={"server_id": server.server_id, "error": error}
                )
                count(SERVER_MISCONFIGURED)
                self.release(server, held, lease, attempts=held.attempts, failure=None)
            case RequestRefused() if held.refusals + 1 >= REFUSALS:
                self.give_up(held, _refused_for(held))
            case _:
                self._back_off(server, held, lease, failed)

    def _back_off(
        self, server: Server, held: Connection, lease: Lease, failed: TokenRequestFailed
    ) -> None:
        now = self.clock.now()
        unanswered = failed if isinstance(failed, NoUsableAnswer) else None
        ambiguous = held.ambiguous or (unanswered is not None and unanswered.ambiguous)
        failure = Failure("refresh_failed", "The service could not renew the access just now.", now)
        refusals = held.refusals + 1 if isinstance(failed, RequestRefused) else 0
        self.release(
            server,
            replace(held, ambiguous=ambiguous, refusals=refusals),
            lease,
            attempts=held.attempts + 1,
            failure=failure,
            retry_after=unanswered.retry_after if unanswered else None,
        )
        self.events.publish(EventType.REFRESH_FAILED, held, "transient")

    def release(
        self,
        server: Server,
        held: Connection,
        lease: Lease,
        *,
        attempts: int,
        failure: Failure | None,
        retry_after: float | None = None,
    ) -> None:
        """Give the lease back; more attempts than before mean a pause before the next."""
        now = self.clock.now()
        failing = attempts > held.attempts
        retry_at = now + backoff(attempts, retry_after) if failing else None
        due_at = self._due_after_failure(server, held, retry_at, now)
        try:
            self.connections.release(
                held,
                lease,
                retry_at=retry_at,
                attempts=attempts,
                refusals=held.refusals,
                ambiguous=held.ambiguous,
                due_at=due_at,
                failure=failure or held.failure,
            )
        except Moved:
            return

    def _due_after_failure(
        self, server: Server, held: Connection, retry_at: datetime | None, now: datetime
    ) -> datetime | None:
        """Return when the worker should try again.

        An ambiguous one waits until the access token has run out, since sending twice could end
        the grant; any other is tried as soon as the backoff allows.
        """
        regular = self.policy.due_at(held.tokens, server, held.used_at, now)
        if regular is None or retry_at is None:
            return regular
        expires_at = held.tokens.expires_at
        if held.ambiguous and expires_at and still_valid(held.tokens, now):
            return max(retry_at, expires_at)
        return retry_at

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
