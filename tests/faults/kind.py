"""A kind of fault run: what goes wrong, what comes of it, and what was counted."""

from collections.abc import Callable
from dataclasses import dataclass, fields

from tests.faults.stage import Stage


@dataclass(frozen=True, slots=True)
class Tally:
    """What runs added up to; ``a + b`` adds two."""

    runs: int = 0
    refreshes: int = 0
    """Refresh requests that reached an authorization server."""
    double_spends: int = 0
    """Refresh tokens presented twice although no answer was lost."""
    lost: int = 0
    """Grants whose newest refresh token the store does not hold although nothing was lost."""
    stuck: int = 0
    """Connections neither usable nor flagged with a cause that happened, after enough time."""
    ambiguous: int = 0
    """Grants that ended because a strict server's answer was lost: flagged once, left alone."""
    note: str = ""
    """What broke, or what a reader of the table must know."""

    @property
    def held(self) -> bool:
        """Whether nothing that must not happen did, and something was run."""
        return self.runs > 0 and not (self.double_spends or self.lost or self.stuck)

    def __add__(self, other: "Tally") -> "Tally":
        notes = [note for note in (self.note, other.note) if note]
        numbers = {
            each.name: getattr(self, each.name) + getattr(other, each.name)
            for each in fields(self)
            if each.name != "note"
        }
        return Tally(**numbers, note="; ".join(dict.fromkeys(notes)))


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the table: a fault, and what is promised under it."""

    name: str
    """A short noun phrase, unique in the registry."""
    fault: str
    """The sentence of the table that says what goes wrong."""
    outcome: str
    """The sentence that says what comes of it."""
    run: Callable[[Stage], Tally]
    """Runs it and counts; whatever it does not count it raises."""
    short: bool = False
    """Also part of ``make test``."""
