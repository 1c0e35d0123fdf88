"""The steps in their order, walked on whatever stage is raised."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import httpx

from local.demo import connecting, leaving, registering, renewing
from local.demo.stage import Stage
from local.processes import ChildFailedError
from local.telling import NotHeldError, Teller

STEPS = (*registering.STEPS, *connecting.STEPS, *renewing.STEPS, *leaving.STEPS)
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
    subprocess.SubprocessError,
)

type Raising = Callable[[Callable[[str], None]], AbstractContextManager[Stage]]
"""Starts everything; is given whom to tell where the logs are."""


def walked(
    teller: Teller, start: str, raised: Raising, started: Callable[[Stage, float], str]
) -> int:
    """Raise the stage and walk all steps; return the exit status.

    Args:
        teller: hears of every step.
        start: the title of the first, which is that the stage stands.
        raised: raises the stage.
        started: says what stands, given the seconds that it took.
    """
    began, title = time.monotonic(), start
    try:
        with raised(teller.heard_of_logs) as stage:
            teller.held(start, started(stage, time.monotonic() - began))
            for title, step in STEPS:
                teller.held(title, step(stage))
    except NotHeldError as fault:
        teller.not_held(title, fault.expected, fault.seen)
        return 1
    except _SURPRISES as fault:
        teller.not_held(title, "an answer that fits", f"{type(fault).__name__}: {fault}")
        return 1
    except KeyboardInterrupt:
        print("Interrupted; nothing is left running.", file=sys.stderr)
        return 128 + signal.SIGINT
    teller.ended()
    return 0
