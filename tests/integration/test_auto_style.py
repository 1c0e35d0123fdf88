"""``auto``: settled before the browser, with inventions; with the real code only where it must."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from broker.errors import AuthorizationServerError, ServerMisconfigured, TemporarilyUnavailable
from broker.inbound.discoveries import registered_server
from broker.inbound.registry_requests import PutServerRequest
from broker.model import (
    SECRET_STYLES,
    Precondition,
    Server,
    StyleFinding,
    StyleVerdict,
    Sureness,
    TokenRequestStyle,
)
from tests.fakes.client_styles import CLIENT_SECRET, Answer, Shop, page, says
from tests.integration.cloud import Container
from tests.integration.conftest import BASE_URL, SERVER, World
from tests.integration.consents import Browser, complete, link

BASIC, POST = TokenRequestStyle.FORM_BASIC, TokenRequestStyle.FORM_POST
CODE = "canary-code-1"
BODY: dict[str, Any] = {
    **{name: value for name, value in SERVER.items() if name not in {"auth_type", "scopes"}},
    "server_id": "crm",
    "name": "CRM",
    "auth_type": "consumer_oauth",
    "client_secret": CLIENT_SECRET,
    "token_request_style": "auto",
}


class Auto:
    """A server whose style is left to us, at a service of some kind."""

    def __init__(self, world: World, shop: Shop, **changes: Any) -> None:
        self.world, self.shop = world, shop
        world.core = self.container()
        self.put(**changes)

    def container(self) -> Container:
        def handle(request: httpx.Request) -> httpx.Response:
            if request.url.path == "/authorize":
                return httpx.Response(200)
            authenticated = request.url.path in ("/token", "/revoke", "/moved")
            return self.shop(request) if authenticated else usual(request)

        usual = self.world.services._handle
        settings, clock = self.world.cloud.settings(), self.world.core.clock
        return Container(self.world.cloud, httpx.MockTransport(handle), settings, clock)

    def put(self, **changes: Any) -> Server:
        body = {name: value for name, value in (BODY | changes).items() if value is not ...}
        request = PutServerRequest.model_validate(body)
        flow = self.world.core.flows.servers
        return flow.put(request.server_id, request.draft, Precondition()).server

    @property
    def server(self) -> Server:
        found = self.world.core.servers.get("crm")
        assert found is not None
        return found

    @property
    def found(self) -> StyleFinding:
        assert self.server.style_finding is not None
        return self.server.style_finding

    def shown(self) -> Any:
        server, found = self.world.core.flows.servers.shown("crm")
        return registered_server(server, found, BASE_URL)["token_request_style_found"]

    def connects(self) -> Any:
        """Consent in a browser and have the chat confirm it."""
        self.shop.codes.add(CODE)
        browser = Browser.of(self.world)
        back = browser.comes_back(browser.opens(link(self.world)), CODE)
        return complete(self.world, back)

    def with_real_code(self) -> list[TokenRequestStyle]:
        return [sent.style for sent in self.shop.sent if sent.fields.get("code") == CODE]


@pytest.mark.parametrize("style", SECRET_STYLES)
def test_the_style_is_settled_before_the_browser_and_the_code_is_sent_once(
    world: World, style: TokenRequestStyle
) -> None:
    auto = Auto(world, Shop([style]))
    link(world)
    assert 2 <= len(auto.shop.sent) <= 5
    assert auto.with_real_code() == []
    assert auto.found.proven
    auto.connects()
    assert auto.with_real_code() == [style]


def test_once_it_is_known_nobody_asks_again(world: World) -> None:
    auto = Auto(world, Shop([BASIC]))
    link(world)
    asked = len(auto.shop.sent)
    world.time.passes(hours=48)
    link(world)
    assert len(auto.shop.sent) == asked


def test_the_builder_reads_the_style_and_how_sure_it_is(world: World) -> None:
    auto = Auto(world, Shop([BASIC]))
    before = {"style": "form_post", "verdict": "undecided", "sure": "guess", "found_at": None}
    assert auto.shown() == before
    link(world)
    shown = auto.shown()
    assert shown.pop("found_at") is not None
    assert shown == {"style": "form_basic", "verdict": "proven", "sure": "certain"}
    assert world.core.flows.servers.get("crm").token_request_style.value == "auto"


def test_a_style_that_is_set_is_not_looked_for(world: World) -> None:
    auto = Auto(world, Shop([POST]), token_request_style="form_post")
    auto.connects()
    assert len(auto.shop.sent) == 1
    assert auto.shown() is None


def test_undecided_the_next_style_is_tried_after_invalid_client_and_kept(world: World) -> None:
    shop = Shop([BASIC], looks_at_code_first=True)
    auto = Auto(world, shop, revocation_endpoint=None)
    auto.connects()
    assert auto.with_real_code() == [POST, BASIC]
    assert (auto.found.style, auto.found.sure) == (BASIC, Sureness.CERTAIN)
    world.time.passes(hours=2)
    world.core.tokens.for_call(auto.server, "jo", world.run())
    assert shop.sent[-1].style is BASIC


def test_after_any_other_answer_the_code_is_sent_no_second_time(world: World) -> None:
    for answer in (says(400, "invalid_grant"), says(400, "invalid_request"), page(500)):
        shop = Shop([BASIC], looks_at_code_first=True)
        auto = Auto(world, shop, revocation_endpoint=None)
        link(world)
        shop.always = answer
        before = len(shop.sent)
        with pytest.raises(AuthorizationServerError):
            auto.connects()
        assert len(shop.sent) == before + 1
        world.core.styles.forget("crm")


@pytest.mark.parametrize(
    "answer",
    [says(401, "unauthorized_client"), says(401, "invalid_client", "This client is locked.")],
    ids=["may not", "locked"],
)
def test_a_client_that_may_not_do_this_is_not_tried_in_another_style(
    world: World, answer: Answer
) -> None:
    shop = Shop([BASIC], looks_at_code_first=True)
    auto = Auto(world, shop, revocation_endpoint=None)
    link(world)
    shop.always = answer
    with pytest.raises(ServerMisconfigured):
        auto.connects()
    assert auto.with_real_code() == [POST]


def test_a_wrong_secret_is_known_and_the_code_is_sent_in_one_style(world: World) -> None:
    auto = Auto(world, Shop(SECRET_STYLES), client_secret="canary-wrong-secret")
    link(world)
    assert auto.shown()["verdict"] == "client_refused"
    with pytest.raises(ServerMisconfigured):
        auto.connects()
    assert len(auto.with_real_code()) == 1


def test_where_nothing_was_decided_somebody_looks_again_in_an_hour(world: World) -> None:
    shop = Shop([BASIC], script={1: says(429, "slow_down")})
    auto = Auto(world, shop)
    link(world)
    link(world)
    assert len(shop.sent) == 1
    assert auto.shown()["verdict"] == "held_back"
    world.time.passes(hours=1)
    link(world)
    assert auto.found.proven


def test_of_many_at_once_one_looks(world: World) -> None:
    Auto(world, Shop([BASIC]))
    styles, server = world.core.styles, world.core.servers.get("crm")
    assert server is not None
    now = world.time.now()
    assert [styles.take_look(server, now) for _ in range(3)] == [True, False, False]


@pytest.mark.parametrize(
    "changes",
    [{"token_endpoint": "https://login.example.com/moved"}, {"client_id": "client-2"}],
    ids=["endpoint", "client"],
)
def test_what_was_found_is_not_believed_of_another_client_or_place(
    world: World, changes: dict[str, str]
) -> None:
    auto = Auto(world, Shop([BASIC]))
    link(world)
    assert auto.found.proven
    auto.put(**changes)
    assert auto.found == StyleFinding(StyleVerdict.UNDECIDED, SECRET_STYLES, Sureness.GUESS)


def test_with_another_secret_the_style_is_the_first_guess_and_looked_at_again(
    world: World,
) -> None:
    auto = Auto(world, Shop([BASIC]))
    auto.connects()
    auto.put()
    assert (auto.found.style, auto.found.proven) == (BASIC, False)
    world.time.passes(hours=2)
    world.core.tokens.for_call(auto.server, "jo", world.run())
    assert auto.shop.sent[-1].style is BASIC
    before = len(auto.shop.sent)
    link(world, "mia")
    assert [each.style for each in auto.shop.sent[before:]] == [BASIC, BASIC]
    assert auto.found.proven


def test_a_put_that_keeps_the_secret_keeps_the_finding(world: World) -> None:
    auto = Auto(world, Shop([BASIC]))
    link(world)
    auto.put(client_secret=..., name="Another name")
    assert auto.found.proven


def test_without_a_place_to_keep_the_style_there_is_no_connection(world: World) -> None:
    auto = Auto(world, Shop([POST], looks_at_code_first=True), revocation_endpoint=None)
    made = link(world)
    browser = Browser.of(world)
    auto.shop.codes.add(CODE)
    back = browser.comes_back(browser.opens(made), CODE)
    world.cloud.unavailable("UpdateItem", table="ServerStateTable")
    with pytest.raises(TemporarilyUnavailable):
        complete(world, back)
    world.cloud.recovers()
    assert world.core.connections.get("jo", "crm")[0] is None


def test_a_store_that_is_away_keeps_nobody_from_connecting(world: World) -> None:
    auto = Auto(world, Shop([BASIC]))
    world.cloud.unavailable("UpdateItem", table="ServerStateTable")
    link(world)
    assert auto.shop.sent == []


def test_too_little_time_leaves_it_a_guess(world: World) -> None:
    auto = Auto(world, Shop([BASIC]))
    first_use = world.core.flows._first_use
    server = first_use.complete(auto.server, world.run(seconds=10.0))
    assert server.other_styles
    assert auto.shop.sent == []
    link(world)
    assert auto.found.proven


def test_without_a_secret_it_is_missing_and_nothing_is_asked(world: World) -> None:
    auto = Auto(world, Shop([BASIC]), client_secret=None)
    assert auto.server.missing == ("client_secret",)
    with pytest.raises(ServerMisconfigured):
        link(world)
    assert auto.shop.sent == []


def test_a_deleted_server_leaves_no_finding(world: World) -> None:
    Auto(world, Shop([BASIC]))
    link(world)
    world.core.flows.servers.delete("crm", Precondition(), disconnect=False)
    keys = [item["server_id"]["S"] for item in world.cloud.items("ServerStateTable")]
    assert keys == []


def test_a_row_that_names_no_secret_style_is_not_believed(world: World) -> None:
    auto = Auto(world, Shop([BASIC]))
    none = (TokenRequestStyle.NONE,)
    forged = StyleFinding(StyleVerdict.PROVEN, none, Sureness.CERTAIN, world.time.now())
    world.core.styles.put(auto.server, forged)
    assert auto.server.token_request_style is POST


# The test of a configuration


def started(world: World) -> Any:
    return world.core.flows.probe.start("crm", None, publish=False, invocation=world.run()).run


def test_a_test_tells_the_style_before_the_browser_and_always_looks(world: World) -> None:
    auto = Auto(world, Shop([BASIC]))
    for _ in range(2):
        before = len(auto.shop.sent)
        [step] = started(world).steps
        assert (step.step.value, step.outcome) == ("consent", "ok")
        assert "auto is form_basic (certain)" in step.seen
        assert len(auto.shop.sent) > before


def test_a_test_says_that_the_client_is_refused_in_every_style(world: World) -> None:
    Auto(world, Shop())
    run = started(world)
    assert [d["cause"] for d in run.diagnoses] == ["client_credentials"]


@pytest.mark.parametrize(
    ("shop", "words"),
    [
        (Shop(always=says(429, "slow_down")), "fewer requests"),
        (Shop(looks_at_code_first=True, unheard=lambda: httpx.Response(200)), "alike"),
    ],
    ids=["held back", "alike"],
)
def test_a_test_says_why_it_is_a_guess(world: World, shop: Shop, words: str) -> None:
    Auto(world, shop)
    [step] = started(world).steps
    assert step.outcome == "warning"
    assert words in step.seen


def test_what_was_proven_is_not_forgotten_for_an_answer_that_tells_nothing(world: World) -> None:
    auto = Auto(world, Shop([BASIC]))
    link(world)
    auto.shop.always = says(429, "slow_down")
    started(world)
    assert auto.found.proven


def test_a_secret_that_is_refused_now_unproves_the_style_and_keeps_it_as_the_guess(
    world: World,
) -> None:
    auto = Auto(world, Shop([BASIC]))
    link(world)
    auto.shop.styles = ()
    started(world)
    assert (auto.found.verdict, auto.found.style) == (StyleVerdict.CLIENT_REFUSED, BASIC)


def test_the_finding_is_no_part_of_what_decides_where_tokens_go(world: World) -> None:
    auto = Auto(world, Shop([BASIC]))
    digest = auto.server.config_digest
    link(world)
    assert auto.server.config_digest == digest
    assert replace(auto.server, style_finding=None).config_digest == digest


def test_a_look_is_due_an_hour_after_the_last(world: World) -> None:
    auto = Auto(world, Shop([BASIC]))
    styles, server, now = world.core.styles, auto.server, world.time.now()
    assert styles.take_look(server, now)
    assert not styles.take_look(server, now + timedelta(minutes=59))
    assert styles.take_look(server, now + timedelta(minutes=60))
