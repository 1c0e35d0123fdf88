"""Worker processes: each has the product's parts as a container of Lambda would, and a clock.

``python -m tests.faults.worker`` imports everything once and forks a worker for each line that it
is sent; a worker takes commands and gives answers as JSON lines over a connection of its own.
Forked, it is up in milliseconds; it is a process like any other, and is killed like one.
"""

import contextlib
import json
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any

import boto3
import botocore.session

from broker.settings import Settings
from broker.wiring import Parts, Wiring
from local.lifetime import announce
from tests.faults import variants
from tests.faults.deeds import Deeds
from tests.faults.simulated import AheadClock, SharedTime


def main() -> None:
    """Read what AWS says of its services, then fork a worker for each line."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so that the dead leave no zombies
    control = _connected({"nursery": os.getpid()})
    session = botocore.session.get_session()
    boto3.setup_default_session(botocore_session=session)
    parts = Parts(Settings.read(os.environ), AheadClock(time=_time()))
    _ = parts.connections, parts.vault, parts.queues, parts.events, parts.outbound
    _ = Wiring(parts).refresh_worker, Wiring(parts).connections, Wiring(parts).refresh_scheduler
    announce(0)
    for line in control.makefile("rb"):
        if not os.fork():
            control.close()
            _live(json.loads(line), session)


def _live(born: dict[str, Any], session: botocore.session.Session) -> None:
    """Be one worker until the harness is gone."""
    log = os.open(os.environ["FAULTS_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(log, sys.stdout.fileno())
    session.set_credentials(born["name"], "no secret")
    variants.apply(born["variant"])
    clock = AheadClock(time=_time(), wrong_by=born["wrong_by"])
    deeds = Deeds(Parts(Settings.read(os.environ), clock))
    control = _connected({"worker": born["name"], "pid": os.getpid()})
    writing = threading.Lock()
    for line in control.makefile("rb"):
        threading.Thread(target=_obey, args=(deeds, control, writing, line), daemon=True).start()
    os._exit(0)


def _obey(deeds: Deeds, control: socket.socket, writing: threading.Lock, line: bytes) -> None:
    command = json.loads(line)
    answer: dict[str, Any] = {"id": command["id"]}
    try:
        answer["answer"] = deeds.do(command)
    except Exception as exc:  # noqa: BLE001 - the harness raises it
        answer["raised"] = f"{type(exc).__name__}: {exc}"
    with writing, contextlib.suppress(OSError):
        control.sendall(json.dumps(answer).encode() + b"\n")


def _connected(hello: dict[str, Any]) -> socket.socket:
    control = socket.create_connection(("127.0.0.1", int(os.environ["FAULTS_CONTROL"])))
    control.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    control.sendall(json.dumps(hello).encode() + b"\n")
    return control


def _time() -> SharedTime:
    return SharedTime(Path(os.environ["FAULTS_TIME"]))


if __name__ == "__main__":
    main()
    sys.exit(0)
