"""Connections, and the conditional writes on which the refresh protocol stands.

Every write to an existing connection stands under ``grant_id`` *and* ``generation``, the lease
and the flag included: a late answer for a disconnected grant cannot touch the next one, and
nothing is ever changed or deleted by key alone.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from boto3.dynamodb.conditions import Attr, ConditionBase, Key

from broker.model import Connection, Failure, Lease, Reason, Sealed, SealedTokens, Status
from broker.storage import connection_items as items
from broker.storage import sealed, transitions
from broker.storage.table import ConditionFailed, Item, Table, TableTime, seconds


class Moved(Exception):
    """The write was refused: this grant and generation no longer stand there as read."""

    def __init__(self, stands: Connection | None) -> None:
        super().__init__()
        self.stands = stands


@dataclass(frozen=True, slots=True)
class ConnectionStore:
    """Connections by user and server. Every method may raise TemporarilyUnavailable."""

    table: Table

    def get(self, user_id: str, server_id: str) -> tuple[Connection | None, TableTime]:
        """Read one consistently, with the table's time."""
        item, time = self.table.get(items.key_of(user_id, server_id))
        return (items.from_item(item) if item else None), time

    def of_user(self, user_id: str) -> list[Connection]:
        """Read all of a user's connections, consistently."""
        found: list[Item] = []
        start: Item | None = None
        while True:
            page, start = self.table.query(Key("user_id").eq(user_id), start=start)
            found += page
            if start is None:
                return [items.from_item(item) for item in found]

    def users_of(
        self, server_id: str, start: str | None, limit: int
    ) -> tuple[list[str], str | None]:
        """Return a page of the users connected to a server, and the user to go on after."""
        after = {"server_id": server_id, "user_id": start} if start else None
        page, last = self.table.query(
            Key("server_id").eq(server_id),
            index="by_server",
            limit=limit,
            start=after,
            keys_only=True,
        )
        return [item["user_id"] for item in page], (last["user_id"] if last else None)

    def establish(self, connection: Connection, before: Connection | None) -> None:
        """Write a new grant whole in place of the one ``before``, whatever that is doing.

        Raises Moved where another stands there, or none does any more. One that stands there
        already, because the write was repeated, is recognised as ours.
        """
        grant = Attr("grant_id")
        condition = grant.eq(before.grant_id) if before else grant.not_exists()
        try:
            self.table.put(items.to_item(connection), condition)
        except ConditionFailed as failed:
            if (failed.item or {}).get("grant_id") != connection.grant_id:
                raise _moved(failed) from None
        transitions.established(before)

    def lease(self, seen: Connection, lease: Lease, time: TableTime) -> Connection:
        """Take the lease where it is free or run out and recovered; raise Moved.

        The condition failing on a row that holds our own lease means that the SDK repeated a
        write that had succeeded: we hold it.
        """
        table_now = math.floor(time.now())
        free = Attr("lease_id").not_exists() | Attr("recover_at").lte(table_now)
        condition = (
            _as_seen(seen)
            & Attr("status").eq(Status.ACTIVE.value)
            & Attr("config_digest").eq(seen.config_digest)
            & (Attr("retry_at").not_exists() | Attr("retry_at").lte(table_now))
            & free
        )
        inherited = seen.lease is not None
        assign = {
            "lease_id": lease.lease_id,
            "lease_until": math.ceil(lease.until),
            "recover_at": None,
            # A holder died, and may have sent: nobody knows whether the token is spent.
            "ambiguous": True if seen.ambiguous or inherited else None,
            "ambiguous_at": None if inherited else seconds(seen.ambiguous_at),
        }
        try:
            return self._write(seen, condition, assign)
        except Moved as moved:
            stands = moved.stands
            if stands and stands.lease and stands.lease.lease_id == lease.lease_id:
                return stands
            raise

    def announce_recovery(self, seen: Connection, recover_at: float) -> None:
        """Say that a lease ran out unreleased: nobody sends before ``recover_at``; or Moved.

        One that is refreshed ahead of time is due again as soon as somebody may send.
        """
        condition = (
            _as_seen(seen)
            & Attr("lease_id").eq(seen.lease.lease_id if seen.lease else "")
            & Attr("recover_at").not_exists()
        )
        assign: dict[str, Any] = {"recover_at": math.ceil(recover_at)}
        if seen.due_at is not None:
            assign["due_at"] = assign["recover_at"]
        self._write(seen, condition, assign)

    def advance(
        self,
        seen: Connection,
        tokens: SealedTokens,
        due_at: datetime | None,
        *,
        troubled: Connection | None = None,
    ) -> Connection:
        """Store the next generation; not under the lease, which may have run out; or Moved.

        A set that stands there already, because the write was repeated, is recognised as ours.
        A connection being removed takes it too, so that its newest token is the one revoked.
        ``troubled`` says with what backoff and doubts the generation begins; else with none.
        """
        assign = {
            **items.token_attributes(tokens),
            "generation": seen.generation + 1,
            **items.CLEARED,
            **(items.troubles(troubled) if troubled else {}),
        }
        active = {
            "status": Status.ACTIVE.value,
            **items.due_attributes(seen.user_id, seen.server_id, due_at),
        }
        kept = Attr("status").ne(Status.REMOVING.value)
        try:
            stored = self._write(seen, _as_seen(seen) & kept, {**assign, **active})
        except Moved as moved:
            if moved.stands and moved.stands.status is Status.REMOVING:
                return self._write(seen, _as_seen(seen), assign)
            if moved.stands is None or not _is_next(seen, moved.stands, tokens):
                raise
            stored = moved.stands
        transitions.advanced(seen)
        return stored

    def release(self, held: Connection, lease: Lease, due_at: datetime | None) -> None:
        """Give the lease back with what a failure that may pass left in ``held``; raise Moved."""
        condition = _as_seen(held) & Attr("lease_id").eq(lease.lease_id)
        assign = {
            "lease_id": None,
            "lease_until": None,
            "recover_at": None,
            **items.troubles(held),
        }
        due = items.due_attributes(held.user_id, held.server_id, due_at)
        active = Attr("status").eq(Status.ACTIVE.value)
        try:
            self._write(held, condition & active, {**assign, **due})
        except Moved as moved:
            if moved.stands is None or moved.stands.status is Status.ACTIVE:
                raise
            self._write(held, condition, assign)  # a removal keeps its own moment

    def flag(self, seen: Connection, reason: Reason, failure: Failure) -> Connection:
        """Say that the user must reconnect; raise Moved.

        A flag that stands there already, because the write was repeated, is recognised as ours.
        """
        assign = {
            "status": Status.RECONNECT_REQUIRED.value,
            "reason": reason.value,
            "failure": items.failure_item(failure),
            **{name: None for name in items.CLEARED if name not in {"reason", "failure"}},
            **items.due_attributes(seen.user_id, seen.server_id, None),
        }
        condition = _as_seen(seen) & Attr("status").eq(Status.ACTIVE.value)
        try:
            flagged = self._write(seen, condition, assign)
        except Moved as moved:
            if moved.stands is None or not _is_flagged(seen, moved.stands, failure):
                raise
            flagged = moved.stands
        transitions.flagged(seen, reason)
        return flagged

    def touch(self, seen: Connection, used_at: datetime, due_at: datetime | None) -> None:
        """Remember that the connection is in use, so that it is refreshed ahead; or Moved."""
        condition = _as_seen(seen) & Attr("status").eq(Status.ACTIVE.value)
        due = items.due_attributes(seen.user_id, seen.server_id, due_at)
        self._write(seen, condition, {"used_at": seconds(used_at), **due})

    def reschedule(self, seen: Connection, due_at: datetime | None) -> None:
        """Set the moment at which the worker looks again; raise Moved."""
        due = items.due_attributes(seen.user_id, seen.server_id, due_at)
        self._write(seen, _as_seen(seen) & Attr("status").eq(seen.status.value), due)

    def date(self, seen: Connection, expires_at: datetime, due_at: datetime | None) -> Connection:
        """Say when the access token ends, as was found out since it was stored; raise Moved."""
        condition = _as_seen(seen) & Attr("status").eq(Status.ACTIVE.value)
        due = items.due_attributes(seen.user_id, seen.server_id, due_at)
        return self._write(seen, condition, {"expires_at": seconds(expires_at), **due})

    def remember_session(self, seen: Connection, session: Sealed | None) -> None:
        """Keep the sealed MCP session for the next call; raise Moved."""
        self._write(seen, _as_seen(seen), {"mcp_session": sealed.to_item(session)})

    def remember_challenge(self, seen: Connection, scopes: tuple[str, ...]) -> None:
        """Keep what the MCP server wants besides, until the next consent; raise Moved."""
        self._write(seen, _as_seen(seen), {"challenged_scopes": list(scopes)})

    def begin_removal(self, seen: Connection, now: datetime, due_at: datetime | None) -> Connection:
        """Let nobody start a refresh or a call any more; raise Moved."""
        assign = {
            "status": Status.REMOVING.value,
            "removing_since": seconds(seen.removing_since or now),
            **items.due_attributes(seen.user_id, seen.server_id, due_at),
        }
        removing = self._write(seen, _as_seen(seen), assign)
        transitions.removing(seen)
        return removing

    def remove(self, seen: Connection) -> None:
        """Delete the grant that was read; raise Moved where another stands."""
        key = items.key_of(seen.user_id, seen.server_id)
        try:
            self.table.delete(key, _as_seen(seen))
        except ConditionFailed as failed:
            if failed.item:
                raise Moved(items.from_item(failed.item)) from None
        transitions.removed(seen)

    def _write(
        self, seen: Connection, condition: ConditionBase, assign: Mapping[str, Any]
    ) -> Connection:
        key = items.key_of(seen.user_id, seen.server_id)
        try:
            return items.from_item(self.table.update(key, condition=condition, assign=assign))
        except ConditionFailed as failed:
            raise _moved(failed) from None


def _moved(failed: ConditionFailed) -> Moved:
    return Moved(items.from_item(failed.item) if failed.item else None)


def _as_seen(seen: Connection) -> ConditionBase:
    return Attr("grant_id").eq(seen.grant_id) & Attr("generation").eq(seen.generation)


def _is_next(seen: Connection, stands: Connection, tokens: SealedTokens) -> bool:
    return (
        stands.grant_id == seen.grant_id
        and stands.generation == seen.generation + 1
        and stands.tokens.access == tokens.access
    )


def _is_flagged(seen: Connection, stands: Connection, failure: Failure) -> bool:
    same = (stands.grant_id, stands.generation) == (seen.grant_id, seen.generation)
    return same and stands.failure == replace(failure, at=failure.at.replace(microsecond=0))
