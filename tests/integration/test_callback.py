"""The redirection endpoint, and the opt-out that redeems there."""

from dataclasses import replace

import pytest

from broker.model import ConsentPage, Secret, Status
from tests.integration.conftest import World
from tests.integration.consents import (
    Browser,
    changed,
    complete,
    link,
    refused,
    sent_with,
    ticket_of,
    told,
)


@pytest.mark.parametrize("parameters", [{}, {"state": ""}, {"state": "x" * 43}, {"code": "c"}])
def test_a_callback_without_a_state_of_ours_is_refused(
    world: World, parameters: dict[str, str]
) -> None:
    assert refused(Browser.of(world).returns(**parameters))


def test_a_callback_in_another_browser_is_refused_and_leaves_the_flow_whole(world: World) -> None:
    browser = Browser.of(world)
    state = browser.opens(link(world))
    assert refused(Browser.of(world).returns(state=state, code="stolen"))
    complete(world, browser.comes_back(state))
    assert world.login.exchanges == ["canary-code-1"]


def test_the_cookie_of_another_flow_does_not_do(world: World) -> None:
    browser = Browser.of(world)
    first = browser.opens(link(world))
    [(name, _)] = browser.cookies.items()
    browser.opens(link(world))
    browser.cookies[name] = next(v for n, v in browser.cookies.items() if n != name)
    assert refused(browser.returns(state=first, code="c"))


def test_a_callback_at_another_servers_address_is_refused(world: World) -> None:
    world.register(replace(world.server, server_id="mail"))
    browser = Browser.of(world)
    state = browser.opens(link(world))
    assert refused(browser.returns("mail", state=state, code="mixed-up"))
    assert world.login.token_requests == []


@pytest.mark.parametrize("iss", ["https://login.example.com/", "https://evil.example.com", ""])
def test_a_response_of_another_issuer_is_refused(world: World, iss: str) -> None:
    changed(world, issuer="https://login.example.com")
    browser = Browser.of(world)
    state = browser.opens(link(world))
    back = told(browser.follow(browser.returns(state=state, code="c", iss=iss)))
    assert back["error"] == "issuer_mismatch"
    assert "completion_code" not in back


@pytest.mark.parametrize("answer", [{"code": "c"}, {"error": "access_denied"}])
def test_a_response_without_the_iss_that_was_promised_is_refused(
    world: World, answer: dict[str, str]
) -> None:
    promised = {"authorization_response_iss_parameter_supported": True}
    changed(world, issuer="https://login.example.com", **promised)
    browser = Browser.of(world)
    back = told(browser.follow(browser.returns(state=browser.opens(link(world)), **answer)))
    assert back["error"] == "issuer_mismatch"
    assert world.login.token_requests == []


def test_a_response_without_an_iss_that_nobody_promised_is_taken(world: World) -> None:
    changed(world, issuer="https://login.example.com")
    browser = Browser.of(world)
    assert "completion_code" in browser.comes_back(browser.opens(link(world)))


def test_an_error_of_another_issuer_is_refused_too(world: World) -> None:
    changed(world, issuer="https://login.example.com")
    browser = Browser.of(world)
    state = browser.opens(link(world))
    evil = {"error": "access_denied", "iss": "https://evil.example.com"}
    assert told(browser.follow(browser.returns(state=state, **evil)))["error"] == "issuer_mismatch"


def test_a_denied_consent_is_told_in_fixed_words(world: World) -> None:
    browser = Browser.of(world)
    state = browser.opens(link(world))
    said = {"error": "<script>", "error_description": "call 0900"}
    back = told(browser.follow(browser.returns(state=state, **said)))
    assert back["error"] == "authorization_failed"
    assert "0900" not in str(back)


def test_an_error_beside_a_code_wins(world: World) -> None:
    browser = Browser.of(world)
    state = browser.opens(link(world))
    back = told(browser.follow(browser.returns(state=state, code="c", error="access_denied")))
    assert "completion_code" not in back


def test_a_configuration_changed_before_the_callback_ends_the_flow(world: World) -> None:
    browser = Browser.of(world)
    state = browser.opens(link(world))
    changed(world, token_endpoint="https://evil.example.com/token")
    assert browser.comes_back(state)["error"] == "server_changed"


# ------------------------------------------------------------- SessionBinding=none, the opt-out


def opted_out(world: World) -> Browser:
    core = world.container(SESSION_BINDING="none")
    world.core = core
    return Browser.of(world, core)


def test_the_opt_out_shows_a_page_first_and_goes_on_by_its_form(world: World) -> None:
    browser = opted_out(world)
    made = link(world, user_label="Jo Doe")
    page = world.core.flows.authorize.open(ticket_of(made), world.run())
    assert isinstance(page, ConsentPage)
    assert (page.user_label, page.service) == ("Jo Doe", "CRM")
    authorize = world.core.flows.authorize
    csrf = page.csrf.reveal()
    state = sent_with(browser.follow(authorize.proceed(page.ticket, page.csrf, csrf, world.run())))
    assert browser.comes_back(state)["status"] == "connected"
    assert world.connection().status is Status.ACTIVE


@pytest.mark.parametrize("cookie", [None, "", "another", "é"])
def test_the_form_needs_the_cookie_of_the_page(world: World, cookie: str | None) -> None:
    opted_out(world)
    made = link(world, user_label="Jo Doe")
    page = world.core.flows.authorize.open(ticket_of(made), world.run())
    assert isinstance(page, ConsentPage)
    proceed = world.core.flows.authorize.proceed
    assert refused(proceed(page.ticket, page.csrf, cookie, world.run()))


def test_the_default_takes_no_form(world: World) -> None:
    made, csrf = link(world), Secret("x")
    proceed = world.core.flows.authorize.proceed
    assert refused(proceed(ticket_of(made), csrf, "x", world.run()))
