"""``python -m benchmarks.fleet [--write]``: see the package's docstring."""

import argparse
from collections.abc import Iterator

from benchmarks.documents import write_tables
from benchmarks.fleet.arithmetic import arithmetic_rows
from benchmarks.fleet.scenarios import SIZES
from benchmarks.fleet.tables import (
    demand_rows,
    fleet_rows,
    fleets,
    month_rows,
    need_rows,
    runs,
)
from benchmarks.refresh.measured import Measured


def tables(measured: Measured) -> Iterator[tuple[str, str]]:
    """Yield the document's tables, by name."""
    yield "arithmetic", "\n".join(arithmetic_rows(measured))
    yield "demand", "\n".join(demand_rows(measured))
    missed = []
    for size in SIZES:
        done = runs(size, measured)
        missed += [one for one in done if not one.holds]
        yield f"fleet-{size}", "\n".join(fleet_rows(done, measured))
    yield "needs", "\n".join(need_rows(missed, measured))
    for fleet in fleets(SIZES[0]):
        name = "all" if fleet.refresh_all else "in-use"
        yield f"month-{name}", "\n".join(month_rows(fleet, measured))


def main() -> None:
    """Simulate from what is kept in measured.json, print, and write if asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet")
    parser.add_argument("--write", action="store_true", help="into the document")
    write = parser.parse_args().write
    made = {}
    for name, table in tables(Measured.read()):
        print(f"{table}\n")
        made[name] = table
    if write:
        write_tables(made)


if __name__ == "__main__":
    main()
