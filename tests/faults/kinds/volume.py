"""Volume: many connections, several processes, faults drawn at random from a seed."""

import random
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from tests.faults.crew import WorkerGone
from tests.faults.failures import cut, failing, key_throttled, throttled
from tests.faults.families import Family, Misbehaviour, Rotation
from tests.faults.history import checked
from tests.faults.kind import Kind, Tally
from tests.faults.misbehaviour import broken, broken_after, busy, closed, lost, page
from tests.faults.misbehaviour import cut as answer_cut
from tests.faults.proxy import CONNECTIONS, Act, Asked, Cut, Fits
from tests.faults.scenes import Run, advancing, leasing, named, of, opened, releasing
from tests.faults.stage import Stage
from tests.faults.wire import Message
from tests.faults.world import SERVER, World

_LIFE = 240
_PROCESSES = 3
_THREADS = 6

_LOSING = (lost, answer_cut, broken_after)
_HARMLESS = (closed, broken, page, lambda: busy(30))
_SERVICES: tuple[tuple[Fits, Act, bool], ...] = (
    (leasing, failing, False),
    (leasing, cut, True),
    (advancing, failing, False),
    (advancing, throttled, False),
    (advancing, cut, True),
    (advancing, failing, True),
    (releasing, throttled, False),
    (of("GetItem", CONNECTIONS), throttled, False),
    (of("Decrypt"), key_throttled, False),
    (of("SendMessage"), failing, False),
)


@dataclass(frozen=True, slots=True)
class Mix:
    """How often what goes wrong, of a thousand requests."""

    losing: int
    harmless: int
    services: int
    kills: int


def _weather(drawn: random.Random, mix: Mix) -> Callable[[Family], Misbehaviour | None]:
    """Return what goes wrong with the requests to the authorization server."""

    def judge(_: Family) -> Misbehaviour | None:
        dice = drawn.randrange(1_000)
        if dice < mix.losing:
            return drawn.choice(_LOSING)()
        if dice < mix.losing + mix.harmless:
            return drawn.choice(_HARMLESS)()
        return None

    return judge


def _sometimes(drawn: random.Random, per_thousand: int, act: Act) -> Act:
    def maybe(asked: Asked) -> Message | Cut | None:
        return act(asked) if drawn.randrange(1_000) < per_thousand else None

    return maybe


def _round(world: World, users: list[str], drawn: random.Random) -> None:
    """Every user calls in two of three processes; some may die over it."""
    workers = world.crew.healthy(_PROCESSES)
    begun = []
    for number, worker in enumerate(workers):
        mine = [user for place, user in enumerate(users) if place % len(workers) != number]
        drawn.shuffle(mine)
        call = {"server": SERVER, "users": mine, "seconds": 18.0, "threads": _THREADS}
        begun.append(worker.begin("call", **call))
    for each in begun:
        if not isinstance(each.exception(100), WorkerGone):
            each.result()


def _killing(world: World, drawn: random.Random, per_thousand: int) -> Act:
    """Kill a worker at one of its requests, now and then."""

    def maybe(asked: Asked) -> Message | Cut | None:
        if drawn.randrange(10_000) >= per_thousand or not asked.worker.startswith("W"):
            return None
        world.kill(world.crew.named(asked.worker))
        return cut(asked)

    return maybe


def _storm(rotation: Rotation, connections: int, rounds: int, mix: Mix) -> Run:
    def run(stage: Stage) -> Tally:
        drawn = stage.random(f"volume {rotation} {mix}")
        users = list(named("u", connections))
        world = opened(stage, users, rotation, _LIFE)
        with ExitStack() as faults:
            world.service.everybody = _weather(drawn, mix)
            for fits, act, after in _SERVICES if mix.services else ():
                maybe = _sometimes(drawn, mix.services, act)
                rule: dict[str, Any] = {"after" if after else "before": maybe}
                faults.enter_context(world.proxy.rule(fits, required=False, **rule))
            if mix.kills:
                kill = _killing(world, drawn, mix.kills)
                faults.enter_context(world.proxy.rule(lambda _: True, before=kill))
            for _ in range(rounds):
                _round(world, users, drawn)
                worker = world.crew.healthy(1)[0]
                world.deliver(worker, "RescueQueue", world.messages("RescueQueue"))
                world.time.passes(drawn.choice((130, 250, 250, 400)))
                _reconnect(world, users, rotation)
        world.service.everybody = None
        return checked(world, world.crew.healthy(1)[0], users)

    return run


def _reconnect(world: World, users: list[str], rotation: Rotation) -> None:
    """Whoever is asked to connects again."""
    ended = [user for user in users if world.grants[user][-1].ended]
    world.connect_all(ended[: len(ended) // 2], rotation, _LIFE)


_CALM = Mix(losing=0, harmless=0, services=0, kills=0)
_ROUGH = Mix(losing=30, harmless=60, services=15, kills=0)
_DEADLY = Mix(losing=10, harmless=20, services=5, kills=20)

KINDS = tuple(
    Kind(f"{name}, {rotation}", fault, outcome, _storm(rotation, 60, rounds, mix))
    for name, fault, outcome, rounds, mix in (
        (
            "volume without faults",
            "60 connections refreshed again and again, by calls of three processes at once",
            "one refresh request each time",
            10,
            _CALM,
        ),
        (
            "volume with random faults",
            "the same, with answers, tables, keys and queues failing at random",
            "every set is stored, or its answer was lost",
            10,
            _ROUGH,
        ),
        (
            "volume with random kills",
            "the same, with processes killed at random requests",
            "every set is stored, or its answer was lost",
            6,
            _DEADLY,
        ),
    )
    for rotation in Rotation
)
