"""Services without refresh tokens, whose access token renews itself before it runs out."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from broker.model import (
    Credentials,
    Method,
    Quirks,
    Reason,
    RefreshRequest,
    Revocation,
    RevocationRequest,
    Status,
    TokenName,
)
from broker.tokens import Unusable, Usable
from tests.fakes.services import answers, form
from tests.integration.conftest import World
from tests.integration.consents import Browser, complete, link
from tests.integration.test_ahead import looks, tick

LIFE = timedelta(days=60)
RENEWS = RefreshRequest(
    grant_type="fb_exchange_token", token=TokenName.ACCESS, parameter="fb_exchange_token"
)


@pytest.fixture
def renewing(world: World) -> World:
    """Let a user be connected to a service that gives no refresh tokens."""
    world.server = world.register(replace(world.server, quirks=Quirks(refresh_request=RENEWS)))
    world.login.omits = {"refresh_token"}
    world.login.expires_in = int(LIFE.total_seconds())
    browser = Browser.of(world)
    complete(world, browser.comes_back(browser.opens(link(world))))
    return world


def renewed(number: int, **more: Any) -> httpx.Response:
    told = {"access_token": f"renewed-{number}", "expires_in": int(LIFE.total_seconds())}
    return httpx.Response(200, json=told | more)


def test_the_access_token_is_sealed_as_what_renews_it(renewing: World) -> None:
    assert renewing.access_token() == renewing.refresh_token() == "canary-access-1"


def test_it_is_due_before_it_runs_out_though_nobody_uses_it(renewing: World) -> None:
    stands = renewing.connection()
    renewing.time.passes(2 * 24 * 3600)  # longer than a connection is kept warm
    looks(renewing)
    assert renewing.connection().due_at == stands.tokens.obtained_at + LIFE * 0.9
    renewing.time.passes((LIFE * 0.9 - timedelta(days=2)).total_seconds())
    renewing.login.script.append(lambda _: renewed(1))
    assert tick(renewing).queued == 1
    looks(renewing)
    assert form(renewing.login.token_requests[-1])["fb_exchange_token"] == "canary-access-1"
    after = renewing.connection()
    assert (after.generation, renewing.access_token()) == (2, "renewed-1")
    assert renewing.refresh_token() == "renewed-1"
    assert after.tokens.expires_at == after.tokens.obtained_at + LIFE


def test_a_long_token_renews_itself_in_a_url(world: World) -> None:
    asked = replace(RENEWS, method=Method.GET, credentials=Credentials.OMITTED)
    world.server = world.register(replace(world.server, quirks=Quirks(refresh_request=asked)))
    world.login.omits = {"refresh_token"}
    world.login.extra = {"access_token": (long := "long-" * 1_000)}
    browser = Browser.of(world)
    complete(world, browser.comes_back(browser.opens(link(world))))
    world.time.passes(3600 * 0.95)
    world.login.script.append(lambda _: renewed(1))
    looks(world)
    assert world.login.token_requests[-1].url.params["fb_exchange_token"] == long
    assert world.access_token() == "renewed-1"


def test_a_renewal_without_an_answer_is_tried_again_before_the_token_runs_out(
    renewing: World,
) -> None:
    began = renewing.connection().tokens.obtained_at
    renewing.time.passes((LIFE * 0.9).total_seconds() + 60)

    def silence(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("no answer", request=request)

    renewing.login.script.append(silence)
    looks(renewing)
    stands = renewing.connection()
    assert (stands.ambiguous, stands.due_at) == (True, began + LIFE * 0.95)
    renewing.time.passes((LIFE * 0.05).total_seconds())
    renewing.login.script.append(lambda _: renewed(2))
    looks(renewing)
    assert renewing.access_token() == "renewed-2"


def test_one_that_is_refused_asks_the_user_to_reconnect(renewing: World) -> None:
    renewing.time.passes((LIFE * 0.9).total_seconds() + 60)
    renewing.login.script.append(answers(400, {"error": "invalid_grant"}))
    looks(renewing)
    stands = renewing.connection()
    assert (stands.status, stands.reason) == (Status.RECONNECT_REQUIRED, Reason.REFRESH_REJECTED)


def test_one_that_has_run_out_is_tried_once_and_then_asks_for_the_user(renewing: World) -> None:
    renewing.time.passes(LIFE.total_seconds() + 60)
    renewing.login.script.append(answers(400, {"error": "invalid_grant"}))
    found = renewing.core.tokens.for_call(renewing.server, "jo", renewing.run())
    assert isinstance(found, Unusable)
    assert len(renewing.login.token_requests) == 2


def test_a_call_shortly_before_the_end_renews_first(renewing: World) -> None:
    renewing.time.passes(LIFE.total_seconds() - 120)
    renewing.login.script.append(lambda _: renewed(3))
    found = renewing.core.tokens.for_call(renewing.server, "jo", renewing.run())
    assert isinstance(found, Usable)
    assert found.access_token.reveal() == "renewed-3"


def test_a_token_of_unknown_end_is_kept_alive_by_the_days_that_are_declared(world: World) -> None:
    world.login.omits, world.login.expires_in = {"refresh_token"}, None
    server = replace(world.server, quirks=Quirks(refresh_request=RENEWS), refresh_idle_days=30)
    world.server = world.register(server)
    browser = Browser.of(world)
    complete(world, browser.comes_back(browser.opens(link(world))))
    assert world.connection().due_at == world.connection().tokens.obtained_at + timedelta(days=27)


def test_a_disconnect_ends_the_one_token_once(renewing: World) -> None:
    renewing.login.revocation_script += [answers(200)]
    outcome = renewing.core.flows.connections.disconnect("jo", "crm", renewing.run())
    assert outcome is Revocation.CONFIRMED
    [request] = renewing.login.revocations
    assert form(request)["token"] == "canary-access-1"
    assert form(request)["token_type_hint"] == "access_token"


SHAPE = RevocationRequest(Method.DELETE, Credentials.BEARER)


def test_a_bearers_disconnect_is_confirmed_by_the_service(world: World) -> None:
    world.server = world.register(replace(world.server, quirks=Quirks(revocation_request=SHAPE)))
    world.connect()
    world.login.revocation_script.append(answers(200, {"success": True}))
    outcome = world.core.flows.connections.disconnect("jo", "crm", world.run())
    assert outcome is Revocation.CONFIRMED
    [request] = world.login.revocations
    assert (request.method, request.headers["authorization"]) == (
        "DELETE",
        "Bearer canary-access-1",
    )


def test_and_goes_on_as_it_was_made_when_the_server_is_gone(world: World) -> None:
    quirks = Quirks(revocation_request=SHAPE, error_field="base.code")
    world.server = world.register(replace(world.server, quirks=quirks))
    browser = Browser.of(world)
    complete(world, browser.comes_back(browser.opens(link(world))))
    made = world.connection().revocation
    assert (made.request, made.error_field) == (SHAPE, "base.code")
    world.login.revocation_script.append(answers(200, {"success": True}))
    core = world.core
    outcome = core.remover.disconnect("jo", "crm", None, world.run())
    assert outcome is Revocation.CONFIRMED
    assert world.login.revocations[0].headers["authorization"] == "Bearer canary-access-1"


def test_a_disconnect_that_the_service_refuses_is_not_called_confirmed(world: World) -> None:
    world.server = world.register(replace(world.server, quirks=Quirks(revocation_request=SHAPE)))
    world.connect()
    world.login.revocation_script.append(answers(200, {"success": False}))
    outcome = world.core.flows.connections.disconnect("jo", "crm", world.run())
    assert outcome is Revocation.FAILED


INTROSPECTION = Quirks(introspection_endpoint="https://login.example.com/token")


def told(world: World, **more: Any) -> Any:
    end = int((world.time.now() + timedelta(hours=1)).timestamp())
    return answers(200, {"active": True, "exp": end} | more)


def test_a_lifetime_is_asked_for_at_the_consent(world: World) -> None:
    world.register(replace(world.server, quirks=INTROSPECTION))
    world.login.expires_in = None
    world.login.script += [world.login.usual, told(world)]
    browser = Browser.of(world)
    complete(world, browser.comes_back(browser.opens(link(world))))
    tokens = world.connection().tokens
    assert tokens.expires_at
    assert abs(tokens.expires_at - tokens.obtained_at - timedelta(hours=1)) < timedelta(seconds=5)


def test_and_after_a_refresh_once_the_new_set_is_safe(world: World) -> None:
    world.server = world.register(replace(world.server, quirks=INTROSPECTION))
    world.connect()
    world.time.passes(3600)
    world.login.expires_in = None
    stood: list[int] = []

    def looks_at_the_row(request: httpx.Request) -> httpx.Response:
        stood.append(world.connection().generation)
        answer: httpx.Response = told(world)(request)
        return answer

    world.login.script += [world.login.usual, looks_at_the_row]
    found = world.core.tokens.for_call(world.server, "jo", world.run())
    assert isinstance(found, Usable)
    stands = world.connection()
    assert (stood, stands.generation) == ([2], 2)
    assert stands.tokens.expires_at
    assert stands.due_at
    assert stands.lease is None


@pytest.mark.parametrize("answer", [answers(500), answers(200, {"active": False})])
def test_a_refresh_stands_though_nothing_tells_its_end(world: World, answer: Any) -> None:
    world.server = world.register(replace(world.server, quirks=INTROSPECTION))
    world.connect()
    world.time.passes(3600)
    world.login.expires_in = None
    world.login.script += [world.login.usual, answer]
    assert isinstance(world.core.tokens.for_call(world.server, "jo", world.run()), Usable)
    stands = world.connection()
    assert (stands.generation, stands.tokens.expires_at) == (2, None)
