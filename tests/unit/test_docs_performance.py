"""The page on performance: its tables are what measured.json leads to, and their sums are right."""

from decimal import Decimal

import pytest

from benchmarks import costs
from benchmarks.documents import tables_in
from benchmarks.fleet import money
from benchmarks.fleet.arithmetic import arithmetic_rows
from benchmarks.fleet.assumptions import CALLS_AN_HOUR, IN_USE, KEEP_ALIVES_A_MONTH, Effort
from benchmarks.fleet.needs import GOAL, needed
from benchmarks.fleet.scenarios import COLD_START, NORMAL, SCENARIOS, SIZES, Fleet, Scenario
from benchmarks.fleet.tables import demand_rows, fleet_rows, fleets, month_rows, run
from benchmarks.refresh.__main__ import tables as measured_tables
from benchmarks.refresh.measured import Measured
from tests.unit.documents import page

MEASURED = Measured.read()
WRITTEN = tables_in()
POLICIES = {"in use": False, "all": True}
MADE_AGAIN = [size for size in SIZES if size < 10**8]


def cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_the_tables_of_what_was_measured_are_those_of_the_file() -> None:
    for name, table in measured_tables(MEASURED).items():
        assert WRITTEN[name].strip("\n") == table


def test_the_arithmetic_and_the_demand_follow_from_what_was_measured() -> None:
    assert WRITTEN["arithmetic"] == "\n".join(arithmetic_rows(MEASURED))
    assert WRITTEN["demand"] == "\n".join(demand_rows(MEASURED))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("size", MADE_AGAIN)
def test_a_day_comes_to_what_is_written(size: int, policy: str, scenario: Scenario) -> None:
    done = run(Fleet(size, refresh_all=POLICIES[policy]), scenario, MEASURED)
    head, rule, row = fleet_rows([done], MEASURED)
    written = WRITTEN[f"fleet-{size}"].splitlines()
    assert written[:2] == [head, rule]
    place = list(POLICIES).index(policy) * len(SCENARIOS) + SCENARIOS.index(scenario)
    assert written[2 + place] == row


@pytest.mark.parametrize("fleet", fleets(SIZES[0]), ids=["in-use", "all"])
def test_a_month_costs_what_is_written(fleet: Fleet) -> None:
    name = "all" if fleet.refresh_all else "in-use"
    assert WRITTEN[f"month-{name}"] == "\n".join(month_rows(fleet, MEASURED))


def test_every_product_and_every_sum_of_a_month_is_right() -> None:
    for name in ("in-use", "all"):
        _, _, *rows, together = map(cells, WRITTEN[f"month-{name}"].splitlines())
        sums = [Decimal(row[3].replace(",", "")) for row in rows]
        for row, dollars in zip(rows, sums, strict=True):
            number, price = (Decimal(text.replace(",", "")) for text in row[1:3])
            # The count is shown without its fraction, hence a unit of play beside the cent.
            assert abs(number * price - dollars) <= Decimal("0.005") + price
        assert Decimal(together[3].strip("*").replace(",", "")) == sum(sums)


def test_simulated_refreshes_agree_with_the_cost_tables() -> None:
    day = run(Fleet(SIZES[0]), NORMAL, MEASURED).told
    a_month = Decimal(day.refreshes) * costs.HOURS / 24 / SIZES[0] * costs.MILLION
    reckoned = sum(line.count for line in costs.connections().lines[2:])
    assert abs(a_month / reckoned - 1) < Decimal("0.02")


def test_every_size_has_every_day() -> None:
    for size in SIZES:
        rows = [cells(row)[:2] for row in WRITTEN[f"fleet-{size}"].splitlines()[2:]]
        assert rows == [[policy, day.name] for policy in POLICIES for day in SCENARIOS]


def missed() -> set[tuple[str, str, str]]:
    """Return the days on which the goal is missed: of an outage, at the other servers."""
    found = set()
    for size in SIZES:
        for row in WRITTEN[f"fleet-{size}"].splitlines()[2:]:
            policy, day, every, others = cells(row)[:4]
            share = others if "outage" in day else every
            if float(share.removesuffix(" %")) < 100 * GOAL:
                found.add((f"{size:,}", policy, day))
    return found


SHORT_OF_THE_GOAL = 0.002
"""What the reckoned settings may lack where everything is due at once, as the page says."""


def test_every_day_that_misses_the_goal_says_what_it_would_take() -> None:
    rows = [cells(row) for row in WRITTEN["needs"].splitlines()[2:]]
    assert {tuple(row[:3]) for row in rows} == missed()
    for row in rows:
        share = row[8] if "outage" in row[2] else row[7]
        lacks = SHORT_OF_THE_GOAL if row[2] == COLD_START.name else 0
        assert float(share.removesuffix(" %")) >= 100 * (GOAL - lacks), row


def test_a_million_in_use_at_once_need_what_is_written() -> None:
    fleet = Fleet(10**6)
    stack = needed(fleet, COLD_START, Effort.of(MEASURED))
    [row] = [
        cells(row)
        for row in WRITTEN["needs"].splitlines()
        if row.startswith("| 1,000,000 | in use | all due at once |")
    ]
    settings = (stack.workers, stack.pace, stack.buffer_seconds, stack.schedulers)
    assert [f"{setting}" for setting in settings] == [cell.replace(",", "") for cell in row[3:7]]
    share = float(row[7].removesuffix(" %")) / 100
    shown = run(fleet, COLD_START, MEASURED, stack).told.in_time
    assert shown == pytest.approx(share, abs=1e-5)


def test_the_habits_are_those_of_the_cost_tables_and_of_the_page() -> None:
    assert Decimal(str(IN_USE)) == costs.IN_USE
    assert Decimal(str(KEEP_ALIVES_A_MONTH)) == costs.KEEP_ALIVES_A_MONTH
    rows = page("docs/performance.md").text
    assert "| connections in use | 10 %, the same all day |" in rows
    assert f"| {KEEP_ALIVES_A_MONTH} a month |" in rows
    assert CALLS_AN_HOUR == 1


def test_a_message_for_which_nothing_is_sent_costs_less_than_a_refresh() -> None:
    assert 0 < money.look_price(MEASURED) < money.refresh_price()
