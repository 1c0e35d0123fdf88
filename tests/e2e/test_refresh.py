"""Refresh: before a call, by the schedule, once at a time, and what a failure means."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from local.demo.journey import Journey, text_of
from tests.e2e.answers import asked, refusal
from tests.e2e.conftest import Hurry
from tests.e2e.time_machine import TimeMachine

_CONNECTIONS = "ConnectionsTable"
_ENDING, _ENDED = 3500, 3600
"""Ages of a token that lives an hour: within the buffer of five minutes, and over."""
_PARALLEL = 10
_LATER = 60
"""Seconds after which no backoff of a first failure is left."""


@pytest.fixture
def connected(journey: Journey, ana: str) -> Journey:
    """A server that ana is connected to."""
    journey.connect(ana)
    return journey


def test_a_token_that_is_about_to_end_is_renewed_before_the_call(
    connected: Journey, time_machine: TimeMachine, ana: str
) -> None:
    time_machine.age(_CONNECTIONS, _ENDING, ana)
    assert text_of(connected.invoke(ana)) == "alice"
    [refresh] = connected.app.refreshes()
    assert refresh["outcome"] == "ok"
    assert refresh["issued"] not in {None, refresh["presented"]}
    assert connected.tenant.calls()[0]["status"] == 200


def test_a_renewed_token_serves_the_next_calls(
    connected: Journey, time_machine: TimeMachine, ana: str
) -> None:
    time_machine.age(_CONNECTIONS, _ENDED, ana)
    assert [text_of(connected.invoke(ana)) for _ in range(3)] == ["alice"] * 3
    assert len(connected.app.refreshes()) == 1


def test_each_refresh_presents_what_the_last_one_issued(
    connected: Journey, time_machine: TimeMachine, ana: str
) -> None:
    for _ in range(3):
        time_machine.age(_CONNECTIONS, _ENDED, ana)
        assert text_of(connected.invoke(ana)) == "alice"
    line = connected.app.exchanges() + connected.app.refreshes()
    assert [entry["presented"] for entry in line[1:]] == [entry["issued"] for entry in line[:-1]]


def test_a_refresh_token_that_is_not_replaced_is_kept(
    connected: Journey, time_machine: TimeMachine, ana: str
) -> None:
    connected.app.switch(rotate=False)
    for _ in range(2):
        time_machine.age(_CONNECTIONS, _ENDED, ana)
        assert text_of(connected.invoke(ana)) == "alice"
    assert len({entry["presented"] for entry in connected.app.refreshes()}) == 1


def test_parallel_calls_on_an_ended_token_refresh_once(
    connected: Journey, time_machine: TimeMachine, ana: str
) -> None:
    time_machine.age(_CONNECTIONS, _ENDED, ana)
    with ThreadPoolExecutor(_PARALLEL) as pool:
        answers = list(pool.map(connected.invoke, [ana] * _PARALLEL))
    assert [text_of(answer) for answer in answers] == ["alice"] * _PARALLEL
    assert [entry["outcome"] for entry in connected.app.refreshes()] == ["ok"]
    assert [grant["alive"] for grant in connected.app.grants()] == [True]


def test_the_schedule_renews_what_is_due(
    connected: Journey, time_machine: TimeMachine, ana: str
) -> None:
    time_machine.age(_CONNECTIONS, _ENDING, ana)
    tick = connected.callers.deployment.tick()
    assert set(tick.scheduled.values()) == {None}
    assert [delivery.failed for delivery in tick.deliveries] == [0] * len(tick.deliveries)
    assert len(connected.app.refreshes()) == 1
    assert text_of(connected.invoke(ana)) == "alice"
    assert len(connected.app.refreshes()) == 1


def test_the_schedule_leaves_a_fresh_token_alone(connected: Journey) -> None:
    connected.callers.deployment.tick()
    assert connected.app.refreshes() == []


def test_the_schedule_finds_a_dead_grant_before_the_user_does(
    connected: Journey, time_machine: TimeMachine, ana: str
) -> None:
    connected.app.revoke("alice")
    time_machine.age(_CONNECTIONS, _ENDING, ana)
    connected.callers.deployment.tick()
    state = connected.connection(ana).json()
    assert (state["status"], state["reason"]) == ("reconnect_required", "refresh_rejected")
    assert asked(connected.invoke(ana)) == "reconnect_required"


def test_a_dead_grant_asks_to_reconnect_and_is_not_tried_again(
    connected: Journey, ana: str
) -> None:
    connected.app.revoke("alice")
    answers = [connected.invoke(ana) for _ in range(3)]
    assert [asked(answer) for answer in answers] == ["reconnect_required"] * 3
    assert answers[0].json()["failure"].keys() == {"code", "message", "at"}
    assert len(connected.app.refreshes()) == 1


def test_reconnecting_recovers_in_place(connected: Journey, ana: str) -> None:
    before = connected.connection(ana).json()
    connected.app.revoke("alice")
    connected.invoke(ana)
    again = connected.connect(ana)
    assert (again["recovered"], again["account_changed"]) == (True, False)
    assert again["connection"]["created_at"] == before["created_at"]
    assert text_of(connected.invoke(ana)) == "alice"


def test_a_passing_failure_is_not_noticed_while_the_token_serves(
    connected: Journey, time_machine: TimeMachine, ana: str
) -> None:
    time_machine.age(_CONNECTIONS, _ENDING, ana)
    connected.app.switch(token_endpoint_mode="500")
    assert text_of(connected.invoke(ana)) == "alice"
    assert connected.connection(ana).json()["status"] == "active"


@pytest.mark.parametrize("mode", ["500", "close"])
def test_a_passing_failure_on_an_ended_token_is_no_reason_to_reconnect(
    connected: Journey, time_machine: TimeMachine, ana: str, mode: str
) -> None:
    time_machine.age(_CONNECTIONS, _ENDED, ana)
    connected.app.switch(token_endpoint_mode=mode)
    answer = connected.invoke(ana)
    assert refusal(answer) == (503, "temporarily_unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    assert connected.connection(ana).json()["status"] == "active"


def test_a_passing_failure_passes(connected: Journey, time_machine: TimeMachine, ana: str) -> None:
    time_machine.age(_CONNECTIONS, _ENDED, ana)
    connected.app.switch(token_endpoint_mode="500")
    connected.invoke(ana)
    connected.app.switch(token_endpoint_mode="normal")
    time_machine.age(_CONNECTIONS, _LATER, ana)
    assert text_of(connected.invoke(ana)) == "alice"
    assert connected.connection(ana).json()["last_failure"] is None


def test_a_busy_service_is_left_alone_for_as_long_as_it_asks(
    connected: Journey, time_machine: TimeMachine, ana: str
) -> None:
    time_machine.age(_CONNECTIONS, _ENDED, ana)
    connected.app.switch(token_endpoint_mode="429", retry_after="40")
    answers = [connected.invoke(ana) for _ in range(3)]
    assert [refusal(answer)[0] for answer in answers] == [503] * 3
    assert 35 <= int(answers[0].headers["retry-after"]) <= 45  # a random part comes on top
    assert len(connected.app.refreshes()) == 1


def test_a_silent_token_endpoint_is_given_up_in_time(
    connected: Journey, hurry: Hurry, time_machine: TimeMachine, ana: str
) -> None:
    time_machine.age(_CONNECTIONS, _ENDED, ana)
    connected.app.switch(token_endpoint_mode="hang")
    answer = replace(connected, callers=hurry(20.0)).invoke(ana)
    assert refusal(answer)[0] == 503
    assert "retry-after" in answer.headers
    assert len(connected.app.refreshes()) == 1
    assert connected.connection(ana).json()["status"] == "active"


def test_a_lost_answer_that_spent_the_token_is_named_ambiguous(
    connected: Journey, time_machine: TimeMachine, ana: str
) -> None:
    time_machine.age(_CONNECTIONS, _ENDED, ana)
    connected.app.switch(token_endpoint_mode="close", mode_count=1, mode_processes=True)
    connected.invoke(ana)
    time_machine.age(_CONNECTIONS, _LATER, ana)
    assert asked(connected.invoke(ana)) == "reconnect_required"
    assert connected.connection(ana).json()["reason"] == "ambiguous_refresh"
