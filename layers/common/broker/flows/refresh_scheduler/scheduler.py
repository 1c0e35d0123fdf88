"""One tick: read what is due, share out the room, claim and queue."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import batched

from broker.clock import Clock
from broker.errors import TemporarilyUnavailable
from broker.metrics import OLDEST_DUE, TICK, TICK_FAILURE
from broker.model import Invocation
from broker.queues import BATCH, Queues
from broker.storage.connection_items import SHARDS
from broker.storage.schedule import Due, Schedule
from broker.telemetry import count, logger, record

from .agenda import Agenda
from .budget import room
from .claiming import Claims
from .fairness import share

AT_ONCE = 8
"""Threads; a client has ten connections."""
_READING = 1 / 3
"""The share of a run's time in which it may read."""


@dataclass(frozen=True, slots=True)
class Tick:
    """What one run did."""

    due: int
    queued: int


@dataclass(frozen=True, slots=True)
class RefreshScheduler:
    """Claims what is due, then queues it; a duplicate, late or killed tick changes nothing."""

    clock: Clock
    schedule: Schedule
    queues: Queues
    workers_clear: int
    """In two minutes: budget.clears."""
    _passed_over: set[Due] = field(default_factory=set)

    def tick(self, invocation: Invocation) -> Tick:
        """Queue what is due, as much as the workers clear; what is left, the next tick finds.

        What fails is counted and left as well. Raise TemporarilyUnavailable where the queue does
        not say how long it is, or no shard could be read.
        """
        waiting = self.queues.waiting()
        agenda = self._agenda(room(self.workers_clear, waiting), invocation)
        claims = Claims(
            self.clock, self.schedule, self.queues, self._passed_over, invocation.deadline
        )
        with ThreadPoolExecutor(AT_ONCE) as pool:
            chosen = share(agenda.read(pool), agenda.room)
            self._say_how_old(agenda)
            queued = sum(pool.map(claims.queue, batched(chosen, BATCH, strict=False)))
        self._report(agenda, waiting, queued, claims.failed)
        if agenda.unread_heads == SHARDS:
            raise TemporarilyUnavailable("The schedule is not available just now.", retry_after=60)
        return Tick(agenda.found, queued)

    def _agenda(self, room: int, invocation: Invocation) -> Agenda:
        now = self.clock.monotonic()
        until = now + (invocation.deadline - now) * _READING
        return Agenda(
            self.schedule,
            self.clock.now(),
            room,
            self._passed_over,
            lambda: self.clock.monotonic() < until,
        )

    def _say_how_old(self, agenda: Agenda) -> None:
        """Say it only where it is known; the alarm takes a long silence for the worst."""
        if not agenda.unread_heads:
            oldest = agenda.oldest
            record(OLDEST_DUE, 0 if oldest is None else agenda.now.timestamp() - oldest)

    def _report(self, agenda: Agenda, waiting: int, queued: int, failed: Counter[str]) -> None:
        failures = {"read": agenda.unread, **failed}
        for step, times in failures.items():
            if times:
                record(TICK_FAILURE, times, step=step)
        told = {"due": agenda.found, "queued": queued, "waiting": waiting, "room": agenda.room}
        logger().info("tick", extra={**told, "failed": failures})
        done = agenda.whole and queued == agenda.found
        count(TICK, outcome="failed" if any(failures.values()) else "done" if done else "full")
