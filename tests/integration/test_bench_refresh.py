"""The benchmark of the refresh: a few refreshes of it, whose numbers say what happened."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import costs
from benchmarks.refresh.measured import TABLE, Measured
from benchmarks.refresh.rounds import WARM_UP, Plan, measure
from benchmarks.refresh.surroundings import Surroundings, surroundings

PLAN = Plan({1: 1, 3: 3}, answers_ms=(0,), rounds=1, ticks=1)


@pytest.fixture(scope="module")
def around() -> Iterator[Surroundings]:
    with surroundings() as running:
        yield running


@pytest.fixture(scope="module")
def measured(around: Surroundings) -> Measured:
    return measure(around, PLAN)


def test_every_cell_is_measured_once(measured: Measured) -> None:
    assert [(cell.in_flight, cell.answer_ms) for cell in measured.cells] == [(1, 0), (3, 0)]
    assert all(cell.refreshes_per_second > 0 and cell.cpu_ms > 0 for cell in measured.cells)


def test_the_token_endpoint_refreshed_as_often_as_was_measured(
    around: Surroundings, measured: Measured
) -> None:
    round_trips, warm_up = 6, WARM_UP * len(measured.cells)
    assert around.refreshed() == round_trips + warm_up + sum(PLAN.refreshes.values())


def test_the_requests_of_a_refresh_are_those_of_the_cost_tables(measured: Measured) -> None:
    assert measured.cold == costs.REFRESH | {"token request": 1}
    assert measured.warm == costs.REFRESH | {"token request": 1, "Decrypt": 2}
    asked = costs.REFRESH["GetItem"] + costs.REFRESH["UpdateItem"]
    assert measured.round_trips()[TABLE] == asked


def test_what_was_measured_is_read_as_it_was_written(measured: Measured, tmp_path: Path) -> None:
    file = tmp_path / "measured.json"
    measured.write(file)
    assert Measured.read(file) == measured


def test_a_refresh_that_does_not_happen_is_no_measurement(
    around: Surroundings, measured: Measured
) -> None:
    assert measured  # the worker is not needed any more: it ends here
    url = f"{around.origin}/no-token-endpoint"
    around.ask("register", server_id="crm", token_url=url, users=["jo"])
    with pytest.raises(RuntimeError, match="ended at 'refresh'"):
        around.ask("refresh", server_id="crm", users=["jo"], in_flight=1)
