"""The product with one of its precautions left out: the search must find what then goes wrong."""

import math
from dataclasses import fields, replace
from datetime import datetime
from functools import cached_property
from typing import Any, override

from boto3.dynamodb.conditions import Attr, ConditionBase

from broker.flows.refresh_worker import RefreshWorker
from broker.model import Connection, Lease, RevocationScope, SealedTokens, Server, Status
from broker.queues import RescueMessage
from broker.storage import connections
from broker.storage.connection_items import (
    CLEARED,
    due_attributes,
    from_item,
    key_of,
    token_attributes,
)
from broker.storage.connections import ConnectionStore
from broker.storage.table import TableTime
from broker.tokens import Refresher, Rescuer
from broker.tokens.refresh import Successor
from tests.model.parts import ModelParts


def recast[Made](made: object, kind: type[Made]) -> Made:
    """Return what was made, as a kind of its own class that behaves otherwise."""
    parts = {field.name: getattr(made, field.name) for field in fields(made)}  # type: ignore[arg-type] # a dataclass
    return kind(**parts)


class _Store(ConnectionStore):
    """Writes a token set under a condition of its own."""

    def condition(self, seen: Connection) -> ConditionBase | None:
        return connections._as_seen(seen)

    @override
    def advance(
        self,
        seen: Connection,
        tokens: SealedTokens,
        due_at: datetime | None,
        *,
        troubled: Connection | None = None,
    ) -> Connection:
        assign = {
            **token_attributes(tokens),
            "generation": seen.generation + 1,
            **CLEARED,
            "status": Status.ACTIVE.value,
            **due_attributes(seen.user_id, seen.server_id, due_at),
        }
        condition = self.condition(seen)
        if condition is not None:
            return self._write(seen, condition, assign)
        key = key_of(seen.user_id, seen.server_id)
        return from_item(self.table.update(key, condition=None, assign=assign))


class _WithoutGrant(_Store):
    @override
    def condition(self, seen: Connection) -> ConditionBase:
        return Attr("generation").eq(seen.generation)


class _Blind(_Store):
    @override
    def condition(self, seen: Connection) -> None:
        return None


class _DeletesByKey(ConnectionStore):
    @override
    def remove(self, seen: Connection) -> None:
        self.table.delete(key_of(seen.user_id, seen.server_id))


class _ShortLease(Refresher):
    """A lease shorter than its holder lives, taken as soon as it has run out."""

    @override
    def _lease(self, time: TableTime, invocation: Any) -> Lease:
        lease = super()._lease(time, invocation)
        return replace(lease, until=time.now() + 5)


class _TakesWhatRanOut(_Store):
    """Nobody announces a recovery: a lease is taken as soon as it has run out."""

    @override
    def announce_recovery(self, seen: Connection, recover_at: float) -> None:
        return

    @override
    def get(self, user_id: str, server_id: str) -> tuple[Connection | None, TableTime]:
        found, time = super().get(user_id, server_id)
        if found and found.lease and found.lease.until <= time.now():
            found = replace(found, recover_at=found.lease.until)
        return found, time

    @override
    def lease(self, seen: Connection, lease: Lease, time: TableTime) -> Connection:
        free = Attr("lease_id").not_exists() | Attr("lease_until").lte(math.floor(time.now()))
        ours = {"lease_id": lease.lease_id, "lease_until": math.ceil(lease.until)}
        condition = connections._as_seen(seen) & Attr("status").eq(Status.ACTIVE.value) & free
        return self._write(seen, condition, {**ours, "ambiguous": True if seen.lease else None})


class _FencedByLease(_TakesWhatRanOut):
    @override
    def condition(self, seen: Connection) -> ConditionBase:
        return Attr("lease_id").eq(seen.lease.lease_id if seen.lease else "")


class _Unleased(ConnectionStore):
    @override
    def get(self, user_id: str, server_id: str) -> tuple[Connection | None, TableTime]:
        found, time = super().get(user_id, server_id)
        return (replace(found, lease=None) if found else None), time

    @override
    def lease(self, seen: Connection, lease: Lease, time: TableTime) -> Connection:
        ours = {"lease_id": lease.lease_id, "lease_until": math.ceil(lease.until)}
        return self._write(seen, connections._as_seen(seen), ours)


class _RevokesAfterReconnect(Refresher):
    @override
    def _orphaned(
        self,
        turn: Any,
        stands: Connection | None,
        successor: Successor,
    ) -> None:
        alone = replace(turn.server, revocation_scope=RevocationScope.TOKEN)
        super()._orphaned(replace(turn, server=alone), stands, successor)


class _RescuerRevokes(Rescuer):
    @override
    def apply(self, message: RescueMessage, server: Server | None) -> bool:
        alone = server and replace(server, revocation_scope=RevocationScope.TOKEN)
        return super().apply(message, alone)


class WithoutGrant(ModelParts):
    """The new set is written under the generation alone, which every grant counts from one."""

    @cached_property
    def connections(self) -> ConnectionStore:
        return recast(super().connections, _WithoutGrant)


class BlindWrite(ModelParts):
    """The new set is written whatever stands there."""

    @cached_property
    def connections(self) -> ConnectionStore:
        return recast(super().connections, _Blind)


class DeletesByKey(ModelParts):
    """A removal deletes whatever stands there at its end."""

    @cached_property
    def connections(self) -> ConnectionStore:
        return recast(super().connections, _DeletesByKey)


class WithoutRecovery(ModelParts):
    """A lease that ran out is taken at once, though its set may lie in the rescue queue."""

    @cached_property
    def connections(self) -> ConnectionStore:
        return recast(super().connections, _TakesWhatRanOut)


class ShortLease(WithoutRecovery):
    """A lease runs out before its holder does, and is taken then."""

    @cached_property
    def refresher(self) -> Refresher:
        return recast(super().refresher, _ShortLease)


class FencedByLease(ShortLease):
    """The new set is written under a lease that may have run out, not under the generation."""

    @cached_property
    def connections(self) -> ConnectionStore:
        return recast(super().connections, _FencedByLease)


class RevokesAfterReconnect(ModelParts):
    """A set that found its grant replaced is revoked, though that may end the new grant."""

    @cached_property
    def refresher(self) -> Refresher:
        return recast(super().refresher, _RevokesAfterReconnect)


class RescueRevokesAfterReconnect(ModelParts):
    """The same of a set that comes from the rescue queue."""

    @cached_property
    def worker(self) -> RefreshWorker:
        worker = super().worker
        return replace(worker, rescuer=recast(worker.rescuer, _RescuerRevokes))


class Unleased(ModelParts):
    """Everybody takes the lease, whoever holds it."""

    @cached_property
    def connections(self) -> ConnectionStore:
        return recast(super().connections, _Unleased)
