"""Every mistake made over the public API, and the table of what was taken for what."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from local.demo.journey import RETURN_URL, callers
from local.demo.neighbours import neighbours
from local.stack import LocalStack
from tests.e2e.conftest import journeys_at
from tests.e2e.mistake_bench import Bench, Mistake, causes, report_of
from tests.e2e.mistakes import MISTAKES
from tests.e2e.stranger import Stranger
from tests.e2e.time_machine import TimeMachine

type Benches = Callable[[], Bench]

_AT_ONCE = 3
_FAILURES = (AssertionError, httpx.HTTPError, LookupError, RecursionError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Diagnosed:
    """One mistake, and what its report named."""

    mistake: Mistake
    named: tuple[str, ...]

    @property
    def confused(self) -> bool:
        """Say whether anything but its cause was named, or its cause was not."""
        return self.named != (self.mistake.cause,)


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


def diagnosed(bench: Benches, mistakes: Iterable[Mistake] = MISTAKES) -> list[Diagnosed]:
    """Make all mistakes, a few at a time, each at a server of its own."""

    def make(mistake: Mistake) -> Diagnosed:
        try:
            named = tuple(causes(report_of(bench(), mistake)))
        except _FAILURES as exc:
            named = (f"{type(exc).__name__}: {exc}"[:200],)
        return Diagnosed(mistake, named)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(make, mistakes))


def table(found: Iterable[Diagnosed]) -> str:
    """Return the table of confusions: cause, how often it was there, and what it was taken for."""
    lines = ["| cause | mistakes | taken for |", "|---|---|---|"]
    by_cause: dict[str, list[Diagnosed]] = {}
    for each in found:
        by_cause.setdefault(each.mistake.cause, []).append(each)
    for cause in sorted(by_cause):
        said = sorted({name for each in by_cause[cause] for name in each.named or ("nothing",)})
        lines.append(f"| {cause} | {len(by_cause[cause])} | {', '.join(said)} |")
    return "\n".join(lines)
