"""The due connections of one authorization server, as cohorts: due moment, expiry, how many."""

from collections.abc import Iterator
from dataclasses import dataclass, field

NEVER = 1 << 40
"""Expiry of a connection that is kept alive only."""
EXPIRED = -1
"""Expiry of one whose token has run out, and was counted."""
NONE_LEFT = 1e-9


@dataclass(frozen=True, slots=True)
class Cohort:
    """Connections that are alike; times in steps."""

    due: int
    expiry: int
    number: float


@dataclass(slots=True)
class DueIndex:
    """Cohorts by due moment."""

    _by_due: dict[int, dict[int, float]] = field(default_factory=dict)
    _sums: dict[int, float] = field(default_factory=dict)
    """How many there are for each moment."""
    _left: float = 1.0
    """What all numbers are to be multiplied with: thinning changes this, and none of them."""

    def add(self, due: int, expiry: int, number: float) -> None:
        """Add connections."""
        number /= self._left
        if number > NONE_LEFT:
            found = self._by_due.setdefault(due, {})
            found[expiry] = found.get(expiry, 0.0) + number
            self._sums[due] = self._sums.get(due, 0.0) + number

    def overdue(self, now: int) -> float:
        """Return how many are due."""
        return self._left * sum([number for due, number in self._sums.items() if due <= now])

    def oldest(self, now: int) -> int:
        """Return for how long the oldest has been due; 0 if none is."""
        return max(0, now - min(self._by_due, default=now))

    def moments(self, now: int) -> list[int]:
        """Return the moments that have come."""
        return [due for due in self._by_due if due <= now]

    def take(self, due: int, number: float) -> Iterator[Cohort]:
        """Take so many of those that are due at a moment, or all that there are."""
        if due not in self._by_due:
            return
        share = number / (self._left * self._sums[due])
        if share >= 1 - NONE_LEFT:
            del self._sums[due]
            for expiry, there in self._by_due.pop(due).items():
                yield Cohort(due, expiry, self._left * there)
            return
        found = self._by_due[due]
        self._sums[due] *= 1 - share
        for expiry, there in list(found.items()):
            found[expiry] = there * (1 - share)
            yield Cohort(due, expiry, self._left * there * share)

    def near(self, until: int, *, due_by: int | None = None) -> Iterator[Cohort]:
        """Take all that expire until then, or have; only those due by a moment, if it is given."""
        for due in list(self._by_due) if due_by is None else self.moments(due_by):
            found = self._by_due[due]
            for expiry in [expiry for expiry in found if expiry <= until]:
                number = found.pop(expiry)
                self._sums[due] -= number
                yield Cohort(due, expiry, self._left * number)
            if not found:
                del self._by_due[due], self._sums[due]

    def thin(self, share: float) -> float:
        """Take this share of everything; return how many that are."""
        if not share:
            return 0.0
        taken = self._left * sum(self._sums.values()) * share
        self._left *= 1 - share
        return taken
