"""Time that passes only when a test, or the code's own waiting, makes it pass."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from broker.clock import Clock

START = datetime(2027, 3, 1, 12, tzinfo=UTC)
_WAITS_AT_MOST = 600


@dataclass(slots=True)
class Time:
    """The one true time: the table's, and what every container's monotonic clock counts."""

    elapsed: float = 0.0
    waits: int = 0
    meanwhile: list[Callable[[], None]] = field(default_factory=list)
    """What happens elsewhere during the next waits, one for each."""

    def now(self) -> datetime:
        return START + timedelta(seconds=self.elapsed)

    def passes(self, seconds: float = 0.0, **more: float) -> None:
        """Let time pass; ``more`` as timedelta takes it."""
        self.elapsed += seconds + timedelta(**more).total_seconds()

    def wait(self, seconds: float) -> None:
        self.waits += 1
        assert self.waits < _WAITS_AT_MOST, "the code waits for ever"
        self.elapsed += seconds
        if self.meanwhile:
            self.meanwhile.pop(0)()


@dataclass(frozen=True, slots=True)
class FakeClock(Clock):
    """A container's clock: monotonic seconds are true, the wall clock may be wrong."""

    time: Time = field(default_factory=Time)
    wrong_by: timedelta = timedelta(0)

    def now(self) -> datetime:
        return self.time.now() + self.wrong_by

    def monotonic(self) -> float:
        return 1000.0 + self.time.elapsed

    def sleep(self, seconds: float) -> None:
        self.time.wait(seconds)
