"""Decide what a call may use: the token as it is, a refreshed one, or none."""

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from broker.clock import Clock
from broker.errors import RefreshInProgress, SealBroken, TemporarilyUnavailable
from broker.model import Connection, Failure, Invocation, Reason, Secret, Server, Status
from broker.storage.connections import ConnectionStore, Moved
from broker.storage.table import TableTime
from broker.tokens.gate import Gate
from broker.tokens.refresh import MARGIN, Refresher
from broker.tokens.sealing import TokenSealer
from broker.tokens.timing import (
    RefreshPolicy,
    grace_left,
    held_back,
    idle_moment,
    just_obtained,
    still_valid,
)
from broker.tokens.verdicts import FAILURE_TEXT, Verdicts

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
    due: Connection | None = None
    """The connection that the worker refreshes although its token still serves."""

    @property
    def ahead(self) -> bool:
        """Return whether this is the worker's look: nobody waits for a token."""
        return self.due is not None

    def refuses(self, connection: Connection) -> bool:
        """Return whether this very access token was refused."""
        return self.refused is not None and (
            _same_tokens(self.refused, connection) or _same_access(self.refused, connection)
        )

    def is_met(self, connection: Connection) -> bool:
        """Return whether somebody else has done the worker's part."""
        return self.due is not None and not _same_tokens(self.due, connection)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Access tokens for calls, and the worker's refreshes ahead of time."""

    clock: Clock
    connections: ConnectionStore
    sealer: TokenSealer
    gate: Gate
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
        return self._settle(server, user_id, invocation, _Need(refused=refused))

    def ahead(self, server: Server, user_id: str, invocation: Invocation) -> None:
        """Refresh a connection whose moment has come, or set its next moment."""
        connection, time = self.connections.get(user_id, server.server_id)
        if connection is None or connection.status is Status.REMOVING:
            return
        if connection.status is not Status.ACTIVE:
            self._reschedule(connection, None)
            return
        now = time.moment()
        idle = idle_moment(connection.tokens, server)
        ending = self.policy.ahead_of_expiry(connection.tokens, connection.used_at, now)
        due = ending or (idle is not None and idle <= now)
        if connection.config_digest != server.config_digest:
            self._reschedule(connection, now + LOOK_AGAIN)
        elif due and (waits := held_back(connection, server, now)):
            self._reschedule(connection, waits.until)
        elif due:
            self._settle(server, user_id, invocation, _Need(due=connection))
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
            if isinstance(found, Usable) and not need.ahead:
                self._touch(server, found.connection, time.moment())
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
        if need.is_met(connection):
            return Unusable(None)
        now = time.moment()
        serves = still_valid(connection.tokens, now) and not need.refuses(connection)
        fresh = serves and self.policy.fresh(connection.tokens, now)
        new = not need.refuses(connection) and just_obtained(connection.tokens, now)
        if not need.ahead and (fresh or new):
            return self._open(connection)
        if connection.tokens.refresh is None:
            return self._without_refresh(connection, now, serves=serves)
        try:
            return self._renew(server, connection, time, invocation, need, serves=serves)
        except (TemporarilyUnavailable, SealBroken):
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
        leave = self.gate.judge(
            server, connection, time, invocation, serves=serves, ahead=need.ahead
        )
        if leave is None:
            forgiven = grace_left(connection, server, time.moment()) is not None
            again = forgiven and not self.gate.too_late(invocation)
            return self._wait(connection, need, serves=serves, again=again)
        refreshed = self.refresher.refresh(server, connection, time, invocation, serves=serves)
        if refreshed is None:
            # A call reads what is recorded now. The worker tries once per message, unless the
            # service forgives a second try for a while only.
            return Unusable(None) if need.ahead and not server.reuse_grace_seconds else None
        self.verdicts.accepted(server, connection, leave)
        return Usable(refreshed[1], refreshed[0])

    def _wait(
        self, connection: Connection, need: _Need, *, serves: bool, again: bool
    ) -> Usable | Unusable | None:
        """Use the old token while it serves, else look again; the worker only if told to."""
        if need.ahead:
            return None if again else Unusable(None)
        return self._open(connection) if serves else None

    def _open(self, connection: Connection) -> Usable:
        return Usable(self.sealer.open_access(connection), connection)

    def _without_refresh(
        self, connection: Connection, now: datetime, *, serves: bool
    ) -> Usable | Unusable | None:
        if serves:
            return self._open(connection)
        expired = not still_valid(connection.tokens, now)
        reason = Reason.EXPIRED_WITHOUT_REFRESH if expired else Reason.REJECTED_BY_SERVER
        flagged = self.verdicts.give_up(connection, reason)
        return Unusable(flagged) if flagged else None

    def _touch(self, server: Server, connection: Connection, now: datetime) -> None:
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


def _same_tokens(one: Connection, other: Connection) -> bool:
    """Return whether these are readings of one token set."""
    return (one.grant_id, one.generation) == (other.grant_id, other.generation)


def _same_access(one: Connection, other: Connection) -> bool:
    """Return whether the other follows by half an answer, which left the access token in use."""
    of_one = (one.grant_id, one.tokens.obtained_at)
    return other.failure is not None and of_one == (other.grant_id, other.tokens.obtained_at)


def server_changed(connection: Connection) -> Connection:
    """Return how a connection made with another configuration is seen.

    Nothing is written, so that going back to the configuration restores it.
    """
    reason = Reason.SERVER_CHANGED
    failure = Failure(reason.value, FAILURE_TEXT[reason], connection.connected_at)
    return replace(connection, status=Status.RECONNECT_REQUIRED, reason=reason, failure=failure)
