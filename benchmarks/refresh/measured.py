"""What was measured, as it is kept: ``benchmarks/measured.json``, and the tables made of it."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, Self

FILE = Path(__file__).resolve().parents[1] / "measured.json"
TABLE, KEYS, TOKENS = "table", "key service", "authorization server"
_ASKED = {"Decrypt": KEYS, "token request": TOKENS}
"""All other requests of a refresh are the table's."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One worker at so many refreshes in flight, against a server that takes so long."""

    in_flight: int
    answer_ms: int
    refreshes_per_second: float
    cpu_ms: float
    """Of the worker's own process, a refresh."""
    worker_busy: float
    """Which share of one core the worker's process got: its threads cannot use more than one."""
    store_busy: float | None
    """The same of the AWS services' process; None where nobody says."""

    @classmethod
    def median_of(cls, cells: Iterable["Cell"]) -> Self:
        """Return the median of several rounds, and the least CPU: whatever disturbs only adds."""
        rounds = list(cells)
        busy = [cell.store_busy for cell in rounds if cell.store_busy is not None]
        return cls(
            rounds[0].in_flight,
            rounds[0].answer_ms,
            round(median(cell.refreshes_per_second for cell in rounds), 1),
            round(min(cell.cpu_ms for cell in rounds), 1),
            round(median(cell.worker_busy for cell in rounds), 2),
            round(median(busy), 2) if busy else None,
        )


@dataclass(frozen=True, slots=True)
class Scheduling:
    """What the scheduler needs for what it finds, and for looking when there is nothing."""

    tick_cpu_ms: float
    claim_cpu_ms: float
    claim_round_trips: float


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything that one run of the benchmark tells."""

    store: str
    cores: int
    load: float
    """How many processes wanted a core, on average over the last minute: of all the machine."""
    rounds: int
    cells: tuple[Cell, ...]
    cold: Mapping[str, int]
    """Requests of a container's first refresh, by operation."""
    warm: Mapping[str, int]
    """Of any later one."""
    look_cpu_ms: float
    """Of a message for which nothing is sent, since the pace or a probe leaves no room."""
    look: Mapping[str, int]
    """Its requests."""
    scheduling: Scheduling

    @classmethod
    def read(cls, file: Path = FILE) -> Self:
        """Read what was kept."""
        kept: dict[str, Any] = json.loads(file.read_text("utf-8"))
        kept["cells"] = tuple(Cell(**cell) for cell in kept["cells"])
        kept["scheduling"] = Scheduling(**kept["scheduling"])
        return cls(**kept)

    def write(self, file: Path = FILE) -> None:
        """Keep it."""
        file.write_text(json.dumps(asdict(self), indent=2) + "\n", "utf-8")

    @property
    def cpu_ms(self) -> float:
        """CPU of one refresh: the median over all cells."""
        return round(median(cell.cpu_ms for cell in self.cells), 1)

    def round_trips(self, requests: Mapping[str, int] | None = None) -> dict[str, int]:
        """Count a refresh's requests by whom they go to; a warm container's by default."""
        counted = {TABLE: 0, KEYS: 0, TOKENS: 0}
        for operation, number in (self.warm if requests is None else requests).items():
            counted[_ASKED.get(operation, TABLE)] += number
        return counted

    def rows(self) -> Iterator[str]:
        """Yield the table of rates."""
        yield (
            "| in flight | answers after | refreshes a second | to one in flight |"
            " CPU of a refresh | worker's core | AWS's core |"
        )
        yield "|---:|---:|---:|---:|---:|---:|---:|"
        alone = {c.answer_ms: c.refreshes_per_second for c in self.cells if c.in_flight == 1}
        for cell in sorted(self.cells, key=lambda cell: (cell.answer_ms, cell.in_flight)):
            busy = "–" if cell.store_busy is None else f"{cell.store_busy:.0%}"
            ratio = cell.refreshes_per_second / alone[cell.answer_ms]
            yield (
                f"| {cell.in_flight} | {cell.answer_ms} ms | {cell.refreshes_per_second:.1f} |"
                f" × {ratio:.1f} | {cell.cpu_ms:.1f} ms | {cell.worker_busy:.0%} | {busy} |"
            )

    def round_trip_rows(self) -> Iterator[str]:
        """Yield the table of round trips."""
        yield "| requests of one refresh | first of a container | any later one |"
        yield "|---|---:|---:|"
        cold, warm = self.round_trips(self.cold), self.round_trips()
        for whom in cold:
            named = ", ".join(
                f"{n} `{op}`" for op, n in self.cold.items() if _ASKED.get(op, TABLE) == whom
            )
            yield f"| {whom}: {named} | {cold[whom]} | {warm[whom]} |"
        yield f"| together | {sum(cold.values())} | {sum(warm.values())} |"
