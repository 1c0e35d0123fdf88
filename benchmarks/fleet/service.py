"""One authorization server and the connections to it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from benchmarks.fleet.assumptions import TICK, Group
from benchmarks.fleet.due_index import EXPIRED, NEVER, NONE_LEFT, Cohort, DueIndex
from benchmarks.fleet.outcome import Share
from benchmarks.fleet.rules import Rules
from broker.storage.authorization_servers import FAILURES


@dataclass(slots=True)
class Service:
    """The state of each of a group's servers, all of which fare alike."""

    group: Group
    rules: Rules
    told: Share
    fresh: DueIndex = field(default_factory=DueIndex)
    """Due when the policy says, ahead of their expiry."""
    put_off: DueIndex = field(default_factory=DueIndex)
    """Due later than that: after a failure, or because others went first."""
    late: DueIndex = field(default_factory=DueIndex)
    """Whose token has run out, by the minute in which they were due."""
    away: bool = False
    """It answers nothing."""
    failures: float = 0.0
    """Refreshes in a row that it left unanswered."""
    may_send: float = 0.0
    """Refreshes that its pace allows in this step."""
    sent: float = 0.0
    """Refreshes that were sent in this step."""
    expired: float = 0.0
    """Connections whose token has run out."""

    @property
    def struggles(self) -> bool:
        """Return whether it is known to be away: only probes are sent."""
        return self.failures >= FAILURES

    def settled(self, active: float) -> None:
        """Begin as on any day: due moments spread evenly over a period."""
        steps = round(self.rules.period)
        for due in range(steps):
            self._due(due, active / steps)

    def at_once(self, active: float) -> None:
        """Begin with everything due now."""
        self._due(0, active)

    def _due(self, due: int, number: float) -> None:
        for lead, share in self.rules.leads.items():
            self.fresh.add(due, due + lead, number * share)

    @property
    def _all(self) -> tuple[DueIndex, DueIndex, DueIndex]:
        return self.late, self.put_off, self.fresh

    def overdue(self, now: int) -> float:
        """Return how many are due and not queued."""
        return sum(index.overdue(now) for index in self._all)

    def oldest(self, now: int) -> int:
        """Return for how many steps the oldest has been due."""
        return max(index.oldest(now) for index in self._all)

    def claim(self, now: int, number: float) -> Iterator[Cohort]:
        """Take so many of those that are due, earliest first."""
        moments = {due for index in self._all for due in index.moments(now)}
        for due in sorted(moments):
            for index in self._all:
                if number <= NONE_LEFT:
                    return
                for cohort in index.take(due, number):
                    number -= cohort.number
                    yield cohort

    def put_back(self, due: int, expiry: int, number: float) -> None:
        """Let connections be due at a moment that the policy did not plan."""
        if expiry == EXPIRED:
            self.late.add(due - due % TICK, expiry, number)
        else:
            self.put_off.add(due, expiry, number)

    def near(self, until: int, now: int) -> Iterator[Cohort]:
        """Take all that expire until then, those left out whose token has run out already.

        Of those that the policy planned, only what is due can be among them.
        """
        yield from self.fresh.near(until, due_by=now)
        yield from self.put_off.near(until)

    def refreshed(self, now: int, expiry: int, number: float, *, by_call: bool = False) -> None:
        """Replace token sets; an expired one has been counted already."""
        if expiry == NEVER:
            return
        if expiry == EXPIRED:
            self.expired -= number * self.group.servers
        elif by_call:
            self.told.by_calls += number * self.group.servers
        else:
            self.told.ahead += number * self.group.servers
        for lead, share in self.rules.leads.items():
            due = now + self.rules.lifetime - lead
            self.fresh.add(due, now + self.rules.lifetime, number * share)

    def run_out(self, expiry: int, now: int, number: float) -> int:
        """Return the expiry as it is now; count what has just run out."""
        if expiry == EXPIRED or expiry > now:
            return expiry
        self.expired += number * self.group.servers
        self.told.missed += number * self.group.servers
        return EXPIRED
