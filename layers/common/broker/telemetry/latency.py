"""What the parts of an invocation took: gathered on the way, written once at its end."""

import functools
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from broker.clock import Clock
from broker.metrics.metric import Metric

from .emission import VALUES, write


class Gathered:
    """The values of one invocation; its threads share it.

    A container runs one invocation at a time, so there is one of these in a container, and nobody
    has to hand it around.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[Metric, list[float]] = {}
        self._seen: Counter[Metric] = Counter()

    def add(self, metric: Metric, milliseconds: float) -> None:
        """Keep a value; of more than fit a line, a sample in which each has the same chance."""
        with self._lock:
            values = self._values.setdefault(metric, [])
            self._seen[metric] += 1
            if len(values) < VALUES:
                values.append(milliseconds)
                return
            place = random.randrange(self._seen[metric])  # noqa: S311 - a sample, no secret
            if place < VALUES:
                values[place] = milliseconds

    def take(self) -> dict[Metric, list[float]]:
        """Return what was gathered, and begin anew."""
        with self._lock:
            taken, self._values = self._values, {}
            self._seen.clear()
        return taken


@functools.cache
def _gathered() -> Gathered:
    return Gathered()


@contextmanager
def timed(metric: Metric, clock: Clock) -> Iterator[None]:
    """Note how long a part took, also when it failed."""
    started = clock.monotonic()
    try:
        yield
    finally:
        _gathered().add(metric, round((clock.monotonic() - started) * 1000, 1))


@contextmanager
def measured(door: str) -> Iterator[None]:
    """Write one line of latencies however the invocation ends; none if nothing was timed."""
    _gathered().take()  # what was timed outside an invocation belongs to none
    try:
        yield
    finally:
        values = _gathered().take()
        if values:
            labels = next(iter(values)).labels({"door": door})
            write(values, labels)
