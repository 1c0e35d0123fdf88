"""Every mistake, made over the public API, and the causes that were named for it."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx

from local.demo.journey import RETURN_URL, callers
from local.demo.neighbours import neighbours
from local.stack import LocalStack
from tests.e2e.conftest import journeys_at
from tests.e2e.mistake_bench import Bench, Mistake, causes, report_of
from tests.e2e.mistakes import MISTAKES, Observed
from tests.e2e.stranger import Stranger
from tests.e2e.time_machine import TimeMachine

type Benches = Callable[[], Bench]

_AT_ONCE = 2
_FAILURES = (AssertionError, httpx.HTTPError, LookupError, RecursionError, TypeError, ValueError)


@contextmanager
def benches(stack: LocalStack) -> Iterator[Benches]:
    """Start what mistakes are made with."""
    with neighbours() as others, Stranger() as stranger, journeys_at(stack) as journeys:
        others.tap.target = stack.services.authorization_server_control
        origins = [*others.origins(), *stranger.origins]
        deployment = stack.deployment("mistakes", return_urls=[RETURN_URL], local_origins=origins)
        with callers(deployment) as clients:

            def bench() -> Bench:
                journey = journeys(clients)
                journey.register()
                return Bench(journey, stranger, TimeMachine(deployment), others)

            yield bench


def observed(bench: Benches, mistakes: Iterable[Mistake] = MISTAKES) -> Observed:
    """Make all mistakes, two at a time, each at a server of its own."""

    def make(mistake: Mistake) -> list[str]:
        try:
            return causes(report_of(bench(), mistake))
        except _FAILURES as exc:
            return [f"{type(exc).__name__}: {exc}".splitlines()[0][:200]]

    made = list(mistakes)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip(made, pool.map(make, made), strict=True))
