"""The simulated fleet: nobody is lost in it, and it does what can be reckoned by hand."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.fleet.assumptions import DAY, GROUPS, STEP, TICK, WORKER_VCPU, Effort, Stack
from benchmarks.fleet.due_index import EXPIRED, NEVER, DueIndex
from benchmarks.fleet.fairness import shares
from benchmarks.fleet.queue import DONE
from benchmarks.fleet.rules import rules_with
from benchmarks.fleet.scenarios import COLD_START, NORMAL, SCENARIOS, Fleet, Scenario
from benchmarks.fleet.simulation import Simulation
from broker.flows.refresh_scheduler.fairness import share
from broker.storage.authorization_servers import WINDOW
from broker.storage.schedule import Due
from tests.unit.transformed import functions, source

EFFORT = Effort(refresh_seconds=0.1, look_seconds=0.02, claims_a_tick=10_000.0)
HOUR = 3600 // STEP
SOON = Scenario("the first server away from the start", away=range(3 * HOUR))
demands_of_groups = st.lists(
    st.tuples(st.integers(1, 20), st.integers(0, 60)), min_size=1, max_size=6
)


def connections(simulation: Simulation) -> float:
    """Count whoever is kept fresh, wherever they are just now."""
    found = 0.0
    for service in simulation.services:
        for index in (service.late, service.put_off, service.fresh):
            for cohorts in index._by_due.values():
                kept = sum(number for expiry, number in cohorts.items() if expiry != NEVER)
                found += service.group.servers * index._left * kept
    for batch in simulation.workers.queue:
        for load in batch.loads:
            waiting = (n for expiry, n in load.waiting.items() if expiry not in (NEVER, DONE))
            found += load.service.group.servers * sum(waiting)
    return found


@pytest.mark.parametrize("scenario", [*SCENARIOS, SOON], ids=lambda scenario: scenario.name)
@pytest.mark.parametrize("stack", [Stack(), Stack(workers=2, pace=1)], ids=["default", "narrow"])
def test_no_connection_is_lost_and_none_is_made(scenario: Scenario, stack: Stack) -> None:
    simulation = Simulation(Fleet(40_000), scenario, EFFORT, stack)
    simulation.run(4 * HOUR)
    assert connections(simulation) == pytest.approx(4_000, rel=1e-6)


def test_a_normal_day_refreshes_as_often_as_the_policy_says() -> None:
    fleet = Fleet(10_000)
    told = Simulation(fleet, NORMAL, EFFORT).run()
    wait = TICK / 2  # until the tick that finds it, on average
    by_hand = fleet.active * DAY / (rules_with(Stack()).period + wait)
    keep_alives = fleet.idle * 1.2 * 12 / 365
    assert told.refreshes == pytest.approx(by_hand + keep_alives, rel=0.01)
    assert told.in_time == 1.0


def test_more_than_the_workers_can_do_is_done_at_their_speed() -> None:
    told = Simulation(Fleet(10**6, refresh_all=True), NORMAL, EFFORT).run(6 * HOUR)
    assert told.refreshes == pytest.approx(5 / 0.1 * 6 * 3600, rel=0.01)
    assert told.workers_busy == pytest.approx(5)
    assert told.in_time < 0.1


def test_no_server_is_sent_more_than_its_pace() -> None:
    stack = Stack(workers=500, pace=2)
    told = Simulation(Fleet(10**6), NORMAL, EFFORT, stack).run(6 * HOUR)
    servers = sum(group.servers for group in GROUPS)
    assert told.refreshes <= servers * 2 * 6 * 3600 * 1.001
    assert told.looks > 0


def test_a_server_that_is_away_is_sent_probes_and_the_others_do_not_notice() -> None:
    simulation = Simulation(Fleet(40_000), SOON, EFFORT)
    told = simulation.run(3 * HOUR)
    assert told.failing.ahead == told.failing.by_calls == 0
    assert told.failing.missed == pytest.approx(800)
    assert told.others.in_time == 1.0
    assert simulation.services[0].struggles
    assert told.recovered == 3 * HOUR


def test_after_an_outage_everybody_is_fresh_again_within_the_longest_wait() -> None:
    told = Simulation(Fleet(40_000), SOON, EFFORT).run(4 * HOUR)
    assert told.recovered
    assert 3 * HOUR < told.recovered <= 3 * HOUR + 16 * TICK


def test_a_cold_start_is_as_fast_as_workers_and_schedule() -> None:
    stack = Stack(workers=3)
    told = Simulation(Fleet(10**5), COLD_START, EFFORT, stack).run(HOUR)
    within = min(rules_with(stack).leads) * STEP * 3 / 0.1
    assert told.others.missed + told.failing.missed == pytest.approx(0, abs=1)
    assert within > 10**4  # what is due at once fits into the lead, but not into a tick
    assert told.most_due == pytest.approx(10**4 - 3 * 5 * 120, abs=10)


def test_calls_refresh_what_the_workers_do_not_reach() -> None:
    told = Simulation(Fleet(10**6, refresh_all=True), NORMAL, EFFORT, Stack(workers=2)).run()
    assert told.others.by_calls > 0


@settings(deadline=None)
@given(demands_of_groups, st.integers(0, 3000))
def test_shares_are_max_min_fair(demands: list[tuple[int, float]], room: int) -> None:
    given_to = shares(demands, room)
    servers = sum(number for number, _ in demands)
    together = sum(number * each for (number, _), each in zip(demands, given_to, strict=True))
    wanted = sum(number * each for number, each in demands)
    assert together == pytest.approx(min(room, wanted))
    for (_, demand), each in zip(demands, given_to, strict=True):
        assert each <= demand
        assert each >= min(demand, room / servers) * (1 - 1e-9)


@settings(deadline=None)
@given(demands_of_groups, st.integers(0, 3000))
def test_shares_are_those_of_the_scheduler(demands: list[tuple[int, float]], room: int) -> None:
    due = [
        Due(f"user-{n}", f"server-{place}-{server}", n)
        for place, (servers, demand) in enumerate(demands)
        for server in range(servers)
        for n in range(int(demand))
    ]
    chosen = share(due, room)
    for place, each in enumerate(shares(demands, room)):
        for server in range(demands[place][0]):
            got = sum(one.server_id == f"server-{place}-{server}" for one in chosen)
            assert math.floor(each + 1e-6) <= got <= math.ceil(each - 1e-6)


def test_the_policy_is_asked_when_a_token_set_is_due() -> None:
    rules = rules_with(Stack())
    assert sum(rules.leads.values()) == pytest.approx(1)
    assert {lead * STEP for lead in rules.leads} <= set(range(300 + 120, 300 + 151))
    assert (rules.lifetime * STEP, rules.buffer * STEP) == (3600, 300)


def test_an_index_gives_what_it_was_given() -> None:
    index = DueIndex()
    index.add(1, EXPIRED, 8.0)
    assert index.thin(0.25) == 2.0
    index.add(1, EXPIRED, 4.0)
    assert index.overdue(1) == pytest.approx(10.0)
    assert sum(cohort.number for cohort in index.take(1, 4.0)) == pytest.approx(4.0)
    assert sum(cohort.number for cohort in index.take(1, 9.0)) == pytest.approx(6.0)
    assert index.overdue(1) == 0


def test_the_stack_is_that_of_the_template() -> None:
    stack = Stack()
    parameters = {
        name: each["Default"] for name, each in source()["Parameters"].items() if "Default" in each
    }
    assert str(stack.workers) == parameters["WorkerConcurrency"]
    assert str(stack.pace) == parameters["RefreshesPerSecond"]
    assert str(stack.buffer_seconds) == parameters["RefreshBufferSeconds"]
    assert functions()["RefreshWorkerFunction"]["MemorySize"] == round(WORKER_VCPU * 1769)
    assert functions()["RefreshSchedulerFunction"]["MemorySize"] == 1769


def test_a_step_is_as_long_as_the_paces_count() -> None:
    assert STEP == WINDOW
