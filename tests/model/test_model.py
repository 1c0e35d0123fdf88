"""The refresh protocol, searched through as far as a test run allows; ``make model`` does all."""

from dataclasses import replace

import pytest

from tests.model.__main__ import main, summary
from tests.model.invariants import Invariant
from tests.model.scenarios import CALL, CONNECT, DEAD, DISCONNECT, EVERYTHING, SCENARIOS, of
from tests.model.search import Found, explore, wander
from tests.model.state import Faults, Scenario
from tests.model.variants import BlindWrite, Unleased

BOUND = 600
"""States of each scenario that are looked at here."""
TWO_CALLS = Scenario("two calls", (of(CALL, 2),), begins_at=DEAD)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_no_invariant_is_violated(scenario: Scenario) -> None:
    found = explore(scenario, BOUND)
    assert found.violation is None, "\n".join(found.trace)


def test_everything_at_once_is_walked_through_at_random() -> None:
    found = wander(EVERYTHING, seed=1, walks=20)
    assert found.violation is None, "\n".join(found.trace)
    assert found.states > 400


def test_a_search_sees_the_same_states_each_time() -> None:
    first, second = explore(TWO_CALLS), explore(TWO_CALLS)
    assert first.complete
    assert (first.states, first.transitions) == (second.states, second.transitions)
    assert first.states > 30


def test_more_that_goes_wrong_is_more_to_see() -> None:
    worse = replace(TWO_CALLS, faults=Faults(crashes=1, lost=1))
    assert explore(worse).states > explore(TWO_CALLS).states


def test_a_bound_is_said_to_be_one() -> None:
    found = explore(TWO_CALLS, 20)
    assert (found.complete, found.violation) == (False, None)


def test_a_protocol_without_a_lease_is_found_out_at_once() -> None:
    found = explore(replace(TWO_CALLS, parts=Unleased), 2_000)
    assert found.violation
    assert found.violation.invariant is Invariant.PRESENTED_ONCE


def test_a_violation_comes_with_its_steps_in_words() -> None:
    found = explore(replace(TWO_CALLS, parts=Unleased), 2_000)
    assert any("a call [650] starts and reads" in step for step in found.trace)
    assert "sends r0.0" in found.trace[-1]


def test_a_walk_finds_a_violation_as_well() -> None:
    specs = (CALL, DISCONNECT, CONNECT)
    found = wander(Scenario("blind", specs, parts=BlindWrite, begins_at=DEAD), seed=1, walks=400)
    assert found.violation
    assert found.trace


def test_every_kind_of_fault_is_in_some_scenario() -> None:
    for name in Faults._fields:
        assert any(getattr(scenario.faults, name) for scenario in SCENARIOS), name


def test_a_fault_that_never_happens_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([replace(TWO_CALLS, faults=Faults(unrevoked=1))]) == 1
    assert "never happened: unrevoked" in capsys.readouterr().out


def test_the_last_line_counts() -> None:
    found = [Found(TWO_CALLS, states=7), Found(TWO_CALLS, states=5)]
    assert summary(found) == "model: 2 scenarios, 12 states, 0 violations"


def test_a_violation_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([replace(TWO_CALLS, parts=Unleased)]) == 1
    said = capsys.readouterr().out
    assert Invariant.PRESENTED_ONCE in said
    assert said.endswith("states, 1 violations\n")
