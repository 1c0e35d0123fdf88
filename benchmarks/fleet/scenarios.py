"""Which fleets, and which days."""

from dataclasses import dataclass

from benchmarks.fleet.assumptions import DAY, IN_USE, STEP

_HOUR = 3600 // STEP


@dataclass(frozen=True, slots=True)
class Scenario:
    """What happens on the day."""

    name: str
    everything_due: bool = False
    away: range = range(0)
    """Steps in which the first server answers nothing."""


NORMAL = Scenario("normal day")
OUTAGE = Scenario("6 h outage", away=range(6 * _HOUR, 12 * _HOUR))
COLD_START = Scenario("all due at once", everything_due=True)
SCENARIOS = (NORMAL, OUTAGE, COLD_START)
STEPS = DAY


@dataclass(frozen=True, slots=True)
class Fleet:
    """How many connections, and which of them are kept fresh."""

    connections: int
    refresh_all: bool = False

    @property
    def active(self) -> float:
        """Connections that are refreshed ahead of each expiry."""
        return self.connections * (1.0 if self.refresh_all else IN_USE)

    @property
    def idle(self) -> float:
        """Connections that are only kept alive."""
        return self.connections - self.active

    @property
    def called(self) -> float:
        """Share of the active ones that users call."""
        return self.connections * IN_USE / self.active


SIZES = (10**4, 10**6, 10**8)
