"""Tool lists: whose they are, how old, and what is shown before anybody connects."""

from typing import Any

import pytest

from local.demo.journey import Callers, Journey
from local.demo.neighbours import Neighbours
from local.visitor import Visitor
from tests.e2e.answers import refusal
from tests.e2e.conftest import MakeJourney

_LOOPBACK = "http://127.0.0.1:1/tested"
_WRITE = ["openid", "contacts.read", "contacts.write"]


def _names(listing: dict[str, Any]) -> set[str]:
    return {tool["name"] for tool in listing["tools"]}


def _publish(journey: Journey) -> None:
    """Have the builder's test publish the tools to the catalogue."""
    started = journey.start_test(return_url=_LOOPBACK).json()
    code = _code(journey, started["connect_url"])
    journey.advance(started["test_id"], completion_code=code)
    for _ in range(2):
        journey.advance(started["test_id"]).raise_for_status()


def _code(journey: Journey, connect_url: str) -> str:
    with Visitor() as visitor:
        return visitor.go(connect_url, until=_LOOPBACK).query["completion_code"]


def test_before_anybody_connects_there_is_no_list(journey: Journey, ana: str) -> None:
    listing = journey.tools(ana).json()
    assert (listing["source"], listing["tools"], listing["age"]) == ("none", [], None)


def test_a_published_catalogue_is_shown_to_whom_is_not_connected(
    journey: Journey, ana: str
) -> None:
    _publish(journey)
    listing = journey.tools(ana).json()
    assert listing["source"] == "catalogue"
    assert "list_contacts" in _names(listing)
    assert listing["age"] >= 0


def test_a_connected_user_is_shown_what_the_token_is_shown(
    journey: Journey, ana: str, ben: str
) -> None:
    journey.tenant.switch(tools_by_scope=True)
    journey.put(**journey.configuration(scopes=_WRITE)).raise_for_status()
    journey.connect(ana)
    journey.put(**journey.configuration()).raise_for_status()
    journey.connect(ben, "bob")
    shown = {user: _names(journey.tools(user).json()) for user in (ana, ben)}
    assert "delete_contact" in shown[ana]
    assert "delete_contact" not in shown[ben]


def test_one_users_list_is_never_shown_to_another(journey: Journey, ana: str, ben: str) -> None:
    journey.connect(ana)
    assert journey.tools(ana).json()["source"] == "user"
    listing = journey.tools(ben).json()
    assert (listing["source"], listing["tools"]) == ("none", [])


def test_a_list_is_asked_for_with_the_users_own_token(journey: Journey, ana: str, ben: str) -> None:
    journey.connect(ana)
    journey.connect(ben, "bob")
    journey.tools(ben)
    assert [entry["sub"] for entry in journey.tenant.requests("tools/list")] == ["person-1002"]


def test_a_list_that_is_fresh_is_not_asked_for_again(journey: Journey, ana: str) -> None:
    journey.tenant.switch(tools_ttl_ms=60_000)
    journey.connect(ana)
    first, second = (journey.tools(ana).json() for _ in range(2))
    assert first["fetched_at"] == second["fetched_at"]
    assert len(journey.tenant.requests("tools/list")) == 1


@pytest.mark.parametrize("mood", ["html", "429"])
def test_a_list_that_cannot_be_renewed_stays(journey: Journey, ana: str, mood: str) -> None:
    journey.connect(ana)
    before = journey.tools(ana).json()
    journey.tenant.switch(mood=mood)
    after = journey.tools(ana).json()
    assert _names(after) == _names(before)
    assert after["stale_because"]
    assert before["stale_because"] is None


def test_a_list_of_an_earlier_configuration_is_not_shown(
    journeys: MakeJourney, at_bound: Callers, journey: Journey, ana: str
) -> None:
    journey.connect(ana)
    journey.tools(ana)
    elsewhere = journeys(at_bound).tenant.url
    journey.put(**journey.configuration(mcp_url=elsewhere)).raise_for_status()
    assert journey.tools(ana).json()["tools"] == []


def test_a_server_for_everybody_has_one_list(
    journeys: MakeJourney, at_bound: Callers, further_parties: Neighbours, ana: str
) -> None:
    free = journeys(at_bound, further_parties.open_mcp_server)
    free.put(name="Tides", mcp_url=free.tenant.url, auth_type="none").raise_for_status()
    listing = free.tools(ana).json()
    assert listing["source"] == "catalogue"
    assert "add_numbers" in _names(listing)


def test_the_tools_of_an_unknown_server_are_not_found(blank: Journey, ana: str) -> None:
    assert refusal(blank.tools(ana)) == (404, "server_not_found")


def test_the_tools_of_an_incomplete_server_wait_for_its_builder(
    half_configured: Journey, ana: str
) -> None:
    assert refusal(half_configured.tools(ana)) == (424, "server_misconfigured")


def test_a_list_is_somebodys(journey: Journey) -> None:
    answer = journey.callers.chat.get(f"/v1/servers/{journey.server_id}/tools")
    assert refusal(answer) == (400, "invalid_request")
