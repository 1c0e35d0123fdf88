"""Services that say of a wrong style what is no word about the client, or do not read it at all."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from broker.errors import ServerMisconfigured
from broker.model import CheckOutcome, Secret, StyleVerdict, TokenRequestStyle
from tests.fakes.client_styles import Answer, Shop, says
from tests.integration.auto_style import BASIC, CODE, POST, Auto
from tests.integration.conftest import World
from tests.integration.consents import Browser, link
from tests.integration.test_auto_style_checked import checked

JSON_POST = TokenRequestStyle.JSON_POST
_LOOPBACK = "http://127.0.0.1:1/tested"
type Reads = Callable[[httpx.Request], bool]


@dataclass
class Picky(Shop):
    """Looks first at how it is asked."""

    reads: Reads = lambda _: True
    unread: Answer = field(default_factory=lambda: says(415, "invalid_request"))

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/revoke" or self.reads(request):
            return super().__call__(request)
        return self.unread()


def json_alone(request: httpx.Request) -> bool:
    return request.headers["content-type"] == "application/json"


def form_alone(request: httpx.Request) -> bool:
    return not json_alone(request)


def basic_alone(request: httpx.Request) -> bool:
    return "authorization" in request.headers and form_alone(request)


def detail() -> httpx.Response:
    """Answer as a validator of bodies does."""
    return httpx.Response(422, json={"detail": [{"type": "missing", "loc": ["body"]}]})


SERVICES: dict[str, Callable[[], Picky]] = {
    "json: 415": lambda: Picky([JSON_POST], reads=json_alone),
    "json: 415 without a word": lambda: Picky(
        [JSON_POST], reads=json_alone, unread=lambda: httpx.Response(415)
    ),
    "json: 422": lambda: Picky([JSON_POST], reads=json_alone, unread=detail),
    "json: its parser breaks": lambda: Picky(
        [JSON_POST], reads=json_alone, unread=lambda: httpx.Response(500)
    ),
    "json: no grant type": lambda: Picky(
        [JSON_POST], reads=json_alone, unread=says(400, "unsupported_grant_type")
    ),
    "form: content type": lambda: Picky(
        [BASIC],
        reads=form_alone,
        unread=says(400, "invalid_request", "content must be application/x-www-form-urlencoded"),
    ),
    "form: no grant type": lambda: Picky(
        [POST], reads=form_alone, unread=says(400, "invalid_request", "Missing grant_type")
    ),
    "basic: no header": lambda: Picky(
        [BASIC],
        reads=basic_alone,
        unread=says(400, "invalid_request", "Missing Authorization header"),
    ),
}


@pytest.fixture(params=list(SERVICES.values()), ids=list(SERVICES))
def shop(request: pytest.FixtureRequest) -> Picky:
    """One of them."""
    made: Picky = request.param()
    return made


def test_auto_finds_the_style_and_sends_the_code_once(world: World, shop: Picky) -> None:
    [style] = shop.styles
    auto = Auto(world, shop)
    link(world)
    assert (auto.found.proven, auto.found.style) == (True, style)
    auto.connects()
    assert auto.with_real_code() == [style]


def test_auto_knows_a_wrong_secret(world: World, shop: Picky) -> None:
    auto = Auto(world, shop, client_secret="canary-wrong-secret")
    link(world)
    assert auto.found.verdict is StyleVerdict.CLIENT_REFUSED
    with pytest.raises(ServerMisconfigured):
        auto.connects()


def test_a_service_that_looks_at_the_code_first_is_sent_it_in_the_style_that_it_read(
    world: World, shop: Picky
) -> None:
    [style] = shop.styles
    shop.looks_at_code_first = True
    auto = Auto(world, shop, revocation_endpoint=None)
    link(world)
    assert auto.found.style is not None
    auto.connects()
    assert auto.with_real_code()[-1] is style


def diagnosed(world: World, auto: Auto) -> dict[str, Any]:
    """Test a configuration to the end of its exchange; return what is said of it."""
    probe = world.core.flows.probe
    started = probe.start("crm", _LOOPBACK, publish=False, invocation=world.run())
    auto.shop.codes.add(CODE)
    browser = Browser.of(world)
    assert started.link
    back = browser.comes_back(browser.opens(started.link), CODE)
    code = Secret(back["completion_code"])
    run = probe.advance("crm", started.run.test_id, code, revoke=False, invocation=world.run())
    [diagnosis] = run.diagnoses
    return dict(diagnosis)


def test_a_test_names_the_style_that_works(world: World, shop: Picky) -> None:
    [style] = shop.styles
    wrong = POST if shop.reads in (json_alone, basic_alone) else JSON_POST
    auto = Auto(world, shop, token_request_style=wrong.value)
    found = diagnosed(world, auto)
    assert (found["cause"], found["certainty"]) == ("token_request_style", "certain")
    assert style.value in str(found["fix"])


def test_a_check_names_the_style_that_works(world: World, shop: Picky) -> None:
    [style] = shop.styles
    wrong = POST if shop.reads in (json_alone, basic_alone) else JSON_POST
    auto = Auto(world, shop, token_request_style=wrong.value)
    found = checked(world, auto.shop)
    if "client_authentication" in found and found["client_authentication"].diagnosis:
        assert found["client_authentication"].diagnosis["cause"] == "token_request_style"
        assert style.value in str(found["client_authentication"].diagnosis["fix"])
    else:  # a server whose parser breaks looks like one that is away
        assert found["token_endpoint"].outcome is CheckOutcome.FAILED


def test_a_revocation_endpoint_that_takes_no_post_is_sent_none(world: World) -> None:
    shop = Shop([POST])
    request = {"method": "DELETE", "credentials": "bearer"}
    auto = Auto(world, shop, token_request_style="form_post", revocation_request=request)
    found = checked(world, auto.shop)["revocation_endpoint"]
    assert (found.outcome, "Not asked" in found.seen) == (CheckOutcome.UNKNOWN, True)
    assert [sent for sent in shop.sent if sent.path == "/revoke"] == []
