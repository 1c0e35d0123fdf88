"""The worker whose time and CPU are measured: the product's flows in a process of their own.

``python -m benchmarks.refresh.worker LOG PID`` reads commands and writes results, one JSON line
each. What the flows print goes to LOG, as Lambda would take it; PID is a process whose CPU is told
besides.
"""

import json
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from benchmarks.refresh import seeding
from broker.clock import Clock
from broker.model import Invocation
from broker.queues import DueMessage
from broker.settings import Settings
from broker.telemetry import measured
from broker.wiring import Parts, Wiring
from broker.wiring.edges import _AWS

_SECONDS = 120.0
_PATIENT = Config(read_timeout=60)
"""A store that is slow here must show as slow, and not as one that is away: both are longer than in
the template and in wiring."""


class Container(Parts):
    """One container, which counts the requests that leave it, repetitions included."""

    def __init__(self) -> None:
        super().__init__(Settings.read(os.environ), Clock())
        self.flows = Wiring(self)
        self.sent: Counter[str] = Counter()

    def _client(self, service: Any) -> Any:
        client = boto3.client(service, config=_AWS.merge(_PATIENT))
        client.meta.events.register("before-send", self._count)
        return client

    def _count(self, event_name: str, **_: object) -> None:
        self.sent[event_name.rsplit(".", 1)[-1]] += 1


class Worker:
    """The commands."""

    def __init__(self, store_pid: int) -> None:
        self._container = Container()
        self._store_pid = store_pid

    def restart(self) -> None:
        """Begin in a cold container."""
        self._container = Container()

    def register(self, server_id: str, token_url: str, users: Sequence[str]) -> None:
        """Register a server and connect its users."""
        seeding.register(self._container, server_id, token_url)
        for user in users:
            seeding.connect(self._container, server_id, user)

    def postpone(self, server_id: str, users: Sequence[str]) -> None:
        """Let nothing be due."""
        seeding.postpone(self._container, server_id, users)

    def refresh(self, server_id: str, users: Sequence[str], in_flight: int) -> dict[str, Any]:
        """Refresh each connection once; refuse to report a time in which that did not happen."""
        seeding.age(self._container, server_id, users)
        before = seeding.generations(self._container, server_id, users)
        told = self._look(server_id, users, in_flight)
        after = seeding.generations(self._container, server_id, users)
        if after != {user: generation + 1 for user, generation in before.items()}:
            raise RuntimeError("Not every connection was refreshed once.")
        return told

    def put_off(self, server_id: str, users: Sequence[str]) -> dict[str, Any]:
        """Look at each connection while its server is to be left alone; nothing is sent."""
        seeding.age(self._container, server_id, users)
        before = seeding.generations(self._container, server_id, users)
        with seeding.left_alone(self._container, server_id):
            told = self._look(server_id, users, 5)
        if seeding.generations(self._container, server_id, users) != before:
            raise RuntimeError("A connection was refreshed.")
        return told

    def _look(self, server_id: str, users: Sequence[str], in_flight: int) -> dict[str, Any]:
        look = self._container.flows.refresh_worker.look
        messages = [DueMessage(user_id=user, server_id=server_id) for user in users]

        def look_at_all() -> None:
            with measured("batch"), ThreadPoolExecutor(in_flight) as pool:
                list(pool.map(lambda message: look(message, _invocation()), messages))

        return self._measured(look_at_all)

    def tick(self, server_id: str, users: Sequence[str]) -> dict[str, Any]:
        """Queue each connection once."""
        seeding.age(self._container, server_id, users)
        flow = self._container.flows.refresh_scheduler
        told = self._measured(lambda: flow.tick(_invocation()))
        if told["result"].queued != len(users):
            raise RuntimeError(f"{told['result'].queued} of {len(users)} were queued.")
        return told | {"result": None}

    def _measured(self, act: Callable[[], Any]) -> dict[str, Any]:
        self._container.sent.clear()
        store, cpu, started = _cpu_of(self._store_pid), _cpu(), time.perf_counter()
        result = act()
        wall, cpu = time.perf_counter() - started, _cpu() - cpu
        store_cpu = None if store is None else (_cpu_of(self._store_pid) or 0.0) - store
        sent = dict(self._container.sent)
        return {"wall": wall, "cpu": cpu, "store_cpu": store_cpu, "sent": sent, "result": result}


def _invocation() -> Invocation:
    return Invocation("benchmark", time.monotonic() + _SECONDS)


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _cpu_of(pid: int) -> float | None:
    """Return the CPU seconds of another process, all its threads together; Linux alone tells."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8")
    except OSError:
        return None
    user, system = stat.rpartition(") ")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Do what is asked until nobody asks any more."""
    log, store_pid = sys.argv[1:]
    answers, sys.stdout = sys.stdout, Path(log).open("a", encoding="utf-8")  # noqa: SIM115 - to the end
    worker = Worker(int(store_pid))
    for line in sys.stdin:
        asked = json.loads(line)
        told = getattr(worker, asked.pop("command"))(**asked)
        print(json.dumps(told), file=answers, flush=True)


if __name__ == "__main__":
    main()
