"""A check is bounded, and the client's secret goes where it belongs."""

from dataclasses import replace
from urllib.parse import unquote_plus

import httpx
import pytest

from broker.errors import ServerNotFound
from broker.flows.probe.check.bench import MOST_REQUESTS
from broker.model import CheckReport
from broker.oauth.style_table import MOST
from tests.integration.conftest import CLIENT_SECRET, Container, World

_LOGIN = "https://login.example.com"


def _checked(world: World, answer: httpx.MockTransport) -> CheckReport:
    world.register(
        replace(
            world.server,
            issuer=_LOGIN,
            userinfo_endpoint=f"{_LOGIN}/userinfo",
            refresh_endpoint=f"{_LOGIN}/refresh",
        )
    )
    core = Container(world.cloud, answer, world.cloud.settings(), world.core.clock)
    return core.flows.check.check("crm", world.run())


def test_strangers_that_never_answer_do_not_take_the_whole_invocation(world: World) -> None:
    def never(_: httpx.Request) -> httpx.Response:
        world.time.passes(5)
        raise httpx.ReadTimeout("late")

    began = world.time.elapsed
    report = _checked(world, httpx.MockTransport(never))
    assert world.time.elapsed - began <= 26
    outcomes = {one.name: one.outcome.value for one in report.checks}
    assert outcomes["mcp_server"] == outcomes["token_endpoint"] == "failed"
    assert outcomes["revocation_endpoint"] == "unknown"
    assert any("Not asked" in one.seen for one in report.checks)


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 429, 500])
@pytest.mark.parametrize("body", [b"", b"{}", b'{"error": "invalid_client"}', b"<html>", b"\xff"])
def test_whatever_strangers_answer_a_check_ends_and_asks_little(
    world: World, status: int, body: bytes
) -> None:
    answer = httpx.MockTransport(lambda _: httpx.Response(status, content=body))
    report = _checked(world, answer)
    assert report.requests <= MOST_REQUESTS + MOST
    assert {"configuration", "mcp_server"} <= {one.name for one in report.checks}


def test_the_secret_goes_to_the_token_endpoint_alone(world: World) -> None:
    asked: list[httpx.Request] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(401, json={"error": "invalid_client"})

    _checked(world, httpx.MockTransport(refuse))
    with_secret = {
        str(request.url)
        for request in asked
        if CLIENT_SECRET in unquote_plus(request.content.decode())
        or "authorization" in request.headers
    }
    assert with_secret == {f"{_LOGIN}/token"}
    assert len({str(request.url) for request in asked}) > 5


def test_a_check_writes_nothing(world: World) -> None:
    world.cloud.sent.clear()
    _checked(world, httpx.MockTransport(lambda _: httpx.Response(401)))
    written = [name for name in world.cloud.sent if name not in ("GetItem", "Decrypt")]
    assert written == ["GenerateDataKey", "PutItem"]  # the server that this test registers
    with pytest.raises(ServerNotFound):
        world.core.flows.check.check("nobody", world.run())
