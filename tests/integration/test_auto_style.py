"""``auto``: settled before the browser, with inventions; with the real code only where it must."""

import pytest

from broker.errors import AuthorizationServerError, ServerMisconfigured, TemporarilyUnavailable
from broker.model import (
    SECRET_STYLES,
    Precondition,
    StyleFinding,
    StyleVerdict,
    Sureness,
    TokenRequestStyle,
)
from tests.fakes.client_styles import Answer, Shop, page, says
from tests.integration.auto_style import BASIC, CODE, POST, Auto
from tests.integration.conftest import World
from tests.integration.consents import Browser, complete, link


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
    in_its_own_way = {"token": "access_token"}  # so that no style is looked for there
    shop = Shop([POST], looks_at_code_first=True)
    auto = Auto(world, shop, revocation_request=in_its_own_way, revocation_scope="token")
    made = link(world)
    browser = Browser.of(world)
    auto.shop.codes.add(CODE)
    back = browser.comes_back(browser.opens(made), CODE)
    world.cloud.unavailable("UpdateItem", table="ServerStateTable")
    with pytest.raises(TemporarilyUnavailable):
        complete(world, back)
    world.cloud.recovers()
    assert world.core.connections.get("jo", "crm")[0] is None
    assert shop.sent[-1].path == "/revoke"


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


def test_what_was_found_for_an_older_configuration_replaces_no_newer_finding(world: World) -> None:
    auto = Auto(world, Shop([BASIC]))
    older = auto.server
    auto.put(client_secret="canary-newer-secret")
    proven = StyleFinding(StyleVerdict.PROVEN, (BASIC,), Sureness.CERTAIN, world.time.now())
    world.core.styles.put(auto.server, proven)
    late = StyleFinding(StyleVerdict.PROVEN, (POST,), Sureness.CERTAIN, world.time.now())
    world.core.styles.put(older, late)
    assert (auto.found.proven, auto.server.token_request_style) == (True, BASIC)


def test_a_row_that_names_no_secret_style_is_not_believed(world: World) -> None:
    auto = Auto(world, Shop([BASIC]))
    none = (TokenRequestStyle.NONE,)
    forged = StyleFinding(StyleVerdict.PROVEN, none, Sureness.CERTAIN, world.time.now())
    world.core.styles.put(auto.server, forged)
    assert auto.server.token_request_style is POST
