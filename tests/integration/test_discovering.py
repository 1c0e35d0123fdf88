"""From a PUT with nothing but the URL to a server that users can connect to."""

import json
from typing import Any

import httpx
import pytest

from broker.errors import InvalidServer, ServerNotFound
from broker.inbound.discoveries import discovered
from broker.model import ClientSource, Discovered
from tests.fakes.strangers import (
    MCP_URL,
    REGISTRATION,
    RESOURCE_METADATA,
    SERVER_METADATA,
    resource_metadata,
    server_metadata,
)
from tests.integration.builders import DOCUMENT, REDIRECT_URI, REGISTERED, URL_ALONE, Builder
from tests.integration.conftest import BASE_URL, World


@pytest.fixture
def builder(world: World) -> Builder:
    made = Builder(world)
    made.puts(**URL_ALONE)
    return made


def codes(found: Discovered) -> list[str]:
    return [problem.code for problem in found.problems]


def test_a_client_is_registered_and_the_put_takes_its_secret(builder: Builder) -> None:
    found = builder.discovers()
    assert (found.client, found.ready, codes(found)) == (ClientSource.DYNAMIC, True, [])
    server = builder.puts_what_is_found(found)
    assert server.missing == ()
    assert server.client_id == "registered-1"
    assert builder.secret(server) == "canary-registered-secret"
    [asked] = builder.registrations()
    assert asked["redirect_uris"] == [REDIRECT_URI]
    assert asked["application_type"] == "web"
    assert asked["token_endpoint_auth_method"] == "client_secret_post"
    assert asked["scope"] == "contacts.read contacts.write offline_access"


def test_the_secret_is_in_no_answer_and_in_no_row(builder: Builder) -> None:
    found = builder.discovers()
    server = builder.puts_what_is_found(found)
    seen = json.dumps(discovered(found, BASE_URL)) + repr(found) + repr(server)
    rows = repr([builder.world.cloud.items(table) for table in ("PendingTable", "ServersTable")])
    assert "canary-regist" not in seen + rows


def test_a_second_look_registers_no_second_client(builder: Builder) -> None:
    builder.discovers()
    found = builder.discovers()
    assert len(builder.registrations()) == 1
    builder.puts_what_is_found(found)
    assert builder.discovers().client is ClientSource.PRE_REGISTERED
    assert len(builder.registrations()) == 1


def test_what_is_registered_is_good_for_an_hour(builder: Builder) -> None:
    found = builder.discovers()
    builder.world.time.passes(hours=1)
    assert builder.puts_what_is_found(found).client_secret is None


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://login.example.com/other"},
        {"client_id": "another"},
        {"token_endpoint": "https://evil.example.net/token"},
        {"revocation_endpoint": "https://evil.example.net/revoke"},
        {"refresh_endpoint": "https://evil.example.net/refresh"},
        {"userinfo_endpoint": "https://evil.example.net/userinfo"},
        {"mcp_url": "https://evil.example.net/mcp"},
        {"token_request_style": "form_basic"},
    ],
)
def test_the_secret_goes_nowhere_but_where_its_client_was_registered_for(
    builder: Builder, change: dict[str, str]
) -> None:
    server = builder.puts_what_is_found(builder.discovers(), **change)
    assert server.client_secret is None


def test_another_server_does_not_get_the_client(builder: Builder) -> None:
    body: Any = discovered(builder.discovers(), BASE_URL)["server"]
    assert builder.puts("sister", **body).client_secret is None
    builder.puts("sister", **URL_ALONE)
    builder.discovers("sister")
    assert [one["redirect_uris"] for one in builder.registrations()] == [
        [REDIRECT_URI],
        [f"{BASE_URL}/callback/sister"],
    ]


def test_a_client_of_another_issuer_is_not_used_again(builder: Builder) -> None:
    builder.puts_what_is_found(builder.discovers())
    other = "https://evil.example.net"
    builder.strangers.says(RESOURCE_METADATA, resource_metadata(authorization_servers=[other]))
    moved = server_metadata(
        issuer=other,
        token_endpoint=f"{other}/token",
        authorization_endpoint=f"{other}/authorize",
        revocation_endpoint=...,
        registration_endpoint=...,
    )
    builder.strangers.says(f"{other}/.well-known/oauth-authorization-server", moved)
    found = builder.discovers()
    assert found.client is ClientSource.BUILDER
    assert found.server.client_id is None
    assert codes(found) == ["issuer_changed", "registration_needed"]
    with pytest.raises(InvalidServer, match="client_secret"):
        builder.puts_what_is_found(found)


def test_our_document_is_the_client_where_the_service_takes_such(builder: Builder) -> None:
    metadata = server_metadata(client_id_metadata_document_supported=True)
    builder.strangers.says(SERVER_METADATA, metadata)
    found = builder.discovers()
    assert found.client is ClientSource.CLIENT_ID_METADATA_DOCUMENT
    server = builder.puts_what_is_found(found)
    assert (server.client_id, server.missing, server.client_secret) == (DOCUMENT, (), None)
    assert builder.registrations() == []
    document = builder.core.flows.servers.client_metadata("harbor", BASE_URL)
    assert document["client_id"] == DOCUMENT
    assert document["redirect_uris"] == [REDIRECT_URI]
    assert document["token_endpoint_auth_method"] == "none"


def test_a_service_without_public_clients_gets_a_registered_one(builder: Builder) -> None:
    metadata = server_metadata(
        client_id_metadata_document_supported=True,
        token_endpoint_auth_methods_supported=["client_secret_basic"],
    )
    builder.strangers.says(SERVER_METADATA, metadata)
    basic = REGISTERED | {"token_endpoint_auth_method": "client_secret_basic"}
    builder.strangers.says(REGISTRATION, basic, 201)
    server = builder.puts_what_is_found(builder.discovers())
    assert server.token_request_style.value == "form_basic"
    assert builder.secret(server) == "canary-registered-secret"


def test_there_is_no_document_of_a_server_that_has_no_client(builder: Builder) -> None:
    builder.puts("open", **URL_ALONE | {"auth_type": "none"})
    for server_id in ("open", "unknown"):
        with pytest.raises(ServerNotFound):
            builder.core.flows.servers.client_metadata(server_id, BASE_URL)


def test_the_builders_own_client_comes_first(builder: Builder) -> None:
    builder.puts(**URL_ALONE, client_id="mine")
    metadata = server_metadata(client_id_metadata_document_supported=True)
    builder.strangers.says(SERVER_METADATA, metadata)
    found = builder.discovers()
    assert (found.client, found.server.client_id) == (ClientSource.PRE_REGISTERED, "mine")
    assert builder.registrations() == []


def test_a_kept_secret_does_not_go_to_discovered_endpoints_without_being_given_again(
    builder: Builder,
) -> None:
    builder.puts(**URL_ALONE, client_id="mine", client_secret="canary-mine")
    found = builder.discovers()
    assert (codes(found), found.ready) == (["client_secret_needed"], False)
    with pytest.raises(InvalidServer):
        builder.puts_what_is_found(found)
    server = builder.puts_what_is_found(found, client_secret="canary-mine")
    assert builder.secret(server) == "canary-mine"


def test_without_any_way_to_register_the_builder_is_asked(builder: Builder) -> None:
    builder.strangers.says(SERVER_METADATA, server_metadata(registration_endpoint=...))
    found = builder.discovers()
    assert (found.client, found.ready) == (ClientSource.BUILDER, False)
    assert codes(found) == ["registration_needed"]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (201, {}),
        (201, {"client_id": ""}),
        (201, {"client_id": "x\ny"}),
        (201, {"client_id": 5}),
        (201, {"client_id": "x"}),
        (201, REGISTERED | {"redirect_uris": ["https://evil.example.net/cb"]}),
        (201, REGISTERED | {"token_endpoint_auth_method": "private_key_jwt"}),
        (201, REGISTERED | {"client_secret": "x" * 5000}),
        (400, {"error": "invalid_redirect_uri"}),
        (403, {"error": "<script>"}),
        (307, {}),
        (500, {}),
    ],
)
def test_a_registration_that_is_none_is_told_and_nothing_is_kept(
    builder: Builder, status: int, body: dict[str, Any]
) -> None:
    builder.strangers.says(REGISTRATION, body, status)
    found = builder.discovers()
    assert codes(found) == ["registration_refused", "registration_needed"]
    assert "<script>" not in found.problems[0].message
    assert found.server.client_id is None


def test_a_registration_that_brings_no_answer_is_told(builder: Builder) -> None:
    builder.strangers.answers[REGISTRATION] = httpx.ConnectError("no")
    assert codes(builder.discovers())[0] == "registration_refused"


def test_a_public_client_is_taken_as_one(builder: Builder) -> None:
    public = {"client_id": "public-1", "token_endpoint_auth_method": "none"}
    builder.strangers.says(REGISTRATION, public, 201)
    server = builder.puts_what_is_found(builder.discovers())
    assert (server.missing, server.token_request_style.value) == ((), "none")


def test_a_secret_that_ends_is_pointed_out(builder: Builder) -> None:
    builder.strangers.says(REGISTRATION, REGISTERED | {"client_secret_expires_at": 1999999999}, 201)
    found = builder.discovers()
    assert (codes(found), found.ready) == (["client_secret_expires"], True)


def test_by_url_alone_nothing_is_registered(builder: Builder) -> None:
    found = builder.core.flows.discovery.discover(MCP_URL, None, builder.world.run())
    assert (found.client, found.server.client_id) == (ClientSource.DYNAMIC, None)
    assert found.server.name == "Harbor CRM"
    assert builder.registrations() == []


@pytest.mark.parametrize("url", ["https://127.0.0.1/mcp", "http://mcp.example.com", "file:///x"])
def test_a_url_inside_is_not_asked(builder: Builder, url: str) -> None:
    with pytest.raises(InvalidServer, match="mcp_url"):
        builder.core.flows.discovery.discover(url, None, builder.world.run())
    assert builder.strangers.requests == []


def test_an_unknown_server_is_not_discovered(builder: Builder) -> None:
    with pytest.raises(ServerNotFound):
        builder.discovers("unknown")


def test_the_discovered_resource_is_asked_for_and_a_builder_may_leave_it_out(
    builder: Builder,
) -> None:
    server = builder.puts_what_is_found(builder.discovers())
    assert server.resource == MCP_URL
    changed = builder.puts_what_is_found(builder.discovers(), resource=None)
    assert changed.resource is None
    assert builder.discovers().server.resource is None, "and that is remembered"


def test_discovery_changes_the_digest_only_by_the_put(builder: Builder) -> None:
    before = builder.core.flows.servers.get("harbor")
    found = builder.discovers()
    assert builder.core.flows.servers.get("harbor") == before
    after = builder.puts_what_is_found(found)
    assert after.config_digest == found.server.config_digest
