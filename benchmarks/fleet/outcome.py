"""What a simulated day came to."""

from dataclasses import dataclass, field

from benchmarks.fleet.assumptions import STEP, TICK
from broker.storage.connection_items import SHARDS

INDEX_WRITES = 2
"""Of a changed due moment: the old entry goes, the new one comes."""


@dataclass(slots=True)
class Share:
    """Token sets that ended: replaced in time, by whom, or not."""

    ahead: float = 0.0
    by_calls: float = 0.0
    missed: float = 0.0

    @property
    def in_time(self) -> float:
        """Share that was replaced before it ran out; 1 if none was to be."""
        whole = self.ahead + self.by_calls + self.missed
        return (self.ahead + self.by_calls) / whole if whole else 1.0


@dataclass(slots=True)
class Outcome:
    """Everything that is told of one run."""

    failing: Share = field(default_factory=Share)
    """The server that goes away in an outage."""
    others: Share = field(default_factory=Share)
    refreshes: float = 0.0
    looks: float = 0.0
    most_due: float = 0.0
    """Due after a tick, and not queued by it."""
    longest_due: int = 0
    """Steps."""
    ages: dict[int, float] = field(default_factory=dict)
    """Messages by the steps for which they waited in the queue."""
    busy: dict[int, float] = field(default_factory=dict)
    """Worker seconds by minute."""
    due_writes: dict[int, float] = field(default_factory=dict)
    """Changed due moments by minute."""
    expired_steps: float = 0.0
    """Connections times the steps for which they had no token that serves."""
    recovered: int | None = None
    """Step at which nothing was expired any more, the last time; None: nothing ever was."""

    def took(self, steps: int, messages: float) -> None:
        """Note that messages were taken after so long in the queue."""
        self.ages[steps] = self.ages.get(steps, 0.0) + messages

    def worked(self, now: int, seconds: float) -> None:
        """Note the time of workers."""
        self.busy[now // TICK] = self.busy.get(now // TICK, 0.0) + seconds

    def moved(self, now: int, moments: float) -> None:
        """Note changed due moments."""
        self.due_writes[now // TICK] = self.due_writes.get(now // TICK, 0.0) + moments

    @property
    def in_time(self) -> float:
        """Share of all token sets that were replaced before they ran out."""
        both = Share(
            self.failing.ahead + self.others.ahead,
            self.failing.by_calls + self.others.by_calls,
            self.failing.missed + self.others.missed,
        )
        return both.in_time

    def age(self, share: float) -> int:
        """Return the seconds within which this share of messages was taken."""
        left = share * sum(self.ages.values())
        for steps in sorted(self.ages):
            left -= self.ages[steps]
            if left <= 0:
                return (steps + 1) * STEP
        return (max(self.ages, default=0) + 1) * STEP

    @property
    def writes_per_shard(self) -> float:
        """Writes a second of one shard of the due index, in the minute with the most."""
        return max(self.due_writes.values(), default=0.0) * INDEX_WRITES / 60 / SHARDS

    @property
    def workers_busy(self) -> float:
        """Workers that were busy in the busiest minute."""
        return max(self.busy.values(), default=0.0) / 60
