"""Every cause is named for the mistake that really causes it, and for no other."""

import json

import pytest

from broker.diagnosis import Cause
from local.demo.journey import Callers
from local.demo.neighbours import Neighbours
from local.demo.sweep import secrets_in
from tests.e2e.conftest import MakeJourney
from tests.e2e.mistake_bench import Bench, Mistake, causes, report_of
from tests.e2e.mistakes import ELSEWHERE, MISTAKES, confused, table
from tests.e2e.stranger import Stranger
from tests.e2e.time_machine import TimeMachine

_SHORTEST = 12


@pytest.fixture
def bench(
    journeys: MakeJourney,
    at_bound: Callers,
    stranger: Stranger,
    time_machine: TimeMachine,
    further_parties: Neighbours,
) -> Bench:
    journey = journeys(at_bound)
    journey.register()
    return Bench(journey, stranger, time_machine, further_parties)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_is_named_and_nothing_else_is(bench: Bench, mistake: Mistake) -> None:
    report = report_of(bench, mistake)
    assert causes(report) == [mistake.cause], report["report"]
    told = json.dumps(report, ensure_ascii=False)
    single_use = {value for value in secrets_in(bench.visited) if len(value) > _SHORTEST}
    assert [one for one in single_use | {bench.journey.app.client_secret} if one in told] == []


def test_every_cause_has_a_mistake_that_causes_it() -> None:
    assert {one.cause for one in MISTAKES} | ELSEWHERE.keys() == set(Cause)
    assert {one.cause for one in MISTAKES} & ELSEWHERE.keys() == set()


def test_no_two_mistakes_are_the_same() -> None:
    assert len({one.name for one in MISTAKES}) == len(MISTAKES)


def test_the_table_shows_what_was_confused() -> None:
    one, other = Mistake("a fish", "fishy"), Mistake("a bird", "bird")
    observed = {one: ["fishy"], other: ["fishy", "bird"]}
    assert confused(observed) == [other]
    assert table(observed).splitlines() == [
        "bird   bird 1, fishy 1",
        "fishy  fishy 1",
        "2 mistakes, 2 causes, 1 confused",
    ]


def test_a_mistake_that_nothing_was_named_for_is_in_the_table() -> None:
    observed: dict[Mistake, list[str]] = {Mistake("a fish", "fishy"): []}
    assert table(observed).splitlines() == ["fishy  (none) 1", "1 mistakes, 1 causes, 1 confused"]
