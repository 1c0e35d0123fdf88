"""``python -m tests.model``: search through every scenario; exit with 1 if one is violated.

Or if something that a scenario lets go wrong never does: it would show nothing.
"""

import sys
from collections.abc import Sequence

from tests.model.scenarios import EVERYTHING, SCENARIOS
from tests.model.search import Found, explore, wander
from tests.model.state import Scenario

WALKS = 2_000


def line(found: Found) -> str:
    """Say what a search saw."""
    whole = "" if found.complete or found.violation else ", not all"
    return (
        f"{found.scenario.name}: {found.states:,} states{whole},"
        f" {found.transitions:,} transitions, {found.seconds:.1f} s"
    )


def summary(searches: Sequence[Found]) -> str:
    """Say the sum of all searches."""
    states = sum(found.states for found in searches)
    violations = sum(found.violation is not None for found in searches)
    return f"model: {len(searches)} scenarios, {states:,} states, {violations} violations"


def told(found: Found) -> Found:
    """Print what a search saw, and how a violation comes about."""
    print(line(found), flush=True)
    if found.violation:
        print(f"  {found.violation.invariant}: {found.violation.shown}")
        print("\n".join(f"  {step}" for step in found.trace), flush=True)
    if found.complete and found.spared:
        print(f"  never happened: {', '.join(sorted(found.spared))}", flush=True)
    return found


def main(scenarios: Sequence[Scenario] = SCENARIOS, walks: int = 0) -> int:
    """Search through each; then walk at random through all that can happen at once."""
    searches = [told(explore(scenario)) for scenario in scenarios]
    if walks:
        searches.append(told(wander(EVERYTHING, seed=1, walks=walks)))
    print(summary(searches))
    idle = any(found.complete and found.spared for found in searches)
    return 1 if idle or any(found.violation for found in searches) else 0


if __name__ == "__main__":
    sys.exit(main(walks=WALKS))
