"""``auto``: the broker finds out how the service wants id and secret, and says so."""

from typing import Any

import pytest

from local.demo.journey import Journey, text_of
from tests.e2e.answers import refusal
from tests.e2e.time_machine import TimeMachine

_STYLES = ["form_post", "form_basic", "json_post", "json_basic"]
_REDEEMED = "authorization_code"


def left_to_us(journey: Journey, style: str, **changes: Any) -> Journey:
    """Register the app in one style, and the server without saying which."""
    journey.register(style=style)
    wanted = journey.configuration(token_request_style="auto", **changes)
    journey.put(**wanted).raise_for_status()
    return journey


def found(journey: Journey) -> dict[str, Any]:
    shown: dict[str, Any] = journey.get().json()["token_request_style_found"]
    return shown


@pytest.mark.parametrize("style", _STYLES)
def test_the_style_is_found_and_serves_exchange_refresh_and_revocation(
    blank: Journey, time_machine: TimeMachine, ana: str, style: str
) -> None:
    journey = left_to_us(blank, style)
    journey.link(ana)
    assert (found(journey)["style"], found(journey)["sure"]) == (style, "certain")
    assert [entry["outcome"] for entry in journey.app.requests()].count("ok") == 0
    before = len(journey.app.requests())
    assert before <= 10
    journey.connect(ana)
    time_machine.age("ConnectionsTable", 3600, ana)
    assert text_of(journey.invoke(ana)) == "alice"
    assert journey.disconnect(ana).json()["revocation"] == "confirmed"
    later = journey.app.requests()[before:]
    assert {(entry["style"], entry["outcome"]) for entry in later} == {(style, "ok")}


def test_a_wrong_secret_is_told_from_a_wrong_style(blank: Journey, ana: str) -> None:
    journey = left_to_us(blank, "form_basic", client_secret="not-the-secret-of-this-app")
    started = journey.start_test().json()
    assert [each["cause"] for each in started["diagnoses"]] == ["client_credentials"]
    assert found(journey)["verdict"] == "client_refused"
    back = journey.consent(journey.link(ana)["connect_url"]).query
    answer = journey.complete(ana, back["connect_id"], back["completion_code"])
    assert refusal(answer) == (424, "server_misconfigured")


def test_a_test_reports_the_style(blank: Journey) -> None:
    started = left_to_us(blank, "json_post").start_test().json()
    [step] = [each for each in started["steps"] if each["step"] == "consent"]
    assert step["outcome"] == "ok"
    assert "json_post (certain)" in step["seen"]


def test_a_service_that_holds_us_back_is_not_pressed(blank: Journey, ana: str) -> None:
    journey = left_to_us(blank, "form_basic")
    journey.app.switch(token_endpoint_mode="429", mode_count=1)
    journey.link(ana)
    journey.link(ana)
    assert len(journey.app.requests()) == 1
    assert found(journey)["verdict"] == "held_back"
    journey.connect(ana)
    exchanged = [entry["style"] for entry in journey.app.requests(_REDEEMED)[1:]]
    assert exchanged == ["form_post", "form_basic"]
    assert found(journey)["sure"] == "certain"
