"""Discovery proposes a client that signs where the service takes nothing simpler."""

from typing import Any

import pytest

from broker.model import ClientSource, TokenRequestStyle
from tests.fakes.strangers import ISSUER, REGISTRATION, SERVER_METADATA, server_metadata
from tests.integration.builders import DOCUMENT, URL_ALONE, Builder
from tests.integration.cloud import Container
from tests.integration.conftest import BASE_URL, World

ONLY_SIGNED = {"token_endpoint_auth_methods_supported": ["private_key_jwt"]}


def signing_builder(world: World) -> Builder:
    builder = Builder(world)
    settings = world.cloud.settings(SIGNING_KEY_ID=world.cloud.physical["AssertionKey"])
    transport = builder.strangers.transport()
    builder.core = Container(world.cloud, transport, settings, world.core.clock)
    builder.puts(**URL_ALONE)
    return builder


def test_where_only_signatures_are_taken_our_document_names_our_keys(world: World) -> None:
    builder = signing_builder(world)
    metadata = server_metadata(client_id_metadata_document_supported=True, **ONLY_SIGNED)
    builder.strangers.says(SERVER_METADATA, metadata)
    found = builder.discovers()
    assert found.client is ClientSource.CLIENT_ID_METADATA_DOCUMENT
    server = builder.puts_what_is_found(found)
    assert server.token_request_style is TokenRequestStyle.PRIVATE_KEY_JWT
    assert (server.client_id, server.missing) == (DOCUMENT, ())
    document = builder.core.flows.servers.client_metadata("harbor", BASE_URL)
    assert document["jwks_uri"] == f"{BASE_URL}/oauth/jwks/harbor.json"


def test_a_client_that_signs_is_registered_with_the_address_of_its_keys(world: World) -> None:
    builder = signing_builder(world)
    builder.strangers.says(SERVER_METADATA, server_metadata(**ONLY_SIGNED))
    registered = {"client_id": "registered-1", "token_endpoint_auth_method": "private_key_jwt"}
    builder.strangers.says(REGISTRATION, registered, 201)
    server = builder.puts_what_is_found(builder.discovers())
    [asked] = builder.registrations()
    assert asked["token_endpoint_auth_method"] == "private_key_jwt"
    assert asked["jwks_uri"] == f"{BASE_URL}/oauth/jwks/harbor.json"
    assert server.token_request_style is TokenRequestStyle.PRIVATE_KEY_JWT
    assert server.missing == ()


def test_a_builders_own_client_is_proposed_to_sign_where_nothing_else_is_taken(
    world: World,
) -> None:
    builder = signing_builder(world)
    builder.strangers.says(SERVER_METADATA, server_metadata(**ONLY_SIGNED))
    builder.puts(**URL_ALONE, client_id="by-hand", issuer=ISSUER)
    proposed = builder.discovers().server
    assert proposed.token_request_style is TokenRequestStyle.PRIVATE_KEY_JWT
    assert proposed.client_id == "by-hand"


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_post"]},
        {"token_endpoint_auth_signing_alg_values_supported": ["ES256"], **ONLY_SIGNED},
        {"token_endpoint": "https://elsewhere.example.com/token", **ONLY_SIGNED},
    ],
    ids=["not offered", "something simpler", "another algorithm", "another host"],
)
def test_otherwise_nothing_is_signed(world: World, said: dict[str, Any]) -> None:
    builder = signing_builder(world)
    builder.strangers.says(SERVER_METADATA, server_metadata(**said))
    server = builder.discovers().server
    assert server.token_request_style is not TokenRequestStyle.PRIVATE_KEY_JWT


def test_a_stack_without_a_key_proposes_no_signature(world: World) -> None:
    builder = Builder(world)
    builder.puts(**URL_ALONE)
    builder.strangers.says(SERVER_METADATA, server_metadata(**ONLY_SIGNED))
    found = builder.discovers()
    assert found.client is ClientSource.BUILDER
    assert builder.registrations() == []
