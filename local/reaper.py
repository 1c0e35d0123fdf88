"""Kill what a dead parent left behind; runs as a process of its own, and knows no other module.

The parent writes `+PID` for each process group that it starts, and `-PID` for each that it has
ended. When it is gone, by SIGKILL as well, the pipe ends, and every group still listed is killed.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Iterable


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


if __name__ == "__main__":
    for group in surviving_groups(sys.stdin):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
