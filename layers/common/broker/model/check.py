"""What is known of a server's configuration without a browser."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class CheckOutcome(StrEnum):
    """How one thing stands."""

    OK = "ok"
    WARNING = "warning"
    """It may work; somebody should look."""
    FAILED = "failed"
    """It cannot work so."""
    UNKNOWN = "unknown"
    """It cannot be known without a user, or was not asked."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing that was looked at."""

    name: str
    outcome: CheckOutcome
    seen: str
    """What was seen, scrubbed."""
    diagnosis: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class CheckReport:
    """All that was looked at, in order, and how many requests left for it."""

    server_id: str
    checks: Sequence[Checked]
    requests: int

    @property
    def warnings(self) -> tuple[str, ...]:
        """Say in a line each what should be looked at."""
        told = {CheckOutcome.WARNING, CheckOutcome.FAILED}
        return tuple(
            f"{one.name}: {one.diagnosis['summary'] if one.diagnosis else one.seen}"
            for one in self.checks
            if one.outcome in told
        )
