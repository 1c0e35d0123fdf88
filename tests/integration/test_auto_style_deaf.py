"""``auto`` and tests of a configuration at services that do not read every style."""

from collections.abc import Mapping
from typing import Any

import pytest

from broker.errors import AuthorizationServerError, ServerMisconfigured
from broker.model import StepReport, TestRun, TokenRequestStyle
from tests.fakes.client_styles import Answer, Shop, page, says
from tests.fakes.deaf_services import (
    BASIC,
    FORMS,
    IN_BODY,
    JSON_POST,
    JSONS,
    POST,
    TO_FORMS,
    TO_JSON,
    WITHOUT_HEADER,
    deaf,
)
from tests.integration.auto_style import CODE, Auto
from tests.integration.conftest import World
from tests.integration.consents import Browser, link
from tests.integration.test_auto_style_checked import CLIENT, checked

HEADER = WITHOUT_HEADER["header"]


def outcome_of_a_test(world: World, auto: Auto) -> Mapping[str, Any]:
    """Start a test, consent and hand in the code; return the only diagnosis."""
    probe = world.core.flows.probe
    started = probe.start("crm", None, publish=False, invocation=world.run())
    assert started.link
    browser = Browser.of(world)
    back = browser.returns(state=browser.opens(started.link), code=CODE)
    code = back.completion_code  # type: ignore[union-attr] # our own page
    run: TestRun = probe.advance(
        "crm", started.run.test_id, code, revoke=False, invocation=world.run()
    )
    assert auto.with_real_code() == [auto.server.token_request_style]
    failed: list[StepReport] = [step for step in run.steps if step.outcome == "failed"]
    assert len(failed) == 1
    [diagnosis] = run.diagnoses
    return diagnosis


def pasted(diagnosis: Mapping[str, Any]) -> tuple[str, str | None]:
    paste = diagnosis.get("paste")
    return diagnosis["cause"], paste and paste["value"]


@pytest.mark.parametrize("code_first", [False, True])
@pytest.mark.parametrize("name", ["415", "422", "500", "404", "words"])
def test_a_code_goes_to_a_service_of_json_once_and_as_json(
    world: World, name: str, *, code_first: bool
) -> None:
    auto = Auto(world, deaf(TO_FORMS[name], FORMS, [JSON_POST], code_first=code_first))
    auto.put(revocation_endpoint=None)
    auto.connects()
    assert auto.with_real_code() == [JSON_POST]
    assert (auto.found.proven, auto.found.style) == (True, JSON_POST)


def test_a_code_goes_first_in_the_style_in_which_codes_are_looked_at(world: World) -> None:
    auto = Auto(world, deaf(HEADER, IN_BODY, [BASIC], code_first=True), revocation_endpoint=None)
    auto.connects()
    assert auto.with_real_code() == [BASIC]


@pytest.mark.parametrize("name", ["415", "422", "words"])
def test_a_request_that_was_not_read_leaves_the_code_for_the_next_style(
    world: World, name: str
) -> None:
    auto = Auto(world, deaf(TO_FORMS[name], FORMS, [JSON_POST]), revocation_endpoint=None)
    auto.shop.script = {1: says(429, "slow_down")}
    auto.connects()
    assert auto.with_real_code() == [POST, BASIC, JSON_POST]
    assert auto.found.style is JSON_POST


def test_a_client_refused_is_told_before_a_style_that_is_not_read(world: World) -> None:
    auto = Auto(world, deaf(TO_JSON["415"], JSONS, []), revocation_endpoint=None)
    auto.shop.script = {1: says(429, "slow_down")}
    with pytest.raises(ServerMisconfigured):
        auto.connects()
    assert len(auto.with_real_code()) == 4


@pytest.mark.parametrize(
    "answer",
    [says(400, "invalid_grant"), says(400, "invalid_request"), says(400, "bad_code"), page(500)],
)
def test_after_what_may_have_spent_it_no_code_is_sent_again(world: World, answer: Answer) -> None:
    auto = Auto(world, Shop([POST], looks_at_code_first=True), revocation_endpoint=None)
    link(world)
    auto.shop.always = answer
    with pytest.raises(AuthorizationServerError):
        auto.connects()
    assert len(auto.with_real_code()) == 1


CONFIGURED: list[tuple[TokenRequestStyle, Shop, TokenRequestStyle]] = [
    *((POST, deaf(answer, FORMS, [JSON_POST]), JSON_POST) for answer in TO_FORMS.values()),
    *((JSON_POST, deaf(answer, JSONS, [POST]), POST) for answer in TO_JSON.values()),
    *((POST, deaf(answer, IN_BODY, [BASIC]), BASIC) for answer in WITHOUT_HEADER.values()),
]


@pytest.mark.parametrize(("own", "shop", "working"), CONFIGURED)
def test_a_wrong_style_is_found_by_a_check_and_by_a_test(
    world: World, own: TokenRequestStyle, shop: Shop, working: TokenRequestStyle
) -> None:
    auto = Auto(world, shop, token_request_style=own.value)
    seen = checked(world, shop)[CLIENT].diagnosis
    assert seen is not None
    assert pasted(seen) == ("token_request_style", working.value)
    assert pasted(outcome_of_a_test(world, auto)) == ("token_request_style", working.value)


@pytest.mark.parametrize(
    ("own", "other", "to"), [(POST, JSON_POST, FORMS), (JSON_POST, POST, JSONS)]
)
def test_a_wrong_secret_in_a_wrong_style_is_both(
    world: World,
    own: TokenRequestStyle,
    other: TokenRequestStyle,
    to: tuple[TokenRequestStyle, ...],
) -> None:
    auto = Auto(world, deaf(TO_FORMS["415"], to, []), token_request_style=own.value)
    for diagnosis in (checked(world, auto.shop)[CLIENT].diagnosis, outcome_of_a_test(world, auto)):
        assert diagnosis is not None
        assert pasted(diagnosis) == ("token_request_style", other.value)
        assert "copy client_id and client_secret" in str(diagnosis["fix"])


def test_a_wrong_secret_in_the_right_style_is_the_secret(world: World) -> None:
    auto = Auto(world, deaf(TO_JSON["unsupported"], JSONS, []), token_request_style="form_basic")
    assert outcome_of_a_test(world, auto)["cause"] == "client_secret_wrong"


def test_a_spent_code_is_no_matter_of_the_style(world: World) -> None:
    auto = Auto(world, Shop([POST]), token_request_style="form_post")
    assert outcome_of_a_test(world, auto)["cause"] == "grant_refused"
    assert len(auto.shop.sent) == 1


def test_a_locked_client_is_asked_about_no_more(world: World) -> None:
    locked = says(401, "invalid_client", "The client is locked.")
    auto = Auto(world, Shop(always=locked), token_request_style="form_post")
    outcome_of_a_test(world, auto)
    assert len(auto.shop.sent) == 1


def test_where_the_configured_style_works_another_that_works_too_is_no_advice(
    world: World,
) -> None:
    auto = Auto(world, Shop(FORMS), token_request_style="form_basic")
    auto.shop.script = {1: says(400, "invalid_request", "Invalid redirect_uri")}
    assert outcome_of_a_test(world, auto)["cause"] == "redirect_uri_mismatch"


def test_an_address_where_nobody_is_stays_one(world: World) -> None:
    auto = Auto(world, Shop(always=page(404)), token_request_style="form_post")
    found = checked(world, auto.shop)["token_endpoint"].diagnosis
    assert found is not None
    assert found["cause"] == "endpoint_not_found"
