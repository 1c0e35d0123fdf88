"""A server registered with nothing but its URL is discovered when it is first wanted, once."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from broker.errors import ServerMisconfigured, TemporarilyUnavailable
from broker.model import (
    AuthorizationRequired,
    Found,
    Precondition,
    Problem,
    Redirect,
    Server,
    Severity,
    ToolCall,
    Wish,
)
from tests.fakes.strangers import (
    ISSUER,
    MCP_URL,
    REGISTRATION,
    RESOURCE_METADATA,
    SERVER_METADATA,
    resource_metadata,
    server_metadata,
)
from tests.integration.builders import DOCUMENT, REGISTERED, URL_ALONE, Builder
from tests.integration.conftest import RETURN_URL, Container, World
from tests.integration.consents import ticket_of

OTHER = "https://evil.example.net"
WISH = Wish("jo", return_url=RETURN_URL)


@pytest.fixture
def builder(world: World) -> Builder:
    made = Builder(world)
    made.puts(**URL_ALONE)
    return made


def invoke(builder: Builder, core: Container | None = None) -> AuthorizationRequired:
    flows = (core or builder.core).flows
    outcome = flows.mcp_invoke.invoke(ToolCall("harbor", "get", WISH), builder.world.run())
    assert isinstance(outcome, AuthorizationRequired)
    return outcome


def refused(builder: Builder) -> dict[str, Any]:
    with pytest.raises(ServerMisconfigured) as failed:
        invoke(builder)
    return failed.value.details


def stored(builder: Builder) -> Server:
    server = builder.core.servers.get("harbor")
    assert server is not None
    return server


def another_container(builder: Builder) -> Container:
    settings = builder.world.cloud.settings()
    transport = builder.strangers.transport()
    return Container(builder.world.cloud, transport, settings, builder.core.clock)


def everything_moves_to(builder: Builder, issuer: str) -> None:
    builder.strangers.says(RESOURCE_METADATA, resource_metadata(authorization_servers=[issuer]))
    places = {name: f"{issuer}/{name}" for name in ("token_endpoint", "authorization_endpoint")}
    moved = server_metadata(issuer=issuer, registration_endpoint=f"{issuer}/register", **places)
    builder.strangers.says(f"{issuer}/.well-known/oauth-authorization-server", moved)
    builder.strangers.says(f"{issuer}/register", REGISTERED, 201)


def lists_to_anybody(request: httpx.Request) -> httpx.Response:
    asked = json.loads(request.content)["id"]
    return httpx.Response(200, json={"jsonrpc": "2.0", "id": asked, "result": {"tools": []}})


def test_the_first_invoke_discovers_and_asks_the_user(builder: Builder) -> None:
    card = invoke(builder)
    assert card.scopes == ("contacts.read", "contacts.write", "offline_access")
    flows = builder.core.flows
    sent = flows.authorize.open(ticket_of(card.link), builder.world.run())
    assert isinstance(sent, Redirect)
    assert sent.location.startswith(f"{ISSUER}/authorize?")
    query = parse_qs(urlsplit(sent.location).query)
    assert (query["client_id"], query["resource"]) == (["registered-1"], [MCP_URL])
    assert builder.secret(stored(builder)) == "canary-registered-secret"


def test_a_service_that_takes_our_document_gets_no_registration(builder: Builder) -> None:
    metadata = server_metadata(client_id_metadata_document_supported=True)
    builder.strangers.says(SERVER_METADATA, metadata)
    invoke(builder)
    assert stored(builder).client_id == DOCUMENT
    assert builder.registrations() == []


def test_later_uses_ask_nobody(builder: Builder) -> None:
    invoke(builder)
    asked = len(builder.strangers.requests)
    builder.world.time.passes(days=30)
    invoke(builder)
    invoke(builder, another_container(builder))
    assert len(builder.strangers.requests) == asked


def test_a_link_a_card_and_a_test_are_first_uses_too(builder: Builder) -> None:
    flows, run = builder.core.flows, builder.world.run()
    metadata = server_metadata(client_id_metadata_document_supported=True)
    builder.strangers.says(SERVER_METADATA, metadata)
    for server_id in ("linked", "carded", "tested"):
        builder.puts(server_id, **URL_ALONE)
    flows.connections.connect("linked", WISH, run)
    assert flows.connections.prompt(["carded"], WISH, run).misconfigured == ()
    flows.probe.start("tested", None, publish=False, invocation=run)
    complete = [builder.core.servers.get(name) for name in ("linked", "carded", "tested")]
    assert [server and server.missing for server in complete] == [(), (), ()]


def test_what_was_found_is_shown_beside_what_was_registered(builder: Builder) -> None:
    servers = builder.core.flows.servers
    assert servers.shown("harbor")[1] is None
    invoke(builder)
    registered, found = servers.shown("harbor")
    assert registered.client_id is None
    assert found is not None
    assert found.server == stored(builder)
    assert found.found_at == builder.world.time.now().replace(microsecond=0)


def test_no_row_and_no_repr_holds_the_secret(builder: Builder) -> None:
    invoke(builder)
    tables = ("PendingTable", "ServersTable", "ServerStateTable")
    rows = repr([builder.world.cloud.items(table) for table in tables])
    assert "canary-regist" not in rows + repr(stored(builder))


# ---------------------------------------------------------------------------- who decides


def test_what_was_found_is_not_changed_by_what_strangers_say_later(builder: Builder) -> None:
    invoke(builder)
    before = stored(builder)
    everything_moves_to(builder, OTHER)
    builder.world.time.passes(days=1)
    invoke(builder, another_container(builder))
    evil = replace(before, token_endpoint=f"{OTHER}/token")
    registered = builder.core.flows.servers.get("harbor")
    stands = builder.core.found.put(registered, Found(evil, (), builder.world.time.now()))
    assert (stands.server, stored(builder)) == (before, before)


def test_of_two_first_uses_at_once_one_counts_for_both(builder: Builder) -> None:
    other = another_container(builder)

    def meanwhile() -> None:
        builder.strangers.says(REGISTRATION, REGISTERED | {"client_id": "registered-2"}, 201)
        invoke(builder, other)

    builder.world.cloud.before("PutItem", meanwhile, table="PendingTable")
    invoke(builder)
    assert stored(builder).client_id == "registered-2"
    assert other.servers.get("harbor") == stored(builder)


def test_another_url_is_another_discovery(builder: Builder) -> None:
    invoke(builder)
    before = stored(builder).config_digest
    moved = "https://mcp.example.com/moved"
    builder.puts(**URL_ALONE | {"mcp_url": moved})
    assert stored(builder).missing
    builder.strangers.answers[moved] = builder.strangers.answers[MCP_URL]
    builder.strangers.says(RESOURCE_METADATA, resource_metadata(resource=moved))
    invoke(builder)
    assert stored(builder).resource == moved
    assert stored(builder).config_digest != before


def test_a_server_made_again_starts_anew(builder: Builder) -> None:
    invoke(builder)
    builder.core.flows.servers.delete("harbor", Precondition(), disconnect=False)
    assert builder.world.cloud.items("ServerStateTable") == []
    builder.puts(**URL_ALONE)
    assert stored(builder).missing


def test_what_the_builder_says_of_scopes_and_name_goes_first(builder: Builder) -> None:
    invoke(builder)
    builder.puts(**URL_ALONE | {"name": "Renamed"}, scopes=["contacts.read"])
    assert (stored(builder).name, stored(builder).scopes) == ("Renamed", ("contacts.read",))
    assert stored(builder).missing == ()


@pytest.mark.parametrize(
    "said",
    [
        {"client_id": "mine"},
        {"client_id": "mine", "client_secret": "canary-mine"},
        {"authorization_endpoint": f"{ISSUER}/authorize"},
        {"issuer": ISSUER},
    ],
)
def test_a_builder_who_said_something_is_asked_for_the_rest(
    builder: Builder, said: dict[str, str]
) -> None:
    builder.puts(**URL_ALONE, **said)
    assert refused(builder).keys() == {"missing"}
    assert builder.strangers.requests == []


def test_a_builder_takes_what_was_found_over_and_nobody_reconnects(builder: Builder) -> None:
    invoke(builder)
    before = stored(builder)
    builder.world.time.passes(days=1)
    found = builder.discovers()
    pinned = builder.puts_what_is_found(found)
    assert (pinned.missing, pinned.config_digest) == ((), before.config_digest)
    assert builder.secret(pinned) == "canary-registered-secret"
    assert len(builder.registrations()) == 1


def test_the_secret_that_was_found_goes_nowhere_else(builder: Builder) -> None:
    invoke(builder)
    builder.world.time.passes(days=1)
    moved = builder.puts_what_is_found(builder.discovers(), token_endpoint=f"{OTHER}/token")
    assert moved.client_secret is None


# --------------------------------------------------------------------------- what fails


def test_where_discovery_fails_the_builder_is_told_why(builder: Builder) -> None:
    builder.strangers.says(SERVER_METADATA, server_metadata(registration_endpoint=...))
    details = refused(builder)
    assert details["missing"][0] == "client_id"
    assert [one["code"] for one in details["problems"]] == ["registration_needed"]
    assert stored(builder).missing


def test_a_failure_stands_for_five_minutes(builder: Builder) -> None:
    builder.strangers.says(SERVER_METADATA, server_metadata(registration_endpoint=...))
    refused(builder)
    asked = len(builder.strangers.requests)
    builder.strangers.says(SERVER_METADATA, server_metadata())
    builder.world.time.passes(minutes=4)
    assert refused(builder)["problems"]
    assert len(builder.strangers.requests) == asked
    builder.world.time.passes(minutes=1)
    invoke(builder)
    assert stored(builder).missing == ()


def test_a_server_that_is_open_to_everybody_is_its_builders_to_call_so(builder: Builder) -> None:
    builder.strangers.answers[MCP_URL] = lists_to_anybody
    builder.strangers.is_silent_at(RESOURCE_METADATA)
    problems = refused(builder)["problems"]
    assert [one["code"] for one in problems] == ["no_authorization"]


def test_one_card_leaves_out_what_cannot_be_discovered(builder: Builder) -> None:
    builder.strangers.says(SERVER_METADATA, server_metadata(registration_endpoint=...))
    card = builder.core.flows.connections.prompt(["harbor"], WISH, builder.world.run())
    assert card.misconfigured == ("harbor",)


def test_no_look_starts_without_the_time_for_it(builder: Builder) -> None:
    call = ToolCall("harbor", "get", WISH)
    with pytest.raises(TemporarilyUnavailable):
        builder.core.flows.mcp_invoke.invoke(call, builder.world.run(9.0))
    assert builder.strangers.requests == []
    invoke(builder)


def test_problems_are_kept_as_they_were_seen(builder: Builder) -> None:
    registered = builder.core.flows.servers.get("harbor")
    now = builder.world.time.now().replace(microsecond=0)
    problems = (
        Problem("one", Severity.WARNING, "First.", f"{OTHER}/seen"),
        Problem("two", Severity.ERROR, "Second."),
    )
    builder.core.found.put(registered, Found(None, problems, now + timedelta(seconds=1)))
    kept = builder.core.found.get(registered)
    assert kept == Found(None, problems, now + timedelta(seconds=1))
