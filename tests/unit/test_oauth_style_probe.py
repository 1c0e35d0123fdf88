"""Finding the token request style, against services of every kind there is."""

from dataclasses import replace

import httpx
import pytest

from broker.model import SECRET_STYLES, Secret, StyleFinding, StyleVerdict, Sureness
from broker.model import TokenRequestStyle as Style
from broker.oauth import Revoker, TokenEndpoint
from broker.oauth.style_probe import StyleProbe, told, wrong_secret
from broker.outbound import Outbound
from tests.fakes.client_styles import CLIENT_SECRET, Shop, page, says
from tests.unit.oauth_answers import NOW, REDIRECT_URI, SERVER, StoppedClock

WHOLE = replace(SERVER, revocation_endpoint="https://login.example.com/revoke")


def find(shop: Shop, *, revocable: bool = True, deadline: float = 60.0) -> StyleFinding:
    clock = StoppedClock()
    outbound = Outbound(clock, httpx.MockTransport(shop))
    probe = StyleProbe(TokenEndpoint(outbound, clock), Revoker(outbound, clock), clock)
    server = WHOLE if revocable else SERVER
    secret = Secret(CLIENT_SECRET)
    return probe.find(server, secret, redirect_uri=REDIRECT_URI, deadline=deadline)


@pytest.mark.parametrize("style", SECRET_STYLES)
def test_each_style_is_found_where_it_is_the_only_one(style: Style) -> None:
    shop = Shop([style])
    found = find(shop)
    assert (found.verdict, found.style, found.sure) == (
        StyleVerdict.PROVEN,
        style,
        Sureness.CERTAIN,
    )
    assert found.proven
    assert found.found_at == NOW
    assert found.requests == len(shop.sent) <= 5


def test_of_several_the_first_is_found() -> None:
    assert find(Shop([Style.JSON_BASIC, Style.FORM_BASIC])).style is Style.FORM_BASIC


@pytest.mark.parametrize("style", SECRET_STYLES)
def test_a_service_that_looks_at_the_code_first_is_found_out_by_revoking(style: Style) -> None:
    shop = Shop([style], looks_at_code_first=True)
    found = find(shop)
    assert (found.verdict, found.style) == (StyleVerdict.PROVEN, style)
    assert len(shop.sent) <= 10


def test_without_a_revocation_endpoint_it_stays_a_guess() -> None:
    found = find(Shop([Style.FORM_BASIC], looks_at_code_first=True), revocable=False)
    assert (found.verdict, found.sure) == (StyleVerdict.UNDECIDED, Sureness.GUESS)
    assert found.candidates == SECRET_STYLES


def test_a_wrong_secret_is_told_from_a_wrong_style() -> None:
    found = find(Shop())
    assert found.verdict is StyleVerdict.CLIENT_REFUSED
    assert not found.proven
    evidence = told(found)
    assert evidence is not None
    assert evidence.error == "invalid_client"


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_429_ends_it(number: int) -> None:
    shop = Shop([Style.JSON_BASIC], script={number: says(429, "slow_down")})
    assert find(shop).verdict is StyleVerdict.HELD_BACK
    assert len(shop.sent) == number


@pytest.mark.parametrize(
    "description",
    [
        "Account locked",
        "This client is locked for 15 minutes.",
        "Too many failed attempts",
        "client temporarily blocked",
        "1 attempt remaining",
    ],
)
def test_words_of_a_lock_end_it(description: str) -> None:
    shop = Shop(script={2: says(401, "invalid_client", description)})
    assert find(shop).verdict is StyleVerdict.HELD_BACK
    assert len(shop.sent) == 2


@pytest.mark.parametrize("error", ["invalid_request", "invalid_client", "invalid_grant"])
def test_a_refusal_that_says_when_to_come_back_ends_it(error: str) -> None:
    shop = Shop(always=says(400, error, **{"retry-after": "30"}))
    assert find(shop).verdict is StyleVerdict.HELD_BACK
    assert len(shop.sent) == 1


@pytest.mark.parametrize("status", [200, 404, 405, 500, 503])
def test_what_is_no_token_endpoint_is_left_alone(status: int) -> None:
    shop = Shop(always=page(status))
    found = find(shop)
    assert found.verdict is StyleVerdict.UNUSABLE
    assert [each.real for each in shop.sent] == [True] * 4
    assert told(found) is not None


def test_tokens_for_an_invented_code_prove_nothing() -> None:
    granted = {"access_token": "canary-granted"}
    found = find(Shop(always=lambda: httpx.Response(200, json=granted)))
    assert found.verdict is StyleVerdict.UNUSABLE


def test_a_page_for_the_styles_that_are_not_its_own_hides_nothing() -> None:
    found = find(
        Shop([Style.FORM_BASIC], unheard=says(401, "invalid_client"), script={1: page(500)})
    )
    assert (found.verdict, found.style) == (StyleVerdict.PROVEN, Style.FORM_BASIC)


def test_what_is_not_about_the_client_tells_apart_and_is_likely() -> None:
    found = find(Shop([Style.FORM_POST], bad_code=says(400, "invalid_request")))
    assert (found.verdict, found.sure) == (StyleVerdict.PROVEN, Sureness.LIKELY)


@pytest.mark.parametrize(
    "shop",
    [Shop([Style.JSON_BASIC], looks_at_code_first=True), Shop(), Shop(bad_code=page(500))],
    ids=["blind", "refusing", "broken"],
)
def test_it_never_asks_more_than_ten_times_nor_with_anything_but_inventions(shop: Shop) -> None:
    find(shop)
    assert len(shop.sent) <= 10
    invented = [each.fields.get("code") or each.fields["token"] for each in shop.sent]
    assert len(set(invented)) == len(invented)
    assert {each.client_id for each in shop.sent} == {"client-1"}
    wrong = {each.secret for each in shop.sent if not each.real}
    assert len(wrong) <= 1


def test_it_ends_in_time() -> None:
    shop = Shop([Style.FORM_POST])
    found = find(shop, deadline=2.0)
    assert (found.verdict, found.candidates) == (StyleVerdict.UNDECIDED, SECRET_STYLES)
    assert shop.sent == []


def test_a_wrong_secret_looks_like_one_and_is_another() -> None:
    for text in ("s", "x" * 40, "ü" * 20):
        invented = wrong_secret(Secret(text)).reveal()
        assert invented != text
        assert len(invented) == max(16, len(text))
        assert invented.isalnum()
