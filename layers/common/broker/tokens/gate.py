"""Judge whether a refresh may be sent now: pauses, breakers, other holders, the pace."""

from dataclasses import dataclass
from datetime import datetime

from broker.clock import Clock
from broker.errors import ServerMisconfigured, TemporarilyUnavailable
from broker.metrics import AHEAD_REFUSED
from broker.model import Connection, Invocation, Server, client_state_id, placed
from broker.storage.connections import ConnectionStore, Moved
from broker.storage.server_state import ServerStateStore
from broker.storage.table import PATIENCE, TableTime
from broker.telemetry import count
from broker.tokens.pace import Pace
from broker.tokens.timing import held_back

RECOVERY_SECONDS = 45.0
"""The rescue queue's visibility timeout (30 s), and 15: a rescued set is applied before then."""
ROOM = 2 * PATIENCE + 2.0
"""Seconds that must be left to send: for the answer, one write that hangs, and the rescue."""


@dataclass(frozen=True, slots=True)
class Pass:
    """Leave to send, and what a success will then clear."""

    misconfigured: bool = False
    struggled: bool = False


@dataclass(frozen=True, slots=True)
class Gate:
    """Lets refreshes through. What it counts and claims, it does last."""

    clock: Clock
    connections: ConnectionStore
    server_states: ServerStateStore
    pace: Pace

    def judge(
        self,
        server: Server,
        connection: Connection,
        time: TableTime,
        invocation: Invocation,
        *,
        serves: bool,
        ahead: bool,
    ) -> Pass | None:
        """Return leave to send, or None: not now.

        ``serves``: the access token can be used meanwhile; without it, what keeps a call from
        being served is raised (TemporarilyUnavailable, ServerMisconfigured).
        """
        now = time.moment()
        if not self._awaited(server, connection, now, serves=serves):
            return None
        state_id = client_state_id(server, connection.kept)
        state = self.server_states.get(state_id)
        if state.refuses_client(now):
            _say_if_needed(serves=serves)
            return None
        if not self._free(connection, time) or self.too_late(invocation):
            return None
        struggled = False
        if ahead:
            admission = self.pace.admit(placed(server, connection.kept), now)
            if admission.again_at is not None:
                self._postpone(connection, admission.again_at)
                return None
            struggled = admission.struggled
        misconfigured = state.misconfigured_at is not None
        if misconfigured and not self.server_states.take_probe(state_id, now):
            _say_if_needed(serves=serves)
            return None
        return Pass(misconfigured, struggled)

    def too_late(self, invocation: Invocation) -> bool:
        """Judge again right before sending: a container can be frozen and thawed in between."""
        return self.clock.monotonic() + ROOM > invocation.deadline

    def _awaited(
        self, server: Server, connection: Connection, now: datetime, *, serves: bool
    ) -> bool:
        """Judge by what became of the last refresh of this connection.

        An ambiguous one is repeated where the server forgives that for a while, else only when
        nothing else is left: it may end the grant.
        """
        if serves:
            return held_back(connection, server, now) is None
        if connection.retry_at and connection.retry_at > now:
            wait = max(1, int((connection.retry_at - now).total_seconds()))
            message = "The service could not renew the access just now."
            raise TemporarilyUnavailable(message, retry_after=wait)
        return True

    def _free(self, connection: Connection, time: TableTime) -> bool:
        """Judge the lease by the table's clock.

        One that ran out unreleased means that a holder died, or that its set lies in the rescue
        queue: wait for that before anybody sends.
        """
        if connection.lease is None:
            return True
        if connection.lease.until > time.now():
            return False
        if connection.recover_at is not None:
            return connection.recover_at <= time.now()
        try:
            self.connections.announce_recovery(connection, time.now() + RECOVERY_SECONDS)
        except Moved:
            return False
        return False

    def _postpone(self, connection: Connection, again_at: datetime) -> None:
        count(AHEAD_REFUSED, error="too_many_requests")
        try:
            self.connections.reschedule(connection, again_at)
        except Moved:
            return


def _say_if_needed(*, serves: bool) -> None:
    """Say that the builder is at fault, where no token serves meanwhile."""
    if not serves:
        message = "The service refuses this app's own credentials; its builder must fix them."
        raise ServerMisconfigured(message)
