"""The harness's side of the worker processes: start, command, freeze, kill."""

import contextlib
import json
import os
import signal
import socket
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Self

from local.processes import Child, Children
from tests.faults import wire

_PATIENCE = 100.0


class WorkerGone(Exception):
    """The worker ended before it answered."""


@dataclass(eq=False)
class Worker:
    """One worker process."""

    name: str
    pid: int
    _control: socket.socket = field(repr=False)
    _answers: dict[int, Future[Any]] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _gone: threading.Event = field(default_factory=threading.Event, repr=False)

    def begin(self, do: str, **arguments: Any) -> Future[Any]:
        """Have something done; the future raises WorkerGone if it dies over it."""
        answer: Future[Any] = Future()
        with self._lock:
            number = len(self._answers) + 1
            self._answers[number] = answer
            line = json.dumps({"id": number, "do": do, **arguments}).encode()
            try:
                self._control.sendall(line + b"\n")
            except OSError:
                answer.set_exception(WorkerGone(self.name))
        if self._gone.is_set():
            self._forsake()
        return answer

    def ask(self, do: str, **arguments: Any) -> Any:
        """Have something done, and return the answer."""
        return self.begin(do, **arguments).result(_PATIENCE)

    def listen(self, stream: IO[bytes]) -> None:
        """Take answers until the process ends."""
        with contextlib.suppress(ConnectionError):
            for line in stream:
                told = json.loads(line)
                answer = self._answers[told["id"]]
                if "raised" in told:
                    answer.set_exception(RuntimeError(f"{self.name}: {told['raised']}"))
                else:
                    answer.set_result(told["answer"])
        self._gone.set()
        self._forsake()

    def kill(self) -> None:
        """SIGKILL; return when it is dead."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        assert self._gone.wait(_PATIENCE), f"{self.name} does not die"

    def freeze(self) -> None:
        """SIGSTOP: as Lambda freezes a container."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    def _forsake(self) -> None:
        with self._lock:
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(WorkerGone(self.name))


class Crew:
    """Starts workers and knows them; a context manager."""

    def __init__(self, children: Children, logs: Path) -> None:
        self._children = children
        self._logs = logs
        self._listener = wire.Listener(self._greet)
        self._nursery: socket.socket | None = None
        self._child: Child | None = None
        self._born: dict[str, Future[Worker]] = {}
        self._known: dict[str, Worker] = {}
        self._count = 0
        self._lock = threading.Lock()
        self._idle: list[Worker] = []

    def __enter__(self) -> Self:
        self._listener.open()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        if self._child:
            self._children.stop(self._child)
        if self._nursery:
            self._nursery.close()

    def start(self, environment: Mapping[str, str]) -> None:
        """Start the process that workers are forked from."""
        known = {
            "FAULTS_CONTROL": str(self._listener.port),
            "FAULTS_LOG": str(self._logs / "printed.log"),
            **environment,
        }
        log = self._logs / "workers.log"
        self._child = self._children.start_module("tests.faults.worker", log=log, env=known)
        self._child.announced()

    def worker(self, *, wrong_by: float = 0.0, variant: str = "") -> Worker:
        """Start a worker; its wall clock may be wrong."""
        born: Future[Worker] = Future()
        with self._lock:
            self._count += 1
            name = f"W{self._count}"
            self._born[name] = born
            line = json.dumps({"name": name, "wrong_by": wrong_by, "variant": variant})
            assert self._nursery
            self._nursery.sendall(line.encode() + b"\n")
        worker = born.result(_PATIENCE)
        self._known[name] = worker
        return worker

    def named(self, name: str) -> Worker:
        """Return the worker of that name."""
        return self._known[name]

    def healthy(self, number: int) -> list[Worker]:
        """Return so many workers that nobody killed; they are used again and again."""
        self._idle = [each for each in self._idle if not each._gone.is_set()]
        while len(self._idle) < number:
            self._idle.append(self.worker())
        return self._idle[:number]

    def _greet(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            hello = json.loads(stream.readline())
            if "nursery" in hello:
                self._nursery = connection.dup()
                return
            worker = Worker(hello["worker"], hello["pid"], connection)
            self._born.pop(worker.name).set_result(worker)
            worker.listen(stream)
