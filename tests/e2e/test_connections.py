"""Connections as chat and builder read them; parameters, and who learns of whom."""

from typing import Any

import pytest

from local.demo.journey import Callers, Journey
from tests.e2e.answers import description, refusal
from tests.e2e.conftest import MakeJourney


def _of(callers: Callers, **query: Any) -> Any:
    return callers.chat.get("/v1/connections", params=query)


def test_a_users_connections_are_listed_with_their_state(
    journeys: MakeJourney, at_bound: Callers, journey: Journey, ana: str
) -> None:
    other = journeys(at_bound)
    other.register(name="Tide Desk")
    journey.connect(ana, "alice")
    other.connect(ana, "bob")
    listed = {
        each["server"]["id"]: (each["server"]["name"], each["account"], each["status"])
        for each in _of(at_bound, user_id=ana).json()["connections"]
    }
    assert listed == {
        journey.server_id: ("Harbor CRM", "alice@example.com", "active"),
        other.server_id: ("Tide Desk", "bob@example.com", "active"),
    }


def test_a_connection_that_fails_shows_its_last_failure(journey: Journey, ana: str) -> None:
    journey.connect(ana)
    journey.app.revoke("alice")
    journey.invoke(ana)
    failure = journey.connection(ana).json()["last_failure"]
    assert failure.keys() == {"code", "message", "at"}


def test_nobody_learns_whether_another_user_exists(journey: Journey, ana: str, ben: str) -> None:
    journey.connect(ana)
    unknown = journey.connection(ben)
    never = journey.connection(f"{ben}-who-never-was")
    assert refusal(unknown) == refusal(never) == (404, "connection_not_found")
    assert description(unknown) == description(never)


def test_a_user_whom_nobody_knows_has_no_connections(at_bound: Callers, ana: str) -> None:
    assert _of(at_bound, user_id=ana).json()["connections"] == []


def test_the_builder_sees_who_is_connected(journey: Journey, ana: str, ben: str) -> None:
    journey.connect(ana)
    journey.connect(ben, "bob")
    path = f"/v1/servers/{journey.server_id}/connections"
    listed = journey.callers.builder.get(path).json()
    seen = {each["user_id"]: each["account"] for each in listed["connections"]}
    assert seen == {ana: "alice@example.com", ben: "bob@example.com"}
    assert listed["cursor"] is None


def test_the_users_of_an_unknown_server_are_not_found(blank: Journey) -> None:
    answer = blank.callers.builder.get(f"/v1/servers/{blank.server_id}/connections")
    assert refusal(answer) == (404, "server_not_found")


def test_a_cursor_of_nobodys_is_refused(journey: Journey) -> None:
    path = f"/v1/servers/{journey.server_id}/connections"
    answer = journey.callers.builder.get(path, params={"cursor": "_w"})
    assert refusal(answer) == (400, "invalid_request")


@pytest.mark.parametrize(
    "query",
    ["", "user_id=", "user_id=a&user_id=b", "user_id=a&colour=blue", "user_id=%00", "user_id=%ff"],
)
def test_a_query_that_does_not_fit_is_refused(at_bound: Callers, query: str) -> None:
    answer = at_bound.chat.get(f"/v1/connections?{query}")
    assert refusal(answer) == (400, "invalid_request")


def test_a_user_id_may_hold_what_urls_do_not(journey: Journey, ana: str) -> None:
    user = f"{ana} a+b/c?d=é&漢"
    journey.connect(user)
    assert journey.connection(user).json()["user_id"] == user
    assert journey.disconnect(user).json()["revocation"] == "confirmed"


def test_an_unconnected_completion_needs_all_its_fields(journey: Journey, ana: str) -> None:
    path = f"/v1/connections/{journey.server_id}/complete"
    answer = journey.callers.chat.post(path, json={"user_id": ana})
    assert refusal(answer) == (400, "invalid_request")
    assert "connect_id" in description(answer)
    assert "completion_code" in description(answer)
