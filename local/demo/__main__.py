"""`make demo`: walk the journey on real parts, and say what was seen at each step."""

import argparse
import sys
import time
from collections.abc import Sequence

import httpx

from local.choice import Choice, offer
from local.demo import connecting, leaving, registering, renewing
from local.demo.stage import NotHeldError, Stage, raised
from local.demo.telling import Teller
from local.processes import ChildFailedError

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


def main(arguments: Sequence[str] | None = None) -> int:
    """Walk the journey; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m local.demo", description=__doc__)
    offer(parser)
    return _walk(Choice.of(parser.parse_args(arguments)))


def _walk(choice: Choice) -> int:
    teller, began = Teller(), time.monotonic()
    title = _START
    if choice.told:
        print(choice.told)
    try:
        with raised(teller.heard_of_logs, choice) as stage:
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
