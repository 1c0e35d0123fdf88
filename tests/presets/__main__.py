"""``python -m tests.presets``: every preset's journey, every mistake's diagnosis.

The last line says how many held; the table of confusions stands before it.
"""

import argparse
import sys
from collections.abc import Sequence

from local.stack import LocalStack
from tests.e2e.mistakes import Observed, confused, table

from .confusions import benches, observed
from .facts import all_facts
from .run import Outcome, walked, walks

_CONTAINERS = 20


def main() -> int:
    """Run; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.presets")
    parser.add_argument("presets", nargs="*", help="only these, and no mistakes")
    chosen = parser.parse_args().presets
    with LocalStack(container_limit=_CONTAINERS) as stack:
        with walks(stack, chosen or sorted(all_facts())) as every:
            outcomes = list(walked(every))
        found: Observed = {}
        if not chosen:
            with benches(stack) as bench:
                found = observed(bench)
        refused = [f"{one.function} was refused {one.ask}" for one in stack.guard.refusals]
    failed = [f"{each.preset}: {each.problem}" for each in outcomes if each.problem]
    taken = [f"{each.what}: {found[each]}" for each in confused(found)]
    if found:
        print(table(found))
    problems = [*failed, *taken, *refused]
    print(*problems, sep="\n", end="\n" if problems else "")
    print(last_line(outcomes, found))
    return 1 if problems else 0


def last_line(outcomes: Sequence[Outcome], found: Observed) -> str:
    """Return the numbers: what held of what was walked, and what was named for what was wrong."""
    held = sum(each.problem is None for each in outcomes)
    of = "" if held == len(outcomes) else f" of {len(outcomes)}"
    walked_whole = f"presets: {held}{of} services connected, refreshed, revoked"
    if not found:
        return walked_whole
    wrong = confused(found)
    named = {each.cause for each in found if each not in wrong}
    return f"{walked_whole}; {len(named)} diagnoses, {len(found)} causes, {len(wrong)} confused"


if __name__ == "__main__":
    sys.exit(main())
