"""What a metric is: a name, a unit, closed dimensions, a meaning."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

SERVICE = ("service", "broker")
"""The dimension that every metric has, and its value."""
OTHER = "other"


class Unit(StrEnum):
    """Units, as CloudWatch names them."""

    COUNT = "Count"
    SECONDS = "Seconds"
    MILLISECONDS = "Milliseconds"


@dataclass(frozen=True, slots=True)
class Dimension:
    """One dimension and every value that it takes besides ``other``."""

    name: str
    values: frozenset[str]

    def known(self, value: str | None) -> str:
        """Return the value if it is one of ours."""
        return value if value in self.values else OTHER


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric."""

    name: str
    unit: Unit
    meaning: str
    dimensions: tuple[Dimension, ...] = ()

    def labels(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return a value of the closed set for each dimension."""
        return {d.name: d.known(given.get(d.name)) for d in self.dimensions}

    @property
    def dimension_sets(self) -> tuple[tuple[str, ...], ...]:
        """Return the sets of names under which it is emitted."""
        whole = (SERVICE[0],)
        return (
            (whole, (*whole, *(d.name for d in self.dimensions))) if self.dimensions else (whole,)
        )
