"""Which container runs an event: a warm one, a new one, or none before another is free."""

import itertools
import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from local.containers.answer import PAYLOAD_LIMIT, Answer, RequestTooLargeError
from local.containers.container import Container
from local.containers.function import LambdaFunction
from local.processes import Children

LIMIT = 8  # containers in all: each costs 1.3 s of CPU to start and 85 MB
_THREADS = 256


class ContainerPool:
    """Runs events, at most one per container and `limit` in all; the others wait in order."""

    def __init__(self, children: Children, logs: Path, limit: int = LIMIT) -> None:
        self._children = children
        self._logs = logs
        self._limit = limit
        self._numbers = itertools.count(1)
        self._containers: list[Container] = []
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()
        self._closed = False
        self._threads = ThreadPoolExecutor(_THREADS, "invocation")

    def invoke(self, function: LambdaFunction, payload: bytes) -> Answer:
        """Run one event to its end.

        Raises:
            RequestTooLargeError: the event is over 6 MB.
        """
        if len(payload) > PAYLOAD_LIMIT:
            raise RequestTooLargeError
        answer = None
        while answer is None:
            try:
                container = self._acquire(function)
            except OSError as exc:
                return Answer.failed("Runtime.InvalidEntrypoint", str(exc))
            try:
                answer = container.run(payload)
            finally:
                self._release(container)
        return answer

    def submit(self, function: LambdaFunction, payload: bytes) -> Future[Answer]:
        """Run one event in the background, for callers that do not wait for ever."""
        return self._threads.submit(self.invoke, function, payload)

    def containers(self) -> list[Container]:
        """Return the living containers, oldest first."""
        with self._changed:
            return [each for each in self._containers if each.alive]

    def kill(self, pid: int) -> None:
        """Kill one container by its process id, as a crash of its host would."""
        for container in self.containers():
            if container.pid == pid:
                container.kill()

    def close(self) -> None:
        """End all containers."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for container in self.containers():
            container.kill()
        self._threads.shutdown()

    def _acquire(self, function: LambdaFunction) -> Container:
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
            try:
                while not self._closed:
                    if self._waiting[0] is ticket and (container := self._claim(function)):
                        return container
                    self._changed.wait()
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()
        raise RuntimeError("The stack is stopped.")

    def _claim(self, function: LambdaFunction) -> Container | None:
        """Take a warm container, or the room for a new one; None when all are busy."""
        self._containers = [each for each in self._containers if each.alive]
        idle = [each for each in self._containers if not each.busy]
        if warm := [each for each in idle if each.function is function]:
            container = max(warm, key=lambda each: each.idle_since)
            container.busy = True
            return container
        if function.concurrency and self._count(function) >= function.concurrency:
            return None
        if len(self._containers) >= self._limit:
            if not idle:
                return None
            coldest = min(idle, key=lambda each: each.idle_since)
            coldest.kill()
            self._containers.remove(coldest)
        return self._start(function)

    def _count(self, function: LambdaFunction) -> int:
        return sum(each.function is function for each in self._containers)

    def _start(self, function: LambdaFunction) -> Container:
        log = self._logs / f"{function.label}-{next(self._numbers)}.log"
        container = Container(function, self._children, log, self._forget)
        self._containers.append(container)
        return container

    def _release(self, container: Container) -> None:
        with self._changed:
            container.release()
            self._changed.notify_all()

    def _forget(self, container: Container) -> None:
        with self._changed:
            if container in self._containers:
                self._containers.remove(container)
            self._changed.notify_all()
