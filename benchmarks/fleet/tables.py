"""The tables of docs/performance.md that the simulation makes."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.fleet import money
from benchmarks.fleet.assumptions import GROUPS, STEP, Effort, Stack
from benchmarks.fleet.needs import GOAL, needed, possible
from benchmarks.fleet.outcome import Outcome
from benchmarks.fleet.rules import rules_with
from benchmarks.fleet.scenarios import NORMAL, SCENARIOS, SIZES, STEPS, Fleet, Scenario
from benchmarks.fleet.simulation import Simulation
from benchmarks.refresh.measured import KEYS, Measured


@dataclass(frozen=True, slots=True)
class Run:
    """One day of one fleet, with what came of it."""

    fleet: Fleet
    scenario: Scenario
    stack: Stack
    told: Outcome

    @property
    def holds(self) -> bool:
        """Return whether the goal holds, for all that the day lets be refreshed."""
        share = self.told.others if self.scenario.away else self.told
        return share.in_time >= GOAL


def run(fleet: Fleet, scenario: Scenario, measured: Measured, stack: Stack | None = None) -> Run:
    """Let a day pass."""
    stack = stack or Stack()
    simulation = Simulation(fleet, scenario, Effort.of(measured), stack)
    return Run(fleet, scenario, stack, simulation.run(STEPS))


def fleets(size: int) -> tuple[Fleet, Fleet]:
    """Return both policies."""
    return Fleet(size), Fleet(size, refresh_all=True)


def runs(size: int, measured: Measured) -> list[Run]:
    """Return every day of a size, with the template's defaults."""
    return [run(fleet, day, measured) for fleet in fleets(size) for day in SCENARIOS]


def fleet_rows(done: Sequence[Run], measured: Measured) -> Iterator[str]:
    """Yield the table of one size."""
    yield (
        "| refreshed | day | before expiry | other servers | time expired |"
        " queue age: half, 99 %, all | most left due | due for |"
        " writes a second and shard | workers busy | $ a million |"
    )
    yield "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    for one in done:
        told = one.told
        ages = ", ".join(f"{told.age(share)} s" for share in (0.5, 0.99, 1.0))
        expired = told.expired_steps / one.fleet.active / STEPS
        yield (
            f"| {_policy(one.fleet)} | {one.scenario.name} | {_share(told.in_time)} |"
            f" {_share(told.others.in_time)} | {_share(expired)} | {ages} |"
            f" {told.most_due:,.0f} | {_minutes(told.longest_due)} |"
            f" {told.writes_per_shard:.2f} | {told.workers_busy:.1f} |"
            f" {money.day_dollars(one.fleet, told, measured):,.2f} |"
        )


def need_rows(missed: Sequence[Run], measured: Measured) -> Iterator[str]:
    """Yield the table of what those days need that the defaults do not hold."""
    yield (
        "| connections | refreshed | day | `WorkerConcurrency` | `RefreshesPerSecond` |"
        " `RefreshBufferSeconds` | schedulers | before expiry | other servers | due for |"
        " writes a second and shard | possible |"
    )
    yield "|---:|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---|"
    for one in missed:
        stack = needed(one.fleet, one.scenario, Effort.of(measured))
        again = run(one.fleet, one.scenario, measured, stack)
        yield (
            f"| {one.fleet.connections:,} | {_policy(one.fleet)} | {one.scenario.name} |"
            f" {stack.workers:,} | {stack.pace:,} | {stack.buffer_seconds} | {stack.schedulers} |"
            f" {_share(again.told.in_time)} | {_share(again.told.others.in_time)} |"
            f" {_minutes(again.told.longest_due)} | {again.told.writes_per_shard:,.1f} |"
            f" {'yes' if possible(stack) else 'no'} |"
        )


def demand_rows(measured: Measured) -> Iterator[str]:
    """Yield what a normal day asks for in a second."""
    yield (
        "| connections | refreshed | refreshes a second | of the largest server | write units |"
        " KMS requests | workers |"
    )
    yield "|---:|---|---:|---:|---:|---:|---:|"
    effort = Effort.of(measured)
    seconds = rules_with(Stack()).period * STEP
    for size in SIZES:
        for fleet in fleets(size):
            rate = fleet.active / seconds
            yield (
                f"| {size:,} | {_policy(fleet)} | {rate:,.1f} | {rate * GROUPS[0].share:,.1f} |"
                f" {rate * float(money.write_units()):,.0f} |"
                f" {rate * measured.round_trips()[KEYS]:,.0f} |"
                f" {rate * effort.refresh_seconds:,.1f} |"
            )


def month_rows(fleet: Fleet, measured: Measured) -> Iterator[str]:
    """Yield the bill of a month of normal days."""
    return money.month(fleet, run(fleet, NORMAL, measured).told, measured).rows()


def _policy(fleet: Fleet) -> str:
    return "all" if fleet.refresh_all else "in use"


def _share(share: float) -> str:
    """Return a percentage that never claims more than there is: cut off, not rounded."""
    if share > 1 - 1e-7:
        return "100 %"
    return f"{math.floor(share * 100_000) / 1000:.3f} %" if share else "0"


def _minutes(steps: int) -> str:
    seconds = steps * STEP
    return f"{seconds} s" if seconds < 600 else f"{seconds / 60:,.0f} min"
