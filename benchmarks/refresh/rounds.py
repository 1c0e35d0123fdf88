"""The rounds of the benchmark: every cell once in each, since a machine's noise comes and goes."""

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from benchmarks.refresh.measured import Cell, Measured, Scheduling
from benchmarks.refresh.surroundings import Surroundings

WARM_UP = 2


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    refreshes: Mapping[int, int]
    """How many of a cell, by what is in flight."""
    answers_ms: tuple[int, ...] = (0, 50, 300)
    rounds: int = 3
    ticks: int = 3
    seconds: float = 60.0
    """No further round is begun after this."""

    @property
    def users(self) -> list[str]:
        """Who is connected to each server: enough for the widest cell, and some to warm up."""
        return [f"user-{n}" for n in range(max(self.refreshes.values()) + WARM_UP)]


FULL = Plan({1: 8, 8: 24, 32: 48})


def measure(around: Surroundings, plan: Plan) -> Measured:
    """Run all rounds; raise where a refresh did not happen, or happened twice."""
    began = time.monotonic()
    for answer_ms in plan.answers_ms:
        url = f"{around.origin}/token/{answer_ms}"
        around.ask("register", server_id=_server(answer_ms), token_url=url, users=plan.users)
    cold, warm = _round_trips(around, plan)
    look_cpu, look = _looks(around, plan)
    scheduling = _scheduling(around, plan)
    rounds: list[list[Cell]] = []
    while not rounds or (len(rounds) < plan.rounds and time.monotonic() - began < plan.seconds):
        rounds.append(list(_round(around, plan)))
    cells = tuple(Cell.median_of(cell) for cell in zip(*rounds, strict=True))
    return Measured(
        around.store.name,
        os.process_cpu_count() or 1,
        round(os.getloadavg()[0], 1),
        len(rounds),
        cells,
        cold,
        warm,
        look_cpu,
        look,
        scheduling,
    )


def _round(around: Surroundings, plan: Plan) -> Iterator[Cell]:
    for answer_ms in plan.answers_ms:
        for in_flight, number in plan.refreshes.items():
            yield _cell(around, answer_ms, in_flight, plan.users[: number + WARM_UP])


def _cell(around: Surroundings, answer_ms: int, in_flight: int, users: list[str]) -> Cell:
    """Measure a warm container: its clients are made, its data keys are those of other users."""
    server_id = _server(answer_ms)
    around.ask("restart")
    around.ask("refresh", server_id=server_id, users=users[:WARM_UP], in_flight=1)
    told = around.ask("refresh", server_id=server_id, users=users[WARM_UP:], in_flight=in_flight)
    number, wall, cpu = len(users) - WARM_UP, told["wall"], told["cpu"]
    store_cpu = told["store_cpu"]
    store_busy = None if store_cpu is None else store_cpu / wall
    return Cell(in_flight, answer_ms, number / wall, 1000 * cpu / number, cpu / wall, store_busy)


def _round_trips(around: Surroundings, plan: Plan) -> tuple[dict[str, int], dict[str, int]]:
    """Count thrice: the first refresh of each ten seconds begins the count of its pace anew."""
    first, second, *_ = plan.users
    cold, warm = [], []
    for _ in range(3):
        around.ask("restart")
        cold.append(_requests(around, plan, first))
        warm.append(_requests(around, plan, second))
    return min(cold, key=_together), min(warm, key=_together)


def _together(requests: Mapping[str, int]) -> int:
    return sum(requests.values())


def _looks(around: Surroundings, plan: Plan) -> tuple[float, dict[str, int]]:
    """Look at connections that are due, to a server that asked to be left alone."""
    server_id = _server(plan.answers_ms[0])
    told = around.ask("put_off", server_id=server_id, users=plan.users)
    number = len(plan.users)
    each = {operation: round(sent / number) for operation, sent in told["sent"].items()}
    return round(1000 * told["cpu"] / number, 1), {name: n for name, n in each.items() if n}


def _requests(around: Surroundings, plan: Plan, user: str) -> dict[str, int]:
    server_id = _server(plan.answers_ms[0])
    refreshed = around.refreshed()
    told = around.ask("refresh", server_id=server_id, users=[user], in_flight=1)
    return {**told["sent"], "token request": around.refreshed() - refreshed}


def _scheduling(around: Surroundings, plan: Plan) -> Scheduling:
    """Compare a tick that finds something with one that finds nothing."""
    for answer_ms in plan.answers_ms:
        around.ask("postpone", server_id=_server(answer_ms), users=plan.users)
    found = [_tick(around, plan, plan.users) for _ in range(plan.ticks)]
    idle = [_tick(around, plan, []) for _ in range(plan.ticks)]
    (tick_cpu, tick_sent), (cpu, sent) = _middle(idle), _middle(found)
    number = len(plan.users)
    return Scheduling(
        round(1000 * tick_cpu, 1),
        round(1000 * (cpu - tick_cpu) / number, 2),
        round((sent - tick_sent) / number, 2),
    )


def _tick(around: Surroundings, plan: Plan, users: list[str]) -> tuple[float, int]:
    told = around.ask("tick", server_id=_server(plan.answers_ms[0]), users=users)
    return told["cpu"], sum(told["sent"].values())


def _middle(ticks: list[tuple[float, int]]) -> tuple[float, int]:
    return sorted(ticks)[len(ticks) // 2]


def _server(answer_ms: int) -> str:
    return f"answers-after-{answer_ms}-ms"
