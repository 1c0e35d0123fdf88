"""`make smoke`: see the package's docstring.

Exit status: 0 all that was run held (the last line counts what was not), 1 a step did not hold or
something may be left registered, 2 it cannot be checked as asked, 128 and the signal's number when
it was stopped.
"""

import contextlib
import os
import sys
from collections.abc import Sequence

from local.telling import NotHeldError, NotRunError, Teller
from smoke.api import Api
from smoke.asked import Asked, read
from smoke.failures import CannotRunError, NoAnswerError, StoppedError
from smoke.registration import Registration
from smoke.signing import signer
from smoke.steps import STEPS, Step, Visit
from smoke.stopping import Signals


def main(arguments: Sequence[str] | None = None) -> int:
    """Check a deployment; return the exit status."""
    try:
        with Signals() as signals:
            return _run(sys.argv[1:] if arguments is None else arguments, signals)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _run(arguments: Sequence[str], signals: Signals) -> int:
    try:
        asked = read(arguments)
        with Api(asked.api, signer(asked.api)) as api:
            return _remove(asked, api) if asked.remove else _check(asked, api, signals)
    except CannotRunError as fault:
        _say(str(fault))
        return 2
    except StoppedError as stop:
        return _stopped(stop)


def _check(asked: Asked, api: Api, signals: Signals) -> int:
    """Walk, and delete what was registered before anything else can go wrong."""
    registration = Registration(api)
    try:
        status = _walk(Visit(asked, api, registration))
    finally:
        signals.held = True
        left = registration.may_be_there
        if left:
            _say(f"Deleting {registration.server_id}; it can take half a minute to be sure.")
        undone = _undo(registration)
    if not undone:
        return 1
    if left:
        print(f"    {'left':<10}nothing: {registration.server_id} is deleted", flush=True)
    return status


def _walk(visit: Visit) -> int:
    teller, title = Teller("smoke"), ""
    try:
        for title, step in STEPS:
            _tell(teller, title, step, visit)
    except NotHeldError as fault:
        teller.not_held(title, fault.expected, fault.seen)
        return 1
    except NoAnswerError as fault:
        teller.not_held(title, "an answer", fault)
        return 1
    except CannotRunError as fault:
        _say(str(fault))
        return 2
    except StoppedError as stop:
        return _stopped(stop)
    teller.ended()
    return 0


def _tell(teller: Teller, title: str, step: Step, visit: Visit) -> None:
    try:
        seen = step(visit)
    except NotRunError as left_out:
        teller.not_run(title, str(left_out))
    else:
        teller.held(title, seen)


def _remove(asked: Asked, api: Api) -> int:
    """Delete what an earlier run may have left."""
    registration = Registration(api, asked.remove, may_be_there=True)
    if not _undo(registration):
        return 1
    print(f"{asked.remove} is not registered any more.", flush=True)
    return 0


def _undo(registration: Registration) -> bool:
    """Delete the server; where that fails, tell at once how to, as nothing else may be told."""
    trouble = registration.undo()
    if trouble:
        command = f"make smoke API={registration.api.origin} REMOVE={registration.server_id}"
        _say(f"{trouble}\n{registration.server_id} may still be registered; delete it: {command}")
    return not trouble


def _say(text: str) -> None:
    """Tell who is still listening; there may be nobody, and what comes after matters more."""
    with contextlib.suppress(OSError):
        print(text, file=sys.stderr, flush=True)


def _stopped(stop: StoppedError) -> int:
    _say(f"Stopped by {stop}.")
    return 128 + stop.number


if __name__ == "__main__":
    sys.exit(main())
