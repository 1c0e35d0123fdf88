"""The builder's test of a configuration: one step a call, and a named diagnosis."""

import re
from typing import Any

from local.demo.journey import Callers, Journey
from local.demo.neighbours import Neighbours
from local.visitor import Visitor
from tests.e2e.answers import description, refusal
from tests.e2e.conftest import MakeJourney
from tests.e2e.time_machine import TimeMachine

_LOOPBACK = "http://127.0.0.1:1/tested"


def _consented(journey: Journey) -> tuple[str, dict[str, str]]:
    """Start a test and go through the consent; return its id and what comes back."""
    started = journey.start_test(return_url=_LOOPBACK).raise_for_status().json()
    with Visitor() as visitor:
        return started["test_id"], visitor.go(started["connect_url"], until=_LOOPBACK).query


def _report(journey: Journey, test_id: str) -> dict[str, Any]:
    path = f"/v1/servers/{journey.server_id}/test/{test_id}"
    report: dict[str, Any] = journey.callers.builder.get(path).raise_for_status().json()
    return report


def _walked(journey: Journey) -> dict[str, Any]:
    """Advance a test to its end; return the report."""
    test_id, back = _consented(journey)
    code = back["completion_code"]
    report: dict[str, Any] = journey.advance(test_id, completion_code=code).json()
    while report["next_step"]:
        report = journey.advance(test_id).json()
    return report


def _causes(report: dict[str, Any]) -> list[str]:
    return [diagnosis["cause"] for diagnosis in report["diagnoses"]]


def test_each_call_performs_one_step(journey: Journey) -> None:
    test_id, back = _consented(journey)
    seen = [journey.advance(test_id, completion_code=back["completion_code"]).json()]
    seen += [journey.advance(test_id).json() for _ in range(3)]
    assert [[step["step"] for step in report["steps"]] for report in seen] == [
        ["consent", "exchange"],
        ["consent", "exchange", "account"],
        ["consent", "exchange", "account", "tools"],
        ["consent", "exchange", "account", "tools", "refresh"],
    ]
    assert seen[-1]["status"] == "succeeded"
    assert seen[-1]["account"] == "alice@example.com"
    assert "list_contacts" in seen[-1]["tools"]


def test_reading_the_report_performs_nothing(journey: Journey) -> None:
    test_id, _ = _consented(journey)
    for _ in range(2):
        assert _report(journey, test_id)["status"] == "waiting_for_consent"
    assert journey.app.exchanges() == []


def test_a_test_refreshes_once_and_revokes_on_request(journey: Journey) -> None:
    report = _walked(journey)
    assert len(journey.app.refreshes()) == 1
    last = journey.advance(report["test_id"], revoke=True).json()
    assert [step["outcome"] for step in last["steps"]] == ["ok"] * 6
    assert [grant["alive"] for grant in journey.app.grants()] == [False]


def test_a_test_never_becomes_a_connection(journey: Journey, time_machine: TimeMachine) -> None:
    _walked(journey)
    assert time_machine.age("ConnectionsTable", 0, journey.server_id) == 0


def test_the_code_is_shown_where_there_is_no_page_to_return_to(journey: Journey) -> None:
    started = journey.start_test().json()
    page = journey.consent(started["connect_url"]).page
    shown = re.search(r"<code>([^<]+)</code>", page.text)
    assert shown is not None
    answer = journey.advance(started["test_id"], completion_code=shown[1])
    assert [step["outcome"] for step in answer.json()["steps"]] == ["ok", "ok"]


def test_a_test_returns_to_no_strange_page(journey: Journey) -> None:
    answer = journey.start_test(return_url="https://evil.example.com/")
    assert refusal(answer) == (400, "invalid_request")


def test_the_first_step_needs_the_completion_code(journey: Journey) -> None:
    test_id, _ = _consented(journey)
    answer = journey.advance(test_id)
    assert refusal(answer) == (400, "invalid_request")
    assert "completion_code" in description(answer)


def test_the_code_of_another_test_is_refused(journey: Journey) -> None:
    first, _ = _consented(journey)
    _, back = _consented(journey)
    answer = journey.advance(first, completion_code=back["completion_code"])
    assert refusal(answer) == (403, "session_mismatch")
    assert journey.app.exchanges() == []


def test_a_test_that_nobody_started_is_not_found(journey: Journey) -> None:
    assert refusal(journey.advance("nobody-knows")) == (404, "test_not_found")


def test_a_test_belongs_to_its_server(
    journeys: MakeJourney, at_bound: Callers, journey: Journey
) -> None:
    other = journeys(at_bound)
    other.register()
    test_id, back = _consented(journey)
    answer = other.advance(test_id, completion_code=back["completion_code"])
    assert refusal(answer) == (404, "test_not_found")


def test_an_incomplete_server_is_not_tested(half_configured: Journey) -> None:
    assert refusal(half_configured.start_test()) == (424, "server_misconfigured")


def test_an_unknown_server_is_not_tested(blank: Journey) -> None:
    assert refusal(blank.start_test()) == (404, "server_not_found")


def test_a_server_without_accounts_is_tested_without_a_browser(
    journeys: MakeJourney, at_bound: Callers, further_parties: Neighbours
) -> None:
    free = journeys(at_bound, further_parties.open_mcp_server)
    free.put(name="Tides", mcp_url=free.tenant.url, auth_type="none").raise_for_status()
    started = free.start_test().json()
    assert started["connect_url"] is None
    report = free.advance(started["test_id"]).json()
    assert (report["status"], report["next_step"]) == ("succeeded", None)


def test_a_diagnosis_says_why_how_sure_what_to_paste_and_what_else_it_may_be(
    journey: Journey,
) -> None:
    journey.app.switch(code_lifetime=0)
    [diagnosis] = _walked(journey)["diagnoses"]
    assert diagnosis["cause"] == "grant_refused"
    assert "invalid_grant" in diagnosis["seen"]
    assert "RFC 6749" in diagnosis["why"]
    assert diagnosis["certainty"] == "likely"
    pasted = {"place": "service", "field": "redirect URI", "value": journey.redirect_uri}
    assert diagnosis["paste"] == pasted
    others = [other["cause"] for other in diagnosis["candidates"]]
    assert others[0] == "redirect_uri_mismatch"
    assert journey.redirect_uri in diagnosis["candidates"][0]["test"]


def test_the_report_grows_as_the_test_goes_on(journey: Journey) -> None:
    started = journey.start_test(return_url=_LOOPBACK).json()
    assert [one["step"] for one in started["evidence"]] == ["authorization"]
    with Visitor() as visitor:
        code = visitor.go(started["connect_url"], until=_LOOPBACK).query["completion_code"]
    [consent] = _report(journey, started["test_id"])["steps"]
    assert (consent["step"], consent["outcome"]) == ("consent", "ok")
    report = journey.advance(started["test_id"], completion_code=code).json()
    exchange = report["evidence"][-1]
    assert (exchange["step"], exchange["status"]) == ("exchange", 200)
    assert exchange["facts"]["method"] == "POST"
    assert "milliseconds" in exchange["facts"]


def test_a_browser_without_the_cookie_does_not_end_the_test(journey: Journey) -> None:
    started = journey.start_test(return_url=_LOOPBACK).json()
    with Visitor() as one, Visitor() as another:
        login = one.open(started["connect_url"]).headers["location"]
        another.go(login)
        report = _report(journey, started["test_id"])
        assert (report["status"], _causes(report)) == ("waiting_for_consent", ["cookies_refused"])
        code = one.go(login, until=_LOOPBACK).query["completion_code"]
    answer = journey.advance(started["test_id"], completion_code=code)
    assert answer.json()["steps"][-1] == {
        "step": "exchange",
        "outcome": "ok",
        "seen": "The code was exchanged for an access token and a refresh token.",
    }


def test_a_code_handed_in_wrongly_does_not_end_the_test(journey: Journey) -> None:
    test_id, _ = _consented(journey)
    assert journey.advance(test_id, completion_code="not.it").status_code == 403
    report = _report(journey, test_id)
    assert (report["status"], _causes(report)) == ("waiting_for_consent", ["session_mismatch"])


def test_a_wrong_style_is_named_with_the_one_that_works(journey: Journey) -> None:
    journey.app.register(journey.redirect_uri, "form_basic")
    report = _walked(journey)
    assert _causes(report) == ["token_request_style"]
    assert "form_basic" in report["diagnoses"][0]["fix"]
    assert [entry["outcome"] for entry in journey.app.requests()].count("ok") == 0


def test_a_declined_consent_has_a_name(journey: Journey) -> None:
    started = journey.start_test(return_url=_LOOPBACK).json()
    with Visitor(decision="deny") as visitor:
        visitor.go(started["connect_url"], until=_LOOPBACK)
    report = _report(journey, started["test_id"])
    assert (report["status"], _causes(report)) == ("failed", ["consent_denied"])


def test_a_refused_scope_has_a_name(journey: Journey) -> None:
    journey.put(**journey.configuration(scopes=["moon.read"])).raise_for_status()
    test_id, _ = _consented(journey)
    assert _causes(_report(journey, test_id)) == ["scope_refused"]


def test_a_wrong_issuer_has_a_name(journey: Journey) -> None:
    journey.app.switch(wrong_iss="https://hostile.example.com")
    test_id, _ = _consented(journey)
    assert _causes(_report(journey, test_id)) == ["issuer_mismatch"]


def test_a_redirect_uri_that_is_not_registered_is_shown(journey: Journey) -> None:
    journey.app.register("https://elsewhere.example.com/callback")
    started = journey.start_test(return_url=_LOOPBACK).json()
    [diagnosis] = started["diagnoses"]
    assert diagnosis["cause"] == "redirect_uri_mismatch"
    assert journey.redirect_uri in diagnosis["fix"]


def test_a_grant_that_cannot_be_renewed_is_a_warning(journey: Journey) -> None:
    journey.app.switch(omit_refresh_token=True)
    report = _walked(journey)
    assert (report["status"], _causes(report)) == ("succeeded", ["no_refresh_token"])
    assert "offline" in report["diagnoses"][0]["fix"]


def test_a_scope_that_was_not_granted_is_a_warning(journey: Journey) -> None:
    journey.app.switch(granted_scopes=["contacts.read"])
    assert _causes(_walked(journey)) == ["scope_not_granted"]


def test_a_configuration_that_changes_ends_the_test(journey: Journey) -> None:
    test_id, back = _consented(journey)
    journey.advance(test_id, completion_code=back["completion_code"])
    journey.put(**journey.configuration(resource=journey.tenant.url)).raise_for_status()
    report = journey.advance(test_id).json()
    assert (report["status"], _causes(report)) == ("failed", ["server_changed"])
