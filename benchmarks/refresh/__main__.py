"""``python -m benchmarks.refresh [--write]``: see the package's docstring."""

import argparse
from collections.abc import Iterator

from benchmarks.documents import write_tables
from benchmarks.refresh.measured import Measured
from benchmarks.refresh.rounds import FULL, measure
from benchmarks.refresh.surroundings import surroundings


def tables(measured: Measured) -> dict[str, str]:
    """Return the document's tables by name."""
    return {
        "measured-rates": "\n".join(measured.rows()),
        "measured-round-trips": "\n".join(measured.round_trip_rows()),
    }


def _rest(measured: Measured) -> Iterator[str]:
    yield f"Medians of {measured.rounds} rounds; AWS by {measured.store}; {measured.cores} cores,"
    yield f"which {measured.load} processes wanted in the end. CPU, in ms:"
    yield f"{measured.cpu_ms:7.1f}  a refresh"
    yield f"{measured.look_cpu_ms:7.1f}  a message for which nothing is sent"
    yield f"{measured.scheduling.claim_cpu_ms:7.1f}  a connection queued by the scheduler"
    yield f"{measured.scheduling.tick_cpu_ms:7.1f}  a tick that finds nothing"


def main() -> None:
    """Measure, print, and keep what was measured if asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.refresh")
    parser.add_argument("--write", action="store_true", help="into measured.json and the document")
    write = parser.parse_args().write
    with surroundings() as around:
        measured = measure(around, FULL)
    print("\n\n".join(tables(measured).values()))
    print("\n".join(["", *_rest(measured)]))
    if write:
        measured.write()
        write_tables(tables(measured))


if __name__ == "__main__":
    main()
