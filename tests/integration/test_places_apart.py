"""Connections whose token endpoint and MCP server are their own: one place holds up no other."""

from dataclasses import replace

import pytest

from broker.errors import McpServerError, ServerMisconfigured
from broker.model import AuthorizationRequired, Completed, KeptField, KeptFrom, Quirks, Server
from broker.storage.server_state import HALF_OPEN_AFTER, REJECTED_USERS
from tests.fakes.services import answers
from tests.integration.conftest import World
from tests.integration.consents import Browser, complete, link, told
from tests.integration.test_ahead import looks
from tests.integration.test_calls import invoke
from tests.integration.test_lease import DEAD, STALE

REFUSED = answers(401, {"error": "invalid_client"})
FIVE_MINUTES = HALF_OPEN_AFTER.total_seconds()


def templated(server: Server) -> Server:
    """Return the server with a token endpoint and an MCP URL that only a connection knows."""
    return replace(
        server,
        mcp_url="https://mcp.example.com/{tenant}",
        token_endpoint="https://login.example.com/token?tenant={tenant}",
        quirks=Quirks(kept_fields={"tenant": KeptField(KeptFrom.CALLBACK, "tenant")}),
    )


@pytest.fixture
def tenants(world: World) -> World:
    """Connect jo and kim at one place, lee at another."""
    world.server = world.register(templated(world.server))
    for user_id, tenant in (("jo", "red"), ("kim", "red"), ("lee", "blue")):
        connect(world, user_id, tenant)
    return world


def connect(world: World, user_id: str, tenant: str) -> None:
    """Walk through a consent at a tenant's."""
    browser = Browser.of(world)
    state = browser.opens(link(world, user_id))
    back = browser.returns(state=state, code=f"code-of-{user_id}", tenant=tenant)
    complete(world, told(browser.follow(back)), user_id)


def refresh(world: World, user_id: str) -> None:
    """Ask for a token, as a call does."""
    world.container().tokens.for_call(world.server, user_id, world.run())


def refused_at_jos_place(tenants: World) -> None:
    """Let every access token have ended, and the client be refused where jo is connected."""
    tenants.time.passes(DEAD)
    tenants.login.script.append(REFUSED)
    with pytest.raises(ServerMisconfigured):
        refresh(tenants, "jo")


def test_a_client_refused_at_one_place_is_accepted_at_the_others(tenants: World) -> None:
    refused_at_jos_place(tenants)
    before = len(tenants.login.refreshes)
    with pytest.raises(ServerMisconfigured):
        refresh(tenants, "kim")
    assert len(tenants.login.refreshes) == before
    refresh(tenants, "lee")
    assert isinstance(invoke(tenants, "lee"), Completed)


def test_who_is_new_may_connect_while_a_place_refuses_the_client(tenants: World) -> None:
    refused_at_jos_place(tenants)
    assert isinstance(invoke(tenants, "new"), AuthorizationRequired)
    connect(tenants, "new", "blue")
    assert isinstance(invoke(tenants, "new"), Completed)


def test_one_goes_to_see_at_each_place_and_clears_it(tenants: World) -> None:
    refused_at_jos_place(tenants)
    tenants.time.passes(FIVE_MINUTES + 1)
    for user_id in ("jo", "kim"):
        refresh(tenants, user_id)
    assert len(tenants.login.refreshes) == 3


def test_a_new_configuration_begins_anew_at_every_place(tenants: World) -> None:
    refused_at_jos_place(tenants)
    tenants.server = tenants.register(replace(tenants.server, name="CRM 2", revision=2))
    refresh(tenants, "kim")


def test_a_host_that_asks_for_patience_slows_refreshes_down_there_alone(world: World) -> None:
    own = replace(templated(world.server), token_endpoint=world.server.token_endpoint)
    world.server = world.register(
        replace(own, refresh_endpoint="https://{tenant}.example.com/token")
    )
    for user_id, tenant in (("jo", "login"), ("kim", "login"), ("lee", "elsewhere")):
        connect(world, user_id, tenant)
    world.time.passes(STALE)
    world.login.script.append(answers(429, {}, **{"Retry-After": "50"}))
    for user_id in ("jo", "kim", "lee"):
        looks(world, user_id)
    assert len(world.login.refreshes) == 1
    assert [request.url.host for request in world.services.elsewhere] == ["elsewhere.example.com"]


def test_a_place_that_refuses_everybody_says_nothing_of_the_others(world: World) -> None:
    world.login.omits.add("refresh_token")
    world.server = world.register(templated(world.server))
    users = [f"user-{number}" for number in range(REJECTED_USERS + 1)]
    for user_id in users:
        connect(world, user_id, "red")
    connect(world, "lee", "blue")
    world.mcp.script += [answers(401, {"error": "invalid_token"})] * len(users)
    for user_id in users[:REJECTED_USERS]:
        assert isinstance(invoke(world, user_id), AuthorizationRequired)
    with pytest.raises(McpServerError):
        invoke(world, users[-1])
    world.mcp.script.append(answers(401, {"error": "invalid_token"}))
    assert isinstance(invoke(world, "lee"), AuthorizationRequired)
