"""How the simulation's inputs follow from what was measured, step by step."""

from collections.abc import Iterator

from benchmarks.fleet.assumptions import (
    ANSWER_MS,
    AWS_MS,
    GROUPS,
    SCHEDULER_SECONDS,
    STEP,
    WORKER_VCPU,
    Effort,
    Stack,
)
from benchmarks.fleet.rules import rules_with
from benchmarks.refresh.measured import KEYS, TABLE, Measured
from broker.flows.refresh_scheduler.budget import IN_FLIGHT, clears


def arithmetic_rows(measured: Measured) -> Iterator[str]:
    """Yield the table: what, how, and what comes out."""
    yield "| what | reckoned | is |"
    yield "|---|---|---:|"
    for what, how, value in [*_of_a_worker(measured), *_of_the_schedule(measured)]:
        yield f"| {what} | {how} | {value} |"


def _of_a_worker(measured: Measured) -> Iterator[tuple[str, str, str]]:
    stack, effort, trips = Stack(), Effort.of(measured), measured.round_trips()
    cpu = measured.cpu_ms / WORKER_VCPU
    waits = ANSWER_MS + sum(trips[whom] * wait for whom, wait in AWS_MS.items())
    yield (
        "CPU of a refresh at 512 MB",
        f"{measured.cpu_ms:.1f} ms measured ÷ (512 ÷ 1,769) vCPU",
        f"{cpu:,.0f} ms",
    )
    table, keys = f"{trips[TABLE]} × {AWS_MS[TABLE]:.0f}", f"{trips[KEYS]} × {AWS_MS[KEYS]:.0f}"
    yield "its waits", f"{ANSWER_MS:.0f} + {table} + {keys} ms", f"{waits:,.0f} ms"
    batch = 1000 * IN_FLIGHT * effort.refresh_seconds
    yield (
        f"a batch of {IN_FLIGHT}",
        f"the longer of {IN_FLIGHT} × {cpu:,.0f} and {waits:,.0f} + {cpu:,.0f} ms",
        f"{batch:,.0f} ms",
    )
    yield (
        f"what {stack.workers} workers refresh",
        f"{stack.workers} × {IN_FLIGHT} ÷ {batch / 1000:.3f} s",
        f"{stack.workers / effort.refresh_seconds:,.1f} a second",
    )
    yield (
        "what the scheduler takes them to refresh",
        f"{clears(stack.workers):,} in two minutes",
        f"{clears(stack.workers) / 120:,.1f} a second",
    )


def _of_the_schedule(measured: Measured) -> Iterator[tuple[str, str, str]]:
    stack, effort = Stack(), Effort.of(measured)
    claims = effort.claims_a_tick / 60
    period = rules_with(stack).period * STEP
    yield (
        "what one scheduler claims",
        f"{SCHEDULER_SECONDS:.0f} s ÷ {measured.scheduling.claim_cpu_ms:.1f} ms, a minute",
        f"{claims:,.0f} a second",
    )
    yield (
        "until a token set is due again",
        f"3,600 s less {3600 - period:,.0f} s ahead, on average",
        f"{period:,.0f} s",
    )
    yield (
        "connections in use that the workers keep fresh",
        f"{stack.workers / effort.refresh_seconds:,.1f} × {period:,.0f}",
        f"{stack.workers / effort.refresh_seconds * period:,.0f}",
    )
    yield (
        "that one scheduler keeps fresh",
        f"{claims:,.0f} × {period:,.0f}",
        f"{claims * period:,.0f}",
    )
    yield (
        "of one authorization server, at its pace",
        f"{stack.pace} × {period:,.0f}",
        f"{stack.pace * period:,.0f}",
    )
    yield (
        "so many in all, if the largest has its share",
        f"{stack.pace * period:,.0f} ÷ {GROUPS[0].share:.0%}",
        f"{stack.pace * period / GROUPS[0].share:,.0f}",
    )
