"""What a connection keeps of its consent, and the places that it opens: those, and no others."""

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from broker.errors import AuthorizationServerError
from broker.model import (
    AuthorizationRequired,
    Connection,
    KeptField,
    KeptFrom,
    LongLivedExchange,
    Quirks,
    Revocation,
    RevocationScope,
)
from broker.queues import RescueMessage
from broker.templates import GapKind
from tests.fakes.services import answers
from tests.integration.conftest import World
from tests.integration.consents import Browser, complete, link, told
from tests.integration.test_ahead import looks
from tests.integration.test_calls import invoke
from tests.integration.test_lease import DEAD

KEPT = {
    "instance": KeptField(
        KeptFrom.TOKEN_RESPONSE, "instance_url", GapKind.HOST, ("*.example.com",)
    ),
    "realm_id": KeptField(KeptFrom.CALLBACK, "realmId"),
    "accounts": KeptField(
        KeptFrom.CALLBACK, "accounts-server", GapKind.HOST, ("*.example.com",), "login.example.com"
    ),
}
SAID: dict[str, object] = {"instance_url": "https://login.example.com"}
CAME = {"realmId": "4620816365", "accounts-server": "https://login.example.com"}


@pytest.fixture
def server(world: World) -> World:
    """Let the server be one whose URLs have gaps."""
    world.server = world.register(
        replace(
            world.server,
            mcp_url="https://mcp.example.com/mcp?realm={realm_id}",
            token_endpoint="https://{accounts}/token",
            userinfo_endpoint="https://{instance}/userinfo",
            revocation_endpoint="https://{instance}/revoke",
            quirks=Quirks(kept_fields=KEPT, mcp_headers={"X-Realm-Id": "{realm_id}"}),
        )
    )
    world.login.extra = dict(SAID)
    return world


def connected(world: World, user_id: str = "jo", **came: str) -> Connection:
    """Walk through a consent whose callback has these parameters besides."""
    browser = Browser.of(world)
    state = browser.opens(link(world, user_id))
    back = browser.returns(state=state, code="canary-code-1", **{**CAME, **came})
    return complete(world, told(browser.follow(back)), user_id).connection


def test_the_values_of_both_answers_are_kept(server: World) -> None:
    connected(server)
    stands = server.connection()
    assert stands.kept == {
        "instance": "login.example.com",
        "realm_id": "4620816365",
        "accounts": "login.example.com",
    }
    assert stands.revocation.endpoint == "https://login.example.com/revoke"
    assert stands.account.label == "jo@example.com"
    assert stands.config_digest == server.server.config_digest


def test_a_value_that_nothing_has_a_gap_for_is_kept_if_it_is_said(server: World) -> None:
    spare = {"team": KeptField(KeptFrom.TOKEN_RESPONSE, "team.id")}
    quirks = replace(server.server.quirks, kept_fields=KEPT | spare)
    server.server = server.register(replace(server.server, quirks=quirks))
    assert "team" not in connected(server).kept
    server.login.extra = SAID | {"team": {"id": "T1"}}
    assert connected(server, "kim").kept["team"] == "T1"


def test_a_call_goes_to_the_connections_own_place_with_its_headers(server: World) -> None:
    connected(server)
    invoke(server)
    [request] = server.mcp.requests[-1:]
    assert str(request.url) == "https://mcp.example.com/mcp?realm=4620816365"
    assert request.headers["x-realm-id"] == "4620816365"


def test_two_users_each_have_their_own(server: World) -> None:
    connected(server, realmId="1")
    connected(server, "kim", realmId="2")
    for user_id in ("jo", "kim", "jo"):
        invoke(server, user_id)
    realms = [request.headers["x-realm-id"] for request in server.mcp.requests]
    assert [realms[0], realms[-1]] == ["1", "1"]
    assert {str(r.url)[-1]: r.headers["x-realm-id"] for r in server.mcp.requests} == {
        "1": "1",
        "2": "2",
    }


def test_it_is_refreshed_and_revoked_where_it_was_made(server: World) -> None:
    connected(server)
    server.time.passes(DEAD)
    server.login.extra = {"instance_url": "https://elsewhere.example.com"}
    looks(server)
    stands = server.connection()
    assert (stands.generation, stands.kept["instance"]) == (2, "login.example.com")
    outcome = server.core.flows.connections.disconnect("jo", "crm", server.run())
    assert outcome is Revocation.CONFIRMED
    assert server.login.revoked == ["canary-refresh-2", "canary-access-2"]
    assert server.services.elsewhere == []


@pytest.mark.parametrize(
    "instance",
    [
        "https://evil.test",
        "https://login.example.com.evil.test",
        "https://login.example.com@evil.test",
        "https://evil.test/#.example.com",
        "http://login.example.com",
        "https://login.example.com:8443",
        "https://login.example.com/oauth",
        "https://169.254.169.254",
        "",
        None,
        {"host": "login.example.com"},
    ],
    ids=repr,
)
def test_a_service_cannot_have_tokens_sent_where_the_builder_did_not_allow(
    server: World, instance: object
) -> None:
    server.login.extra = {"instance_url": instance}
    with pytest.raises(AuthorizationServerError):
        connected(server)
    assert server.core.connections.get("jo", "crm")[0] is None
    assert server.services.elsewhere == []
    assert server.mcp.requests == []


@pytest.mark.parametrize(
    "came",
    [
        {"accounts-server": "https://evil.test"},
        {"accounts-server": "https://login.example.com/x"},
    ],
    ids=["elsewhere", "a path"],
)
def test_a_browser_cannot_have_the_code_redeemed_elsewhere(
    server: World, came: dict[str, str]
) -> None:
    with pytest.raises(AuthorizationServerError):
        connected(server, **came)
    assert (server.login.token_requests, server.services.elsewhere) == ([], [])


@pytest.mark.parametrize("realm", ["../admin", "a/b", "4620\r\nX-Evil: 1", "", "a?b", "x" * 257])
def test_a_realm_is_one_segment_or_there_is_no_connection(server: World, realm: str) -> None:
    with pytest.raises(AuthorizationServerError):
        connected(server, realmId=realm)
    assert server.core.connections.get("jo", "crm")[0] is None


def test_what_is_not_said_has_its_default(server: World) -> None:
    browser = Browser.of(server)
    state = browser.opens(link(server))
    back = browser.returns(state=state, code="canary-code-1", realmId="7")
    complete(server, told(browser.follow(back)))
    assert server.connection().kept["accounts"] == "login.example.com"


@pytest.mark.parametrize(
    ("field", "members"),
    [
        ("account_id", {"account_id": "canary-access-1"}),
        ("account_id", {"account_id": "x.canary-refresh-1.y"}),
        ("account_id", {"account_id": "canary-client-secret"}),
    ],
    ids=["a token", "one inside", "the client's"],
)
def test_a_token_is_not_kept_in_the_clear(
    server: World, field: str, members: dict[str, Any]
) -> None:
    quirks = Quirks(
        kept_fields={"account": KeptField(KeptFrom.TOKEN_RESPONSE, field)},
        mcp_headers={"X-Account": "{account}"},
    )
    server.server = server.register(
        replace(
            server.server,
            mcp_url="https://mcp.example.com/mcp",
            token_endpoint="https://login.example.com/token",
            userinfo_endpoint=None,
            revocation_endpoint=None,
            quirks=quirks,
        )
    )
    server.login.extra = members
    with pytest.raises(AuthorizationServerError):
        connected(server)


def test_what_nothing_has_a_gap_for_may_be_unsaid(world: World) -> None:
    quirks = Quirks(kept_fields={"realm_id": KEPT["realm_id"]})
    world.server = world.register(replace(world.server, quirks=quirks))
    browser = Browser.of(world)
    back = browser.returns(state=browser.opens(link(world)), code="canary-code-1")
    complete(world, told(browser.follow(back)))
    assert world.connection().kept == {}


def test_tokens_of_a_connection_that_cannot_be_are_revoked_where_that_is_safe(
    server: World,
) -> None:
    server.server = server.register(
        replace(
            server.server,
            revocation_endpoint="https://login.example.com/revoke",
            revocation_scope=RevocationScope.TOKEN,
        )
    )
    server.login.extra = {"instance_url": "https://evil.test"}
    with pytest.raises(AuthorizationServerError):
        connected(server)
    assert server.login.revoked == ["canary-refresh-1"]


def test_another_list_of_hosts_asks_its_users_to_reconnect(server: World) -> None:
    connected(server)
    wider = {**KEPT, "instance": replace(KEPT["instance"], hosts=("*.example.com", "*.evil.test"))}
    quirks = replace(server.server.quirks, kept_fields=wider)
    server.server = server.register(replace(server.server, quirks=quirks))
    assert isinstance(invoke(server), AuthorizationRequired)
    assert server.mcp.requests == []


def test_a_rescued_set_knows_where_it_is_revoked(server: World) -> None:
    connected(server)
    seen = server.connection()
    message = RescueMessage.of(seen, seen.tokens)
    assert RescueMessage.model_validate_json(message.model_dump_json()).kept == seen.kept
    assert (
        RescueMessage.model_validate_json(
            json.dumps(
                {k: v for k, v in json.loads(message.model_dump_json()).items() if k != "kept"}
            )
        ).kept
        == {}
    )


def test_the_longer_lived_token_is_the_one_that_is_kept(world: World) -> None:
    longer = LongLivedExchange("https://login.example.com/token", parameter="exchange_token")
    world.register(replace(world.server, quirks=Quirks(long_lived_exchange=longer)))

    def exchanged(request: httpx.Request) -> httpx.Response:
        assert b"exchange_token=canary-access-1" in request.content
        return httpx.Response(200, json={"access_token": "long-1", "expires_in": 5_184_000})

    world.login.script += [world.login.usual, exchanged]
    browser = Browser.of(world)
    back = browser.comes_back(browser.opens(link(world)))
    complete(world, back)
    assert (world.access_token(), world.refresh_token()) == ("long-1", "canary-refresh-1")


def test_one_that_is_refused_makes_no_connection(world: World) -> None:
    quirks = Quirks(long_lived_exchange=LongLivedExchange("https://login.example.com/token"))
    alone = RevocationScope.TOKEN
    world.register(replace(world.server, quirks=quirks, revocation_scope=alone))
    world.login.script += [world.login.usual, answers(400, {"error": "invalid_request"})]
    browser = Browser.of(world)
    with pytest.raises(AuthorizationServerError):
        complete(world, browser.comes_back(browser.opens(link(world))))
    assert world.core.connections.get("jo", "crm")[0] is None
    assert world.login.revoked == ["canary-refresh-1"]
