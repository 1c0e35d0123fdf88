"""What the first use found is what users are asked for."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from broker.inbound.discoveries import registered_server
from broker.model import Redirect
from tests.fakes.strangers import SERVER_METADATA, server_metadata
from tests.integration.builders import URL_ALONE, Builder
from tests.integration.conftest import BASE_URL, World
from tests.integration.consents import ticket_of
from tests.integration.test_first_use import another_container, invoke, stored


def asked_of_the_user(builder: Builder, **said: Any) -> dict[str, list[str]]:
    """Return the authorization request of a first use."""
    builder.puts(**URL_ALONE, **said)
    card = invoke(builder)
    sent = another_container(builder).flows.authorize.open(
        ticket_of(card.link), builder.world.run()
    )
    assert isinstance(sent, Redirect)
    return parse_qs(urlsplit(sent.location).query)


def test_a_refresh_token_is_asked_for_so_that_it_is_given(world: World) -> None:
    builder = Builder(world)
    query = asked_of_the_user(builder)
    assert query["scope"] == ["contacts.read contacts.write offline_access"]
    assert query["prompt"] == ["consent"]
    registered, found = builder.core.flows.servers.shown("harbor")
    told: Any = registered_server(registered, found, BASE_URL)["discovered"]
    assert told["extra_authorize_params"] == {"prompt": "consent"}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"extra_authorize_params": {"prompt": "login consent"}}, ["login consent"]),
        ({"scopes": ["contacts.read"]}, None),
    ],
    ids=["a prompt", "no refresh token"],
)
def test_what_the_builder_says_goes_first(
    world: World, said: dict[str, Any], expected: list[str] | None
) -> None:
    assert asked_of_the_user(Builder(world), **said).get("prompt") == expected


def test_what_the_builder_says_later_goes_first_too(world: World) -> None:
    builder = Builder(world)
    asked_of_the_user(builder)
    builder.puts(**URL_ALONE, extra_authorize_params={"prompt": "login", "hd": "example.com"})
    params = stored(builder).extra_authorize_params
    assert params == {"prompt": "login", "hd": "example.com"}


def test_no_userinfo_is_kept_that_refuses_the_token(world: World) -> None:
    builder = Builder(world)
    userinfo = "https://login.example.com/tenant/userinfo"
    builder.strangers.says(SERVER_METADATA, server_metadata(userinfo_endpoint=userinfo))
    asked_of_the_user(builder)
    assert stored(builder).userinfo_endpoint is None
