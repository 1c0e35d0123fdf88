"""Containers that are there to be killed or frozen: one is under way, the next ones start."""

import os
import signal
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Self, cast

from local.clockwork import Clockwork
from local.containers import Answer, LambdaFunction
from local.containers.container import Container
from local.loopback import Reply
from tests.faults.gateway.place import INVOKE, WORKER, Place, place_of
from tests.faults.stage import Stage

_AHEAD = 3
"""How many there are: the others start while one is used."""

NO_BODY: dict[str, Any] = {
    "version": "2.0",
    "routeKey": "POST /v1/invoke",
    "rawPath": "/v1/invoke",
    "headers": {},
    "requestContext": {"http": {"method": "POST", "path": "/v1/invoke"}, "stage": "$default"},
}
"""An invocation that is refused before anything is asked for."""


type PassOn = Callable[[], Reply]


@dataclass(frozen=True, slots=True)
class Victim:
    """The one container of a function of its own: so it is known which process asks."""

    place: Place
    of: str
    name: str
    container: Container

    @contextmanager
    def called(self) -> Iterator[None]:
        """Let it be the one that the gateway calls."""
        functions = _functions(self.place)
        regular = functions[self.of]
        functions[self.of] = functions[self.name]
        try:
            yield
        finally:
            functions[self.of] = regular

    def clockwork(self) -> Clockwork:
        """Return a clock that delivers to this one what the queues hold."""
        regular = self.place.deployment.clockwork
        function = _functions(self.place)[self.name]
        sources = [replace(source, function=function) for source in regular.sources]
        return Clockwork([], sources, self.place.deployment.pool, self.place.queues)

    def dies_before(self, pass_on: PassOn) -> Reply:
        """Die before the request is carried out; it never is."""
        self.container.kill()
        raise ConnectionAbortedError

    def dies_after(self, pass_on: PassOn) -> Reply:
        """Die when the request has been carried out, before the answer is read."""
        reply = pass_on()
        self.container.kill()
        return reply

    def freeze(self) -> None:
        """Stop the process, as a host does that has no use for it now."""
        os.kill(self.container.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.kill(self.container.pid, signal.SIGCONT)


class Victims:
    """Victims of one function; a context manager."""

    def __init__(
        self, place: Place, function: str, harmless: Any, ahead: int = _AHEAD, **changes: Any
    ) -> None:
        """Begin to start so many; upon the harmless event a container asks nobody for anything."""
        self._place, self._function, self._harmless = place, function, harmless
        self._threads = ThreadPoolExecutor(ahead)
        self._ready: deque[tuple[str, Future[Answer]]] = deque()
        self._names = [f"{function}-{number}-{id(self)}" for number in range(ahead)]
        functions = _functions(place)
        for name in self._names:
            made = replace(functions[function], label=name, concurrency=1, **changes)
            functions[name] = made
            self._start(name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown()
        for name in self._names:
            for container in self._place.deployment.containers(name):
                container.kill()
            del _functions(self._place)[name]

    @contextmanager
    def next(self) -> Iterator[Victim]:
        """Return a warm one; it does not outlive this."""
        name, ready = self._ready.popleft()
        ready.result()
        while not (there := self._place.deployment.containers(name)):
            self._place.deployment.invoke(name, self._harmless)
        victim = Victim(self._place, self._function, name, there[0])
        try:
            yield victim
        finally:
            victim.container.kill()
            self._start(name)

    def _start(self, name: str) -> None:
        warm = self._threads.submit(self._place.deployment.invoke, name, self._harmless)
        self._ready.append((name, warm))


@contextmanager
def callees(stage: Stage) -> Iterator[Victims]:
    """Victims that the gateway calls."""
    with Victims(place_of(stage), INVOKE, NO_BODY) as victims:
        yield victims


@contextmanager
def workers(stage: Stage) -> Iterator[Victims]:
    """Victims that the due queue is delivered to."""
    with Victims(place_of(stage), WORKER, {"Records": []}) as victims:
        yield victims


def _functions(place: Place) -> dict[str, LambdaFunction]:
    return cast("dict[str, LambdaFunction]", place.deployment.functions)
