"""The token endpoint: six styles, and the ways in which real services answer."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from local.demo.journey import Journey, text_of
from local.demo.service import App
from local.stack import LocalStack
from tests.e2e.answers import asked, refusal
from tests.e2e.conftest import Hurry
from tests.e2e.time_machine import TimeMachine

_STYLES = ["form_post", "form_basic", "json_post", "json_basic", "none", "private_key_jwt"]
_AWKWARD = "a secret: 100%+ü/=&"


def _seconds_left(connection: dict[str, Any]) -> float:
    expires_at = datetime.fromisoformat(connection["expires_at"])
    return (expires_at - datetime.now(UTC)).total_seconds()


@pytest.mark.parametrize("style", _STYLES)
def test_one_style_serves_exchange_refresh_and_revocation(
    blank: Journey, time_machine: TimeMachine, ana: str, style: str
) -> None:
    blank.register(style=style)
    blank.connect(ana)
    time_machine.age("ConnectionsTable", 3600, ana)
    assert text_of(blank.invoke(ana)) == "alice"
    assert blank.disconnect(ana).json()["revocation"] == "confirmed"
    seen = [(entry["endpoint"], entry["style"], entry["outcome"]) for entry in blank.app.requests()]
    assert seen[:3] == [
        ("token", style, "ok"),
        ("token", style, "ok"),
        ("revocation", style, "ok"),
    ]
    assert {entry[1] for entry in seen} == {style}


def test_an_assertion_for_somebody_else_is_refused(blank: Journey, ana: str) -> None:
    """The service looks at ``aud``: were it not the issuer, no code would be redeemed."""
    issuer = blank.app.service.authorization_server
    blank.register(style="private_key_jwt", client_assertion_audience=f"{issuer}/token")
    back = blank.consent(blank.link(ana)["connect_url"]).query
    answer = blank.complete(ana, back["connect_id"], back["completion_code"])
    assert refusal(answer) == (424, "server_misconfigured")
    assert [entry["outcome"] for entry in blank.app.exchanges()] == ["invalid_client"]


def test_a_client_that_is_a_document_can_sign(blank: Journey, ana: str) -> None:
    address = f"{blank.callers.deployment.url}/oauth/client-metadata/{blank.server_id}.json"
    signed = {"client_id": address, "token_request_style": "private_key_jwt"}
    blank.put(**blank.configuration(client_secret=..., **signed)).raise_for_status()
    assert blank.connect(ana)["status"] == "connected"
    assert text_of(blank.invoke(ana)) == "alice"


@pytest.mark.parametrize("style", ["form_basic", "json_basic"])
def test_a_secret_with_every_awkward_character_arrives(
    blank: Journey, stack: LocalStack, ana: str, style: str
) -> None:
    awkward = replace(blank, app=App(stack.services, client_secret=_AWKWARD))
    awkward.app.register(awkward.redirect_uri, style)
    awkward.app.switch(basic_encoding="form")
    awkward.register(style=style)
    assert awkward.connect(ana)["status"] == "connected"
    awkward.app.forget()


@pytest.mark.parametrize("form", ["number", "string", "absolute"])
def test_a_lifetime_is_read_in_each_of_its_forms(journey: Journey, ana: str, form: str) -> None:
    journey.app.switch(expires_in_form=form)
    assert 3500 < _seconds_left(journey.connect(ana)["connection"]) <= 3600


@pytest.mark.parametrize("form", ["absent", "zero"])
def test_an_unknown_lifetime_stays_unknown_and_serves(
    journey: Journey, ana: str, form: str
) -> None:
    journey.app.switch(expires_in_form=form)
    assert journey.connect(ana)["connection"]["expires_at"] is None
    assert text_of(journey.invoke(ana)) == "alice"
    assert journey.app.refreshes() == []


def test_a_tokens_own_expiry_is_used_where_the_answer_names_none(
    journey: Journey, ana: str
) -> None:
    journey.app.switch(expires_in_form="absent", jwt_access_token=True)
    assert 3500 < _seconds_left(journey.connect(ana)["connection"]) <= 3600


@pytest.mark.parametrize("body_form", ["form", "by_accept"])
def test_a_form_encoded_answer_is_read(journey: Journey, ana: str, body_form: str) -> None:
    journey.app.switch(body_form=body_form)
    assert journey.connect(ana)["status"] == "connected"


def test_tokens_that_lie_deeper_in_the_answer_are_found(journey: Journey, ana: str) -> None:
    journey.app.switch(nested_tokens=True)
    journey.connect(ana)
    assert text_of(journey.invoke(ana)) == "alice"


def test_an_unsaid_scope_is_what_was_asked_for(journey: Journey, ana: str) -> None:
    journey.app.switch(omit_scope=True)
    assert journey.connect(ana)["connection"]["scopes"] == ["openid", "contacts.read"]


def test_a_scope_that_was_not_granted_is_missing_and_no_failure(journey: Journey, ana: str) -> None:
    journey.app.switch(granted_scopes=["openid"])
    connection = journey.connect(ana)["connection"]
    assert (connection["status"], connection["missing_scopes"]) == ("active", ["contacts.read"])


def test_a_grant_without_a_refresh_token_ends_with_its_access_token(
    journey: Journey, time_machine: TimeMachine, ana: str
) -> None:
    journey.app.switch(omit_refresh_token=True)
    assert journey.connect(ana)["connection"]["refreshable"] is False
    time_machine.age("ConnectionsTable", 3600, ana)
    assert asked(journey.invoke(ana)) == "reconnect_required"
    assert journey.connection(ana).json()["reason"] == "expired_without_refresh"


def test_not_knowing_the_account_fails_nothing(journey: Journey, ana: str) -> None:
    journey.app.switch(id_token=False, userinfo_mode="500")
    connection = journey.connect(ana)["connection"]
    assert (connection["status"], connection["account"]) == ("active", None)


def test_an_id_token_of_somebody_else_connects_nobody_by_its_name(
    journey: Journey, ana: str
) -> None:
    journey.app.switch(id_token_claims={"aud": "another-app", "email": "eve@example.com"})
    back = journey.come_back(ana)
    answer = journey.complete(ana, back["connect_id"], back["completion_code"])
    assert "eve@example.com" not in answer.text


@pytest.mark.parametrize(
    "mode", ["html", "500", "429", "close", "huge", "nonsense", "redirect", "drip"]
)
def test_an_answer_that_is_none_connects_nobody(
    journey: Journey, hurry: Hurry, ana: str, mode: str
) -> None:
    back = journey.come_back(ana)
    journey.app.switch(token_endpoint_mode=mode)
    hurried = replace(journey, callers=hurry(8.0))
    answer = hurried.complete(ana, back["connect_id"], back["completion_code"])
    assert refusal(answer) == (502, "authorization_server_error")
    assert len(journey.app.exchanges()) == 1
    assert journey.connection(ana).status_code == 404


def test_a_silent_token_endpoint_is_given_up_in_time(
    journey: Journey, hurry: Hurry, ana: str
) -> None:
    back = journey.come_back(ana)
    journey.app.switch(token_endpoint_mode="hang")
    hurried = replace(journey, callers=hurry(8.0))
    answer = hurried.complete(ana, back["connect_id"], back["completion_code"])
    # An answer of ours: a function that runs out of its eight seconds gives none.
    assert refusal(answer) == (502, "authorization_server_error")


def test_an_error_inside_a_200_is_an_error(journey: Journey, ana: str) -> None:
    journey.app.switch(error_status_200=True, code_lifetime=0)
    back = journey.come_back(ana)
    answer = journey.complete(ana, back["connect_id"], back["completion_code"])
    assert refusal(answer) == (502, "authorization_server_error")
    assert journey.connection(ana).status_code == 404


def test_a_wrong_secret_is_the_builders_to_change(journey: Journey, ana: str) -> None:
    journey.put(**journey.configuration(client_secret="wrong")).raise_for_status()
    back = journey.come_back(ana)
    answer = journey.complete(ana, back["connect_id"], back["completion_code"])
    assert refusal(answer) == (424, "server_misconfigured")
