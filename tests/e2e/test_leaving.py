"""Leaving: disconnect, erase, and what becomes of the tokens at the service."""

from typing import Any

from local.demo.journey import Callers, Journey, text_of
from tests.e2e.answers import asked, refusal
from tests.e2e.conftest import MakeJourney
from tests.e2e.time_machine import TimeMachine

_NEXT_TRY = 130
"""Seconds after which the worker tries a pending revocation again."""
_HOUR = 3700


def _erase(callers: Callers, user_id: str) -> dict[str, Any]:
    answer = callers.chat.delete("/v1/connections", params={"user_id": user_id})
    erased: dict[str, Any] = answer.raise_for_status().json()
    return erased


def test_disconnecting_revokes_at_the_service(journey: Journey, ana: str) -> None:
    journey.connect(ana)
    answer = journey.disconnect(ana).json()
    assert answer == {"status": "disconnected", "revocation": "confirmed"}
    assert [grant["alive"] for grant in journey.app.grants()] == [False]
    assert {entry["outcome"] for entry in journey.app.revocations()} == {"ok"}


def test_who_has_disconnected_is_asked_to_connect(journey: Journey, ana: str) -> None:
    journey.connect(ana)
    journey.disconnect(ana)
    assert asked(journey.invoke(ana)) == "not_connected"
    assert refusal(journey.connection(ana)) == (404, "connection_not_found")


def test_disconnecting_leaves_nothing_of_the_user(
    journey: Journey, time_machine: TimeMachine, ana: str
) -> None:
    journey.connect(ana)
    journey.tools(ana)
    journey.disconnect(ana)
    assert time_machine.age("ConnectionsTable", 0, ana) == 0


def test_who_is_not_connected_cannot_disconnect(journey: Journey, ana: str) -> None:
    assert refusal(journey.disconnect(ana)) == (404, "connection_not_found")


def test_a_user_connects_again_after_leaving(journey: Journey, ana: str) -> None:
    journey.connect(ana)
    journey.disconnect(ana)
    again = journey.connect(ana, "bob")
    assert (again["recovered"], again["account_changed"]) == (False, False)
    assert text_of(journey.invoke(ana)) == "bob"


def test_others_stay_connected(journey: Journey, ana: str, ben: str) -> None:
    journey.connect(ana)
    journey.connect(ben, "bob")
    journey.disconnect(ana)
    assert text_of(journey.invoke(ben)) == "bob"


def test_a_service_without_revocation_is_named_so(blank: Journey, ana: str) -> None:
    blank.register(revocation_endpoint=...)
    blank.connect(ana)
    assert blank.disconnect(ana).json()["revocation"] == "unsupported"
    assert blank.connection(ana).status_code == 404


def test_a_service_that_revokes_no_such_token_is_not_waited_for(journey: Journey, ana: str) -> None:
    journey.connect(ana)
    journey.app.switch(revocation_mode="unsupported")
    assert journey.disconnect(ana).json()["revocation"] in {"unsupported", "failed"}
    assert journey.connection(ana).status_code == 404


def test_a_revocation_that_fails_is_pending_and_the_user_is_gone_at_once(
    journey: Journey, ana: str
) -> None:
    journey.connect(ana)
    journey.app.switch(revocation_mode="500")
    assert journey.disconnect(ana).json()["revocation"] == "pending"
    assert asked(journey.invoke(ana)) == "not_connected"
    assert journey.connection(ana).status_code == 404
    listed = journey.callers.chat.get("/v1/connections", params={"user_id": ana}).json()
    assert listed["connections"] == []


def test_a_pending_revocation_is_finished_by_the_worker(
    journey: Journey, time_machine: TimeMachine, ana: str
) -> None:
    journey.connect(ana)
    journey.app.switch(revocation_mode="500")
    journey.disconnect(ana)
    journey.app.switch(revocation_mode="normal")
    time_machine.age("ConnectionsTable", _NEXT_TRY, ana)
    journey.callers.deployment.tick()
    assert [grant["alive"] for grant in journey.app.grants()] == [False]
    assert time_machine.age("ConnectionsTable", 0, ana) == 0


def test_a_revocation_that_fails_for_an_hour_ends_in_erasure(
    journey: Journey, time_machine: TimeMachine, ana: str
) -> None:
    journey.connect(ana)
    journey.app.switch(revocation_mode="500")
    journey.disconnect(ana)
    time_machine.age("ConnectionsTable", _HOUR, ana)
    journey.callers.deployment.tick()
    assert time_machine.age("ConnectionsTable", 0, ana) == 0


def test_a_user_comes_back_while_a_revocation_is_pending(
    journey: Journey, time_machine: TimeMachine, ana: str
) -> None:
    journey.connect(ana, "alice")
    journey.app.switch(revocation_mode="500")
    journey.disconnect(ana)
    journey.app.switch(revocation_mode="normal")
    journey.connect(ana, "bob")
    time_machine.age("ConnectionsTable", _NEXT_TRY, ana)
    journey.callers.deployment.tick()
    assert text_of(journey.invoke(ana)) == "bob"


def test_erasing_a_user_disconnects_everywhere(
    journeys: MakeJourney, at_bound: Callers, journey: Journey, ana: str, ben: str
) -> None:
    other = journeys(at_bound)
    other.register()
    for each in (journey, other):
        each.connect(ana)
    journey.connect(ben, "bob")
    erased = _erase(at_bound, ana)
    assert (erased["status"], erased["remaining"]) == ("erased", 0)
    confirmed = dict.fromkeys((journey.server_id, other.server_id), "confirmed")
    assert erased["revocations"] == confirmed
    assert [each.connection(ana).status_code for each in (journey, other)] == [404, 404]
    assert text_of(journey.invoke(ben)) == "bob"


def test_erasing_a_user_that_nobody_knows_says_the_same(at_bound: Callers, ana: str) -> None:
    assert _erase(at_bound, ana) == {"status": "erased", "revocations": {}, "remaining": 0}
