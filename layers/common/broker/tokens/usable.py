"""Decide what a call may use: the token as it is, a refreshed one, or none."""

import random
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from broker.clock import Clock
from broker.errors import RefreshInProgress, ServerMisconfigured, TemporarilyUnavailable
from broker.model import Connection, Failure, Invocation, Reason, Secret, Server, Status
from broker.storage.connections import ConnectionStore, Moved
from broker.storage.server_state import ServerState, ServerStateStore
from broker.storage.table import TableTime
from broker.tokens.refresh import MARGIN, Refresher
from broker.tokens.sealing import TokenSealer
from broker.tokens.timing import RefreshPolicy, idle_moment, still_valid
from broker.tokens.verdicts import FAILURE_TEXT, Verdicts

RECOVERY_SECONDS = 45.0
"""The rescue queue's visibility timeout (30 s), and 15: a rescued set is applied before then."""
LOOK_AGAIN = timedelta(days=1)
"""When the worker looks again at a connection that was made with another configuration."""
_POLL = (0.1, 0.3)


@dataclass(frozen=True, slots=True)
class Usable:
    """An access token in the clear, and the connection it belongs to."""

    access_token: Secret
    connection: Connection


@dataclass(frozen=True, slots=True)
class Unusable:
    """The user is asked to connect (None) or to reconnect."""

    connection: Connection | None


@dataclass(frozen=True, slots=True)
class _Need:
    """What the caller wants to know of the stored token."""

    refused: Connection | None = None
    """The connection whose access token the MCP server answered with 401."""
    ahead: bool = False
    """The worker's look: refresh although the token still serves."""

    def refuses(self, connection: Connection) -> bool:
        """Return whether this very token was refused."""
        return self.refused is not None and (
            (self.refused.grant_id, self.refused.generation)
            == (connection.grant_id, connection.generation)
        )


@dataclass(frozen=True, slots=True)
class Tokens:
    """Access tokens for calls, and the worker's refreshes ahead of time."""

    clock: Clock
    connections: ConnectionStore
    server_states: ServerStateStore
    sealer: TokenSealer
    refresher: Refresher
    verdicts: Verdicts
    policy: RefreshPolicy

    def for_call(
        self,
        server: Server,
        user_id: str,
        invocation: Invocation,
        *,
        refused: Connection | None = None,
    ) -> Usable | Unusable:
        """Return a token for a call now, refreshed first where that is due.

        ``refused`` names the connection whose token just got a 401. Raises RefreshInProgress,
        ServerMisconfigured, TemporarilyUnavailable.
        """
        found = self._settle(server, user_id, invocation, _Need(refused=refused))
        if isinstance(found, Usable):
            self._touch(server, found.connection)
        return found

    def ahead(self, server: Server, user_id: str, invocation: Invocation) -> None:
        """Refresh a connection whose moment has come, or set its next moment."""
        connection, _ = self.connections.get(user_id, server.server_id)
        if connection is None or connection.status is not Status.ACTIVE:
            return
        now = self.clock.now()
        idle = idle_moment(connection.tokens, server)
        ending = self.policy.ahead_of_expiry(connection.tokens, connection.used_at, now)
        due = ending or (idle is not None and idle <= now)
        if connection.config_digest != server.config_digest:
            self._reschedule(connection, now + LOOK_AGAIN)
        elif due:
            self._settle(server, user_id, invocation, _Need(ahead=True))
        else:
            used_at = connection.used_at
            due_at = self.policy.due_at(connection.tokens, server, used_at, now)
            self._reschedule(connection, due_at)

    def _settle(
        self, server: Server, user_id: str, invocation: Invocation, need: _Need
    ) -> Usable | Unusable:
        """Look again until there is an answer or no time left for one."""
        while True:
            connection, time = self.connections.get(user_id, server.server_id)
            found = self._look(server, connection, time, invocation, need)
            if found is not None:
                return found
            if self.clock.monotonic() + 2 * MARGIN > invocation.deadline:
                raise RefreshInProgress("The access is being renewed.", retry_after=2)
            self.clock.sleep(random.uniform(*_POLL))  # noqa: S311 - spreads the losers

    def _look(
        self,
        server: Server,
        connection: Connection | None,
        time: TableTime,
        invocation: Invocation,
        need: _Need,
    ) -> Usable | Unusable | None:
        """Return the answer to one reading; None: read again."""
        if connection is None or connection.status is Status.REMOVING:
            return Unusable(None)
        if connection.status is Status.RECONNECT_REQUIRED:
            return Unusable(connection)
        if connection.config_digest != server.config_digest:
            return Unusable(server_changed(connection))
        now = self.clock.now()
        serves = still_valid(connection.tokens, now) and not need.refuses(connection)
        if serves and not need.ahead and self.policy.fresh(connection.tokens, now):
            return self._open(connection)
        if connection.tokens.refresh is None:
            return self._without_refresh(connection, serves=serves)
        try:
            return self._renew(server, connection, time, invocation, need, serves=serves)
        except TemporarilyUnavailable:
            if serves and not need.ahead:
                return self._open(connection)
            raise

    def _renew(
        self,
        server: Server,
        connection: Connection,
        time: TableTime,
        invocation: Invocation,
        need: _Need,
        *,
        serves: bool,
    ) -> Usable | Unusable | None:
        """Refresh if that may be now and nobody else does; None: read again."""
        state = self.server_states.get(server.server_id)
        if not self._may_send(connection, state, serves=serves) or not self._free(connection, time):
            return self._wait(connection, need, serves=serves)
        if self.refresher.too_late(invocation):
            return self._wait(connection, need, serves=serves)
        refreshed = self.refresher.refresh(server, connection, time, invocation)
        if refreshed is None:
            # The worker tries once per message; a call reads what is recorded now.
            return Unusable(None) if need.ahead else None
        self._accepted(server, state)
        return Usable(refreshed[1], refreshed[0])

    def _wait(
        self, connection: Connection, need: _Need, *, serves: bool
    ) -> Usable | Unusable | None:
        """Use the old token while it serves, else look again; the worker does neither."""
        if need.ahead:
            return Unusable(None)
        return self._open(connection) if serves else None

    def _accepted(self, server: Server, state: ServerState) -> None:
        if state.misconfigured_at:
            with suppress(TemporarilyUnavailable):  # the next success clears it as well
                self.server_states.clear_misconfigured(server.server_id)

    def _open(self, connection: Connection) -> Usable:
        return Usable(self.sealer.open_access(connection), connection)

    def _without_refresh(self, connection: Connection, *, serves: bool) -> Usable | Unusable | None:
        if serves:
            return self._open(connection)
        expired = not still_valid(connection.tokens, self.clock.now())
        reason = Reason.EXPIRED_WITHOUT_REFRESH if expired else Reason.REJECTED_BY_SERVER
        flagged = self.verdicts.give_up(connection, reason)
        return Unusable(flagged) if flagged else None

    def _may_send(self, connection: Connection, state: ServerState, *, serves: bool) -> bool:
        """Judge whether a refresh may be sent at all; raise where a call cannot do without."""
        now = self.clock.now()
        if connection.retry_at and connection.retry_at > now:
            if serves:
                return False
            wait = max(1, int((connection.retry_at - now).total_seconds()))
            message = "The service could not renew the access just now."
            raise TemporarilyUnavailable(message, retry_after=wait)
        if connection.ambiguous and serves:
            return False
        if state.refuses_client(now):
            if serves:
                return False
            message = "The service refuses this app's own credentials; its builder must fix them."
            raise ServerMisconfigured(message)
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

    def _touch(self, server: Server, connection: Connection) -> None:
        now = self.clock.now()
        if not self.policy.worth_touching(connection, now):
            return
        due_at = self.policy.due_at(connection.tokens, server, now, now)
        try:
            self.connections.touch(connection, now, due_at)
        except (Moved, TemporarilyUnavailable):
            return  # only the moment of a refresh ahead of time is at stake

    def _reschedule(self, connection: Connection, due_at: datetime | None) -> None:
        try:
            self.connections.reschedule(connection, due_at)
        except Moved:
            return


def server_changed(connection: Connection) -> Connection:
    """Return how a connection made with another configuration is seen.

    Nothing is written, so that going back to the configuration restores it.
    """
    reason = Reason.SERVER_CHANGED
    failure = Failure(reason.value, FAILURE_TEXT[reason], connection.connected_at)
    return replace(connection, status=Status.RECONNECT_REQUIRED, reason=reason, failure=failure)
