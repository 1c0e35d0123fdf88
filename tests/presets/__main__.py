"""``python -m tests.presets``: every preset's journey; the last line says how many held."""

import argparse
import sys

from local.stack import LocalStack

from .facts import all_facts
from .run import walked, walks

_CONTAINERS = 12


def main() -> int:
    """Run; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.presets")
    parser.add_argument("presets", nargs="*", help="only these")
    presets = parser.parse_args().presets or sorted(all_facts())
    with (
        LocalStack(container_limit=_CONTAINERS, third_parties=False) as stack,
        walks(stack, presets) as every,
    ):
        outcomes = list(walked(every))
        refused = [f"{one.function} was refused {one.ask}" for one in stack.guard.refusals]
    failed = [each for each in outcomes if each.problem]
    for each in failed:
        print(f"{each.preset}: {each.problem}")
    print(*refused, sep="\n", end="\n" if refused else "")
    held = len(outcomes) - len(failed)
    print(f"presets: {held} of {len(outcomes)} services connected, refreshed, revoked")
    return 1 if failed or refused else 0


if __name__ == "__main__":
    sys.exit(main())
