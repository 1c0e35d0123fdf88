"""A check asks the userinfo endpoint as an account would be asked for, without a token."""

from dataclasses import replace

import httpx
import pytest

from broker.model import Method, Quirks
from tests.integration.conftest import Container, World

URL = "https://login.example.com/userinfo"


def asked(world: World, endpoint: str, quirks: Quirks) -> list[httpx.Request]:
    """Check a server whose endpoints all refuse; return the requests for the account."""
    every: list[httpx.Request] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        every.append(request)
        return httpx.Response(401, json={"error": "invalid_token"})

    world.register(replace(world.server, userinfo_endpoint=endpoint, quirks=quirks))
    clouded = world.cloud, httpx.MockTransport(refuse), world.cloud.settings(), world.core.clock
    Container(*clouded).flows.check.check("crm", world.run())
    return [each for each in every if str(each.url).startswith(URL)]


@pytest.mark.parametrize("method", [Method.GET, Method.POST])
def test_a_stranger_asks_by_the_declared_method(world: World, method: Method) -> None:
    (request,) = asked(world, URL, Quirks(userinfo_method=method))
    assert (request.method, request.content) == (method, b"")
    assert "authorization" not in request.headers


def test_an_endpoint_that_wants_a_token_in_its_url_is_not_asked_without_one(world: World) -> None:
    assert asked(world, f"{URL}/{{token}}", Quirks()) == []
