"""Run fault runs, print what came of them; exit with 1 if anything broke."""

import argparse
import sys
from pathlib import Path

from tests.faults import lanes, report
from tests.faults.kinds import all_kinds

DOCUMENT = Path(__file__).parents[2] / "docs" / "refresh.md"


def main() -> int:
    """Run what the command line names, or everything."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help="parts of names; without: all")
    parser.add_argument("--short", action="store_true", help="only the part of `make test`")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="put the table into docs/refresh.md")
    asked = parser.parse_args()
    chosen = [
        kind
        for kind in all_kinds()
        if (kind.short or not asked.short)
        and (not asked.kinds or any(part in kind.name for part in asked.kinds))
    ]
    print(f"seed {asked.seed}", flush=True)
    shown: list[report.Shown] = []
    for each in lanes.run(chosen, asked.seed):
        shown.append(each)
        print(each.line(), flush=True)
    if asked.write:
        report.write_table(DOCUMENT, shown)
    ambiguous = sum(each.tally.ambiguous for each in shown)
    print(f"{ambiguous} grants ended by a lost answer at a strict server: each flagged once")
    print(report.last_line(shown))
    return 0 if shown and all(each.held for each in shown) else 1


if __name__ == "__main__":
    sys.exit(main())
