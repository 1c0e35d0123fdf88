"""`make demo`: walk the journey on real parts, and say what was seen at each step."""

import argparse
import sys
from collections.abc import Sequence
from functools import partial

from local.choice import Choice, offer
from local.demo import walk
from local.demo.stage import Stage, raised
from local.telling import Teller


def main(arguments: Sequence[str] | None = None) -> int:
    """Walk the journey on the local stack; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m local.demo", description=__doc__)
    offer(parser)
    choice = Choice.of(parser.parse_args(arguments))
    if choice.told:
        print(choice.told)
    return walk.walked(Teller("demo"), "the stack starts", partial(raised, choice=choice), _started)


def _started(stage: Stage, seconds: float) -> str:
    count = len(stage.bound.deployment.functions)
    return f"{count} functions at {stage.bound.deployment.url}, in {seconds:.1f} s"


if __name__ == "__main__":
    sys.exit(main())
