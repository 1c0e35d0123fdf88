"""Of every proposed value where it comes from, and which service of the catalogue it is like."""

from dataclasses import replace
from typing import Any

import pytest

from broker.inbound.discoveries import discovered
from broker.model import AuthType
from tests.fakes.strangers import (
    MCP_URL,
    RESOURCE_METADATA,
    SERVER_METADATA,
    resource_metadata,
    server_metadata,
)
from tests.integration.builders import URL_ALONE, Builder
from tests.integration.conftest import BASE_URL, World


@pytest.fixture
def builder(world: World) -> Builder:
    made = Builder(world)
    made.puts(**URL_ALONE)
    return made


def answer(builder: Builder, server_id: str | None = "harbor") -> dict[str, Any]:
    flow = builder.core.flows.discovery
    mcp_url = MCP_URL if server_id is None else None
    found = flow.discover(mcp_url, server_id, builder.world.run())
    return dict(discovered(found, BASE_URL))


@pytest.mark.parametrize("server_id", ["harbor", None])
def test_every_proposed_field_has_a_source(builder: Builder, server_id: str | None) -> None:
    told = answer(builder, server_id)
    assert told["sources"].keys() == told["server"].keys()
    sources = told["sources"]
    assert sources["token_endpoint"] == SERVER_METADATA
    assert sources["resource"] == RESOURCE_METADATA
    assert sources["pkce"] == "default"
    assert sources["mcp_url"] == "configured"
    if server_id:
        assert {sources[n] for n in ("client_id", "token_request_style")} == {"dynamic"}
        assert sources["name"] == "configured"


def test_what_the_builder_said_is_told_from_what_is_usual(builder: Builder) -> None:
    builder.puts(**URL_ALONE, default_expires_in=600, pkce=False, token_scheme="Bearer")
    sources = answer(builder)["sources"]
    assert (sources["default_expires_in"], sources["pkce"]) == ("configured", "configured")
    assert sources["token_scheme"] == "default"


def test_what_a_preset_filled_in_is_told_as_the_presets(builder: Builder) -> None:
    wanted = {
        "mcp_url": MCP_URL,
        "preset": "zendesk",
        "values": {"subdomain": "acme"},
        "client_id": "client-1",
        "client_secret": "canary-secret",
        "token_scheme": "Token",
    }
    builder.puts("harbor", **wanted)
    builder.strangers.is_silent_at(SERVER_METADATA)
    told = answer(builder)
    sources = told["sources"]
    assert sources["authorization_endpoint"] == sources["extra_token_params"] == "preset"
    assert sources["token_scheme"] == "configured"
    assert sources.keys() == told["server"].keys()


def test_a_server_without_authorization_has_sources_as_well(builder: Builder) -> None:
    builder.puts("open", name="Open", mcp_url=MCP_URL, auth_type="none")
    told = answer(builder, "open")
    assert told["sources"].keys() == told["server"].keys()


ZENDESK = {
    "issuer": "https://acme.zendesk.com",
    "authorization_endpoint": "https://acme.zendesk.com/oauth/authorizations/new",
    "token_endpoint": "https://acme.zendesk.com/oauth/tokens",
}
LIKE_ZENDESK = {
    "preset_id": "zendesk",
    "name": "Zendesk",
    "by": "endpoints",
    "values": {"subdomain": "acme"},
}


@pytest.mark.parametrize("changes", [{}, {"code_challenge_methods_supported": None}])
def test_the_preset_that_an_authorization_server_is_like_is_named(
    builder: Builder, changes: dict[str, Any]
) -> None:
    named = resource_metadata(authorization_servers=[ZENDESK["issuer"]])
    builder.strangers.says(RESOURCE_METADATA, named)
    about = {**server_metadata(), **ZENDESK, **changes}
    where = "https://acme.zendesk.com/.well-known/oauth-authorization-server"
    builder.strangers.says(where, {name: v for name, v in about.items() if v is not None})
    told = answer(builder, None)
    assert told["resembles"] == [LIKE_ZENDESK]
    # Not even where nothing may be proposed of it: the builder then has the preset.
    assert ("token_endpoint" in told["server"]) is not bool(changes)


def test_what_is_like_no_service_is_said_to_be_like_none(builder: Builder) -> None:
    assert answer(builder, None)["resembles"] == []


def test_the_preset_and_its_values_can_be_put(builder: Builder) -> None:
    like = LIKE_ZENDESK
    made = builder.puts("tickets", mcp_url=MCP_URL, preset=like["preset_id"], values=like["values"])
    assert made.token_endpoint == ZENDESK["token_endpoint"]
    assert replace(made, auth_type=AuthType.CONSUMER_OAUTH) == made
