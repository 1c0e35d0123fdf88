"""What the simulation takes for granted: each with where it comes from."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from benchmarks.refresh.measured import KEYS, TABLE, Measured
from broker.flows.refresh_scheduler.budget import IN_FLIGHT, clears, room
from broker.tokens.pace import _WHEN_FULL, _WHEN_STRUGGLING

STEP = 10
"""Seconds of virtual time that pass at once."""
TICK = 60 // STEP
DAY = 24 * 3600 // STEP

# Assumed.
LIFETIME = timedelta(hours=1)
"""Of an access token."""
ANSWER_MS = 300.0
"""A token endpoint's answer, its connection and TLS included."""
AWS_MS = {TABLE: 5.0, KEYS: 8.0}
"""An answer of DynamoDB, and of KMS."""
WORKER_VCPU, SCHEDULER_VCPU = 512 / 1769, 1.0
"""Lambda gives a function one at 1,769 MB, and less in proportion."""
IN_USE = 0.1
"""Share of connections that were used within 24 hours."""
KEEP_ALIVES_A_MONTH = 1.2
"""Of an idle connection."""
CALLS_AN_HOUR = 1.0
"""Of a connection in use, from 8 to 18 o'clock; none at night."""
CALLED_FROM, CALLED_UNTIL = 8, 18
SILENCE = 8.0
"""Seconds that a refresh of a server that is away holds its worker: the longest it may wait."""


@dataclass(frozen=True, slots=True)
class Group:
    """Authorization servers that are alike."""

    servers: int
    share: float
    """Of all connections, each."""


GROUPS = (Group(1, 0.20), Group(16, 0.05))
"""The first is the one that goes away: the largest."""


# The product's own, beside what is imported from it.
WHEN_FULL, WHEN_STRUGGLING = _WHEN_FULL, _WHEN_STRUGGLING
"""Seconds after which the worker looks again, evenly spread: over the pace, and while only probes
are sent."""
SCHEDULER_SECONDS = 40.0
"""What the scheduler has of a minute for claims: its timeout less what it keeps back."""


@dataclass(frozen=True, slots=True)
class Stack:
    """What is configured: the template's defaults."""

    workers: int = 5
    """WorkerConcurrency."""
    pace: int = 50
    """RefreshesPerSecond."""
    buffer_seconds: int = 300
    """RefreshBufferSeconds."""
    schedulers: int = 1
    """Runs of the scheduler in a minute, each with its part of the shards: the product has one."""

    def room(self, waiting: float) -> float:
        """Return what may be queued: what the workers clear in two minutes, less what waits."""
        part = self.schedulers
        return part * room(clears(self.workers) // part, int(waiting / part))


@dataclass(frozen=True, slots=True)
class Effort:
    """What a worker and the scheduler can do, from what was measured."""

    refresh_seconds: float
    """Of one worker, with five in flight: its five take five times this."""
    look_seconds: float
    """The same, of a message for which nothing is sent."""
    claims_a_tick: float
    """Of one run of the scheduler."""

    @classmethod
    def of(cls, measured: Measured) -> Self:
        """Reckon: a batch takes its longest wait, or its CPU, whichever is more."""
        trips = measured.round_trips()
        waits = ANSWER_MS + sum(trips[whom] * wait for whom, wait in AWS_MS.items())
        looks = sum(measured.look.values()) * AWS_MS[TABLE]
        scheduling = measured.scheduling
        claiming_ms = 1000 * SCHEDULER_SECONDS * SCHEDULER_VCPU
        return cls(
            _seconds(measured.cpu_ms / WORKER_VCPU, waits),
            _seconds(measured.look_cpu_ms / WORKER_VCPU, looks),
            claiming_ms / scheduling.claim_cpu_ms,
        )


def _seconds(cpu_ms: float, waits_ms: float) -> float:
    return max(IN_FLIGHT * cpu_ms, waits_ms + cpu_ms) / IN_FLIGHT / 1000
