"""The due queue, and the workers that take from it."""

from collections import deque
from dataclasses import dataclass, field

from benchmarks.fleet.assumptions import (
    SILENCE,
    STEP,
    TICK,
    WHEN_FULL,
    WHEN_STRUGGLING,
    Effort,
    Stack,
)
from benchmarks.fleet.due_index import EXPIRED, NEVER, NONE_LEFT
from benchmarks.fleet.outcome import Outcome
from benchmarks.fleet.service import Service
from broker.flows.refresh_scheduler.claiming import CLAIMED_FOR

DONE = -2
"""In place of an expiry: a call has refreshed it meanwhile, and the message finds nothing to do."""
CLAIMED = int(CLAIMED_FOR.total_seconds()) // STEP
"""Steps after which the schedule would queue a message once more that still waits."""
_ROUNDS = 4


@dataclass(slots=True)
class Load:
    """What one tick queued of each of a group's servers: expiry, and how many."""

    service: Service
    waiting: dict[int, float] = field(default_factory=dict)

    @property
    def whole(self) -> float:
        """All messages."""
        return sum(self.waiting.values())

    @property
    def open(self) -> float:
        """Those for which something is to be sent."""
        return self.whole - self.waiting.get(DONE, 0.0)

    def add(self, expiry: int, number: float) -> None:
        """Add messages."""
        self.waiting[expiry] = self.waiting.get(expiry, 0.0) + number


@dataclass(slots=True)
class Batch:
    """What one tick queued; it is taken in any order."""

    queued: int
    loads: list[Load]

    @property
    def whole(self) -> float:
        """All its messages, of all servers."""
        return sum(load.whole * load.service.group.servers for load in self.loads)


@dataclass(slots=True)
class Workers:
    """They take what was queued first, and send what pace and probes allow."""

    stack: Stack
    effort: Effort
    told: Outcome
    queue: deque[Batch] = field(default_factory=deque)

    def waiting(self) -> float:
        """Return the messages that wait."""
        return sum(batch.whole for batch in self.queue)

    def work(self, now: int, services: list[Service]) -> None:
        """Work for one step."""
        if self.queue and now - self.queue[0].queued > CLAIMED:
            raise RuntimeError("Messages that are queued twice are not simulated.")
        whole = self.stack.workers * STEP
        capacity = whole - sum(self._probe(service) for service in services)
        for service in services:
            service.may_send = 0.0 if service.struggles else float(self.stack.pace * STEP)
            service.sent = 0.0
        while self.queue and capacity > NONE_LEFT:
            batch = self.queue[0]
            capacity -= self._take(now, batch, capacity)
            if batch.whole > NONE_LEFT:
                break
            self.queue.popleft()
        self.told.worked(now, whole - capacity)
        for service in services:
            service.failures = service.failures + service.sent if service.away else 0.0

    def _probe(self, service: Service) -> float:
        """Ask a server that struggles once more; return the worker seconds that this takes."""
        if not service.away:
            service.failures = 0.0
        return service.group.servers * SILENCE if service.struggles else 0.0

    def _take(self, now: int, batch: Batch, capacity: float) -> float:
        """Take as much of a batch as there is time for; return the worker seconds it took."""
        loads = [(load, load.whole, load.open) for load in batch.loads]
        taken, cost, passed = 1.0, 0.0, [1.0] * len(loads)
        for _ in range(_ROUNDS):  # how much is taken decides what the pace lets pass
            before = passed
            passed = [_passed(load.service, taken * still) for load, _, still in loads]
            cost = sum(
                self._seconds(load.service, whole, still * share)
                for (load, whole, still), share in zip(loads, passed, strict=True)
            )
            taken = min(1.0, capacity / cost) if cost > NONE_LEFT else 1.0
            if passed == before:
                break
        for (load, whole, still), share in zip(loads, passed, strict=True):
            self._handle(now, load, taken, share)
            self._tell(now, batch, load.service, whole * taken, still * taken * share)
            kept = 1 - taken
            load.waiting = {expiry: number * kept for expiry, number in load.waiting.items()}
        return min(capacity, cost * taken)

    def _seconds(self, service: Service, whole: float, asked: float) -> float:
        """Return the worker seconds of so many messages, some of which ask the server."""
        each = SILENCE if service.away else self.effort.refresh_seconds
        return service.group.servers * (asked * each + (whole - asked) * self.effort.look_seconds)

    def _tell(self, now: int, batch: Batch, service: Service, whole: float, asked: float) -> None:
        service.may_send -= asked
        service.sent += asked
        servers = service.group.servers
        self.told.took(now - batch.queued, whole * servers)
        self.told.refreshes += 0.0 if service.away else asked * servers
        self.told.looks += (whole - asked) * servers
        self.told.moved(now, whole * servers)

    def _handle(self, now: int, load: Load, taken: float, passed: float) -> None:
        service = load.service
        for expiry, number in load.waiting.items():
            if expiry == DONE:
                continue
            asked = number * taken * passed
            if service.away:
                # Nobody knows whether it was refreshed: it waits until the token has run out.
                until = now + 1 if expiry in (EXPIRED, NEVER) else max(now + 1, expiry)
                service.put_back(until, expiry, asked)
            else:
                service.refreshed(now, expiry, asked)
            self._put_off(now, service, expiry, number * taken - asked)

    def _put_off(self, now: int, service: Service, expiry: int, number: float) -> None:
        """Let them be due again at random, which is to say: evenly spread."""
        if number <= NONE_LEFT:
            return
        if service.struggles:
            first, last = (int(seconds) // STEP for seconds in WHEN_STRUGGLING)
            moments = range(first, last + 1, TICK)
        else:
            first, last = (int(seconds) // STEP for seconds in WHEN_FULL)
            moments = range(first, last + 1)
        for moment in moments:
            service.put_back(now + moment, expiry, number / len(moments))


def _passed(service: Service, wanted: float) -> float:
    """Return the share of these for which a refresh may be sent now."""
    return min(1.0, service.may_send / wanted) if wanted > NONE_LEFT else 0.0
