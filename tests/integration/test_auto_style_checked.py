"""What a check, and discovery, say of a style that is left to the broker."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from broker.inbound.discoveries import discovered
from broker.model import Checked, CheckOutcome, KeptField, KeptFrom, Quirks
from broker.templates import GapKind
from tests.fakes.client_styles import Shop, says
from tests.integration.auto_style import BASIC, Auto
from tests.integration.builders import URL_ALONE, Builder
from tests.integration.cloud import Container
from tests.integration.conftest import BASE_URL, SERVER, World
from tests.integration.consents import link

CLIENT = "client_authentication"


ISSUER = "https://login.example.com"
ABOUT = {
    "issuer": ISSUER,
    "authorization_endpoint": SERVER["authorization_endpoint"],
    "token_endpoint": SERVER["token_endpoint"],
    "token_endpoint_auth_methods_supported": ["client_secret_basic"],
}


def checked(world: World, shop: Shop) -> dict[str, Checked]:
    def handle(request: httpx.Request) -> httpx.Response:
        match request.url.path:
            case "/token" | "/revoke":
                return shop(request) if request.content else httpx.Response(401)
            case "/authorize":
                return httpx.Response(200)
            case path if path.startswith("/.well-known/oauth-authorization-server"):
                return httpx.Response(200, json=ABOUT)
        return httpx.Response(404)

    return looked_at(world, handle)


def looked_at(
    world: World, handle: Callable[[httpx.Request], httpx.Response]
) -> dict[str, Checked]:
    settings, clock = world.cloud.settings(), world.core.clock
    core = Container(world.cloud, httpx.MockTransport(handle), settings, clock)
    report = core.flows.check.check("crm", world.run())
    return {one.name: one for one in report.checks}


def test_a_guess_is_no_mistake_where_auto_finds_another(world: World) -> None:
    auto = Auto(world, Shop([BASIC]))
    found = checked(world, auto.shop)[CLIENT]
    assert (found.outcome, found.diagnosis) == (CheckOutcome.OK, None)
    assert "auto finds form_basic" in found.seen


@pytest.mark.parametrize(
    "shop",
    [
        Shop(always=says(401, "invalid_client", "Account is locked.")),
        Shop([BASIC], looks_at_code_first=True, unheard=says(400, "invalid_request")),
    ],
    ids=["locked", "code first"],
)
def test_a_guess_that_is_not_settled_is_unknown(world: World, shop: Shop) -> None:
    auto = Auto(world, shop)
    found = checked(world, auto.shop)[CLIENT]
    assert (found.outcome, found.diagnosis) == (CheckOutcome.UNKNOWN, None)


def test_what_auto_found_is_taken(world: World) -> None:
    auto = Auto(world, Shop([BASIC]))
    link(world)
    assert checked(world, auto.shop)[CLIENT].outcome is CheckOutcome.OK


def test_a_client_that_is_refused_in_every_style_is_still_told(world: World) -> None:
    auto = Auto(world, Shop())
    found = checked(world, auto.shop)[CLIENT]
    assert found.outcome is CheckOutcome.FAILED
    assert found.diagnosis is not None
    assert found.diagnosis["cause"] == "client_credentials"


@pytest.mark.parametrize(("style", "disagrees"), [("auto", False), ("form_post", True)])
def test_metadata_is_not_held_against_a_guess(world: World, style: str, *, disagrees: bool) -> None:
    auto = Auto(world, Shop([BASIC]), issuer=ISSUER, token_request_style=style)
    seen = checked(world, auto.shop)["authorization_server_metadata"].seen
    assert ("token_request_style" in seen) is disagrees


def test_a_stranger_sends_the_headers_that_are_declared(world: World) -> None:
    heads: list[httpx.Headers] = []

    def handle(request: httpx.Request) -> httpx.Response:
        if str(request.url) == world.server.mcp_url:
            heads.append(request.headers)
        return httpx.Response(401)

    region = KeptField(KeptFrom.CALLBACK, "r", GapKind.LABEL, default="eu")
    realm = KeptField(KeptFrom.CALLBACK, "realm", GapKind.LABEL)
    headers = {"X-Version": "2", "X-Region": "{region}", "X-Realm": "{realm}"}
    quirks = Quirks(mcp_headers=headers, kept_fields={"region": region, "realm": realm})
    world.server = world.register(replace(world.server, quirks=quirks))
    looked_at(world, handle)
    assert (heads[0]["x-version"], heads[0]["x-region"]) == ("2", "eu")
    assert "x-realm" not in heads[0]


def test_discovery_proposes_auto_again(world: World) -> None:
    builder = Builder(world)
    client = {"client_id": "client-1", "client_secret": "client-secret-1"}
    endpoints = {
        "authorization_endpoint": "https://login.example.com/authorize",
        "token_endpoint": "https://login.example.com/token",
    }
    builder.puts(**URL_ALONE, **client, **endpoints, token_request_style="auto")
    answer: dict[str, Any] = dict(discovered(builder.discovers(), BASE_URL))
    assert answer["server"]["token_request_style"] == "auto"


def test_a_revocation_endpoint_that_takes_no_post_is_sent_none(world: World) -> None:
    shop = Shop([BASIC])
    request = {"method": "DELETE", "credentials": "bearer"}
    auto = Auto(world, shop, token_request_style="form_basic", revocation_request=request)
    found = checked(world, auto.shop)["revocation_endpoint"]
    assert (found.outcome, "Not asked" in found.seen) == (CheckOutcome.UNKNOWN, True)
    assert [sent for sent in shop.sent if sent.path == "/revoke"] == []
