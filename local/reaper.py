"""Kill what a dead parent left behind; runs as a process of its own, and knows no other module.

The parent writes `+PID` for each process group that it starts, and `-PID` for each that it has
ended. When it is gone, by SIGKILL as well, the pipe ends, and every group still listed is killed.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable

GRACE_SECONDS = 10.0


def surviving_groups(lines: Iterable[str]) -> set[int]:
    """Read until the parent is gone; return the process groups that it had not ended."""
    groups: set[int] = set()
    for line in lines:
        pid = int(line[1:])
        if line[0] == "+":
            groups.add(pid)
        else:
            groups.discard(pid)
    return groups


def end(groups: Iterable[int]) -> None:
    """Ask them to end, and kill what has not after ten seconds: some have things to put away."""
    _signal(groups, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < deadline and any(map(_lives, groups)):
        time.sleep(0.1)
    _signal(groups, signal.SIGKILL)


def _signal(groups: Iterable[int], number: signal.Signals) -> None:
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)


def _lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    end(surviving_groups(sys.stdin))
