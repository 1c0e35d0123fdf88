"""The journeys of all presets, a few at a time."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from local.demo.journey import RETURN_URL, callers
from local.deployment import Settings
from local.stack import ROOT, LocalStack
from tests.e2e.time_machine import TimeMachine

from .facts import all_facts
from .internet import internet
from .journey import Walk
from .town import Town

_AT_ONCE = 4
_FAILURES = (AssertionError, httpx.HTTPError, LookupError, RecursionError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one preset."""

    preset: str
    problem: str | None


@contextmanager
def walks(stack: LocalStack, presets: Iterable[str]) -> Iterator[list[Walk]]:
    """Start stand-ins, and a deployment that finds them; return what can be walked."""
    town = Town.of({name: all_facts()[name] for name in presets})
    with TemporaryDirectory() as made, internet(town, town.hosts(), Path(made)) as world:
        layer = str(ROOT / "layers" / "common")
        settings = Settings(environment=world.environment(layer), throttled=False)
        deployment = stack.deployment("presets", return_urls=[RETURN_URL], settings=settings)
        with callers(deployment) as clients:
            machine = TimeMachine(deployment)
            yield [
                Walk(name, service, clients, world, machine)
                for name, service in town.services.items()
            ]
        assert town.strays == [], town.strays


def walked(every: Iterable[Walk]) -> Iterator[Outcome]:
    """Walk them all; what does not hold stops nothing of the rest."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield from pool.map(_attempt, every)


def _attempt(walk: Walk) -> Outcome:
    try:
        walk.whole()
    except _FAILURES as exc:
        return Outcome(walk.preset, f"{type(exc).__name__}: {exc}"[:600])
    return Outcome(walk.preset, None)
