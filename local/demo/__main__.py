"""`make demo`: see the package's docstring."""

import sys
import time

import httpx

from local.demo import connecting, leaving, registering, renewing
from local.demo.stage import Stage, raised
from local.processes import ChildFailedError
from local.telling import NotHeldError, Teller

_STEPS = (*registering.STEPS, *connecting.STEPS, *renewing.STEPS, *leaving.STEPS)
_START = "the stack starts"
_SURPRISES = (
    ArithmeticError,
    AssertionError,
    ChildFailedError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    httpx.HTTPError,
)


def main() -> int:
    """Walk the journey; return the exit status."""
    teller, began = Teller("demo"), time.monotonic()
    title = _START
    try:
        with raised(teller.heard_of_logs) as stage:
            teller.held(_START, _started(stage, time.monotonic() - began))
            for title, step in _STEPS:
                teller.held(title, step(stage))
    except NotHeldError as fault:
        teller.not_held(title, fault.expected, fault.seen)
        return 1
    except _SURPRISES as fault:
        teller.not_held(title, "an answer that fits", f"{type(fault).__name__}: {fault}")
        return 1
    teller.ended()
    return 0


def _started(stage: Stage, seconds: float) -> str:
    count = len(stage.bound.deployment.functions)
    return f"{count} functions at {stage.bound.deployment.url}, in {seconds:.1f} s"


if __name__ == "__main__":
    sys.exit(main())
