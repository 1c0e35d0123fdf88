"""`make demo`: see the package's docstring."""

import sys

from local.demo import walk
from local.demo.stage import Stage, raised
from local.telling import Teller


def main() -> int:
    """Walk the journey on the local stack; return the exit status."""
    return walk.walked(Teller("demo"), "the stack starts", raised, _started)


def _started(stage: Stage, seconds: float) -> str:
    count = len(stage.bound.deployment.functions)
    return f"{count} functions at {stage.bound.deployment.url}, in {seconds:.1f} s"


if __name__ == "__main__":
    sys.exit(main())
