"""How a process of the local stack says that it is ready, and how it ends."""

import json
import os
import select
import sys
import threading

POLL_SECONDS = 0.5


def announce(port: int) -> None:
    """Print the readiness line: one JSON object, the first and only line on stdout."""
    print(json.dumps({"port": port}), flush=True)


def end_with_parent() -> None:
    """From now on, end this process when its stdin reaches EOF or its parent is gone."""
    parent = os.getppid()
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    stdin = sys.stdin.fileno()
    while os.getppid() == parent:
        readable, _, _ = select.select([stdin], [], [], POLL_SECONDS)
        if readable and not os.read(stdin, 4096):
            break
    os._exit(0)
