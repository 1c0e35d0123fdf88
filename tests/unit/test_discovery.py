"""From a URL to a proposal: what well-behaved servers say (MCP, Authorization)."""

from typing import Any

import httpx
import pytest

from broker.discovery import Discoverer, Findings, Proposal, propose
from broker.mcp import McpClient
from broker.model import AuthType, Server
from tests.fakes.strangers import (
    ISSUER,
    MCP_URL,
    RESOURCE_METADATA,
    SERVER_METADATA,
    Strangers,
    resource_metadata,
    server_metadata,
    unauthorized,
)

ORIGIN = "https://mcp.example.com"


def look(strangers: Strangers, known: Server | None = None) -> tuple[Proposal, Findings]:
    outbound, clock = strangers.outbound, strangers.clock
    discoverer = Discoverer(outbound, clock, McpClient(outbound, clock))
    found = discoverer.look(known.mcp_url if known else MCP_URL, clock.monotonic() + 25)
    return propose(found, known, outbound), found


def codes(found: Findings) -> list[str]:
    return [problem.code for problem in found.problems]


def test_the_url_alone_leads_to_everything_and_every_value_has_its_source() -> None:
    proposal, found = look(Strangers())
    server = proposal.server
    assert codes(found) == []
    assert server.name == "Harbor CRM"
    assert server.auth_type is AuthType.CONSUMER_OAUTH
    assert server.authorization_endpoint == f"{ISSUER}/authorize"
    assert server.token_endpoint == f"{ISSUER}/token"
    assert server.revocation_endpoint == f"{ISSUER}/revoke"
    assert server.issuer == ISSUER
    assert server.resource == MCP_URL
    assert server.authorization_response_iss_parameter_supported
    assert server.pkce
    assert proposal.sources["token_endpoint"] == SERVER_METADATA
    assert proposal.sources["resource"] == RESOURCE_METADATA
    assert proposal.sources["scopes"] == RESOURCE_METADATA


def test_nothing_but_the_metadata_is_asked_for_and_without_credentials() -> None:
    strangers = Strangers()
    look(strangers)
    assert strangers.urls() == [RESOURCE_METADATA, SERVER_METADATA]
    assert strangers.urls("POST") == [MCP_URL]
    assert not any("authorization" in request.headers for request in strangers.requests)


def test_a_bare_401_leads_to_the_well_known_places() -> None:
    strangers = Strangers({MCP_URL: unauthorized(None)})
    proposal, _ = look(strangers)
    assert proposal.server.issuer == ISSUER
    assert strangers.urls()[0] == RESOURCE_METADATA


def test_the_root_is_asked_when_the_path_has_none() -> None:
    strangers = Strangers({MCP_URL: unauthorized(None)})
    strangers.is_silent_at(RESOURCE_METADATA)
    root = f"{ORIGIN}/.well-known/oauth-protected-resource"
    strangers.says(root, resource_metadata(resource=ORIGIN))
    proposal, _ = look(strangers)
    assert proposal.server.resource == ORIGIN
    assert strangers.urls()[:2] == [RESOURCE_METADATA, root]


@pytest.mark.parametrize(
    "place",
    [
        "https://login.example.com/.well-known/openid-configuration/tenant",
        "https://login.example.com/tenant/.well-known/openid-configuration",
    ],
)
def test_openid_discovery_serves_as_well(place: str) -> None:
    strangers = Strangers()
    strangers.is_silent_at(SERVER_METADATA)
    strangers.says(place, server_metadata())
    proposal, _ = look(strangers)
    assert proposal.sources["token_endpoint"] == place


def test_the_second_authorization_server_serves_when_the_first_is_silent() -> None:
    strangers = Strangers()
    servers = ["https://gone.example.com", ISSUER]
    strangers.says(RESOURCE_METADATA, resource_metadata(authorization_servers=servers))
    proposal, _ = look(strangers)
    assert proposal.server.issuer == ISSUER


@pytest.mark.parametrize(
    ("challenge", "resource", "listed", "expected"),
    [
        ("a b", ["c"], [], ("a", "b")),
        ("a", ["c"], ["offline_access"], ("a", "offline_access")),
        ("a offline_access", ["c"], ["offline_access"], ("a", "offline_access")),
        (None, ["c", "d"], ["x"], ("c", "d")),
        (None, None, ["x"], ()),
        (None, [], ["x", "offline_access"], ("offline_access",)),
        (None, ["ok", "not one", '"', "ok"], [], ("ok",)),
    ],
)
def test_scopes_are_the_challenges_else_the_resources_else_none(
    challenge: str | None,
    resource: list[str] | None,
    listed: list[str],
    expected: tuple[str, ...],
) -> None:
    said = "Bearer" if challenge is None else f'Bearer scope="{challenge}"'
    strangers = Strangers({MCP_URL: unauthorized(said)})
    strangers.says(RESOURCE_METADATA, resource_metadata(scopes_supported=resource))
    strangers.says(SERVER_METADATA, server_metadata(scopes_supported=listed))
    assert look(strangers)[0].server.scopes == expected


def legacy(**metadata: Any) -> Strangers:
    strangers = Strangers({MCP_URL: unauthorized(None)})
    strangers.is_silent_at(RESOURCE_METADATA, SERVER_METADATA)
    if metadata:
        place = f"{ORIGIN}/.well-known/oauth-authorization-server"
        strangers.says(place, server_metadata(**metadata))
    return strangers


def test_an_issuer_is_registered_as_its_own_metadata_spells_it() -> None:
    strangers = Strangers()
    root = "https://login.example.com"
    strangers.says(RESOURCE_METADATA, resource_metadata(authorization_servers=[f"{root}/"]))
    where = f"{root}/.well-known/oauth-authorization-server"
    strangers.says(where, server_metadata(issuer=root))
    proposal, found = look(strangers)
    assert codes(found) == []
    assert proposal.server.issuer == root


def test_without_resource_metadata_the_mcp_origin_is_the_issuer() -> None:
    proposal, found = look(legacy(issuer=ORIGIN))
    assert codes(found) == []
    assert proposal.server.issuer == ORIGIN
    assert proposal.server.token_endpoint == f"{ISSUER}/token"
    assert proposal.server.resource is None


def test_without_any_metadata_the_default_endpoints_are_proposed_with_a_warning() -> None:
    proposal, found = look(legacy())
    assert codes(found) == ["default_endpoints"]
    assert proposal.server.authorization_endpoint == f"{ORIGIN}/authorize"
    assert proposal.server.token_endpoint == f"{ORIGIN}/token"
    assert proposal.registration_endpoint == f"{ORIGIN}/register"


def test_a_server_that_asks_for_nothing_needs_no_authorization() -> None:
    def lists(request: httpx.Request) -> httpx.Response:
        import json

        asked = json.loads(request.content)["id"]
        return httpx.Response(200, json={"jsonrpc": "2.0", "id": asked, "result": {"tools": []}})

    strangers = Strangers({MCP_URL: lists})
    strangers.is_silent_at(RESOURCE_METADATA)
    proposal, found = look(strangers)
    assert proposal.server.auth_type is AuthType.NONE
    assert codes(found) == ["no_authorization"]


def test_what_the_builder_said_stays() -> None:
    known = Server(
        "crm", "My CRM", MCP_URL, AuthType.CONSUMER_OAUTH, scopes=("mine",), issuer=ISSUER
    )
    proposal, _ = look(Strangers(), known)
    assert (proposal.server.name, proposal.server.scopes) == ("My CRM", ("mine",))
    assert proposal.server.resource is None, "the builder left it out"
    assert proposal.sources["resource"] == "configured"


@pytest.mark.parametrize(
    "registered",
    [
        {"issuer": "https://old.example.com"},
        {"token_endpoint": "https://old.example.com/token"},
    ],
)
def test_a_client_of_one_issuer_is_never_used_at_another(registered: dict[str, str]) -> None:
    known = Server("crm", "CRM", MCP_URL, AuthType.CONSUMER_OAUTH, client_id="x", **registered)  # type: ignore[arg-type] # strings all
    proposal, found = look(Strangers(), known)
    assert proposal.server.client_id is None
    assert "issuer_changed" in codes(found)


def test_a_client_of_this_issuer_is_kept() -> None:
    known = Server("crm", "CRM", MCP_URL, AuthType.CONSUMER_OAUTH, client_id="x", issuer=ISSUER)
    proposal, found = look(Strangers(), known)
    assert proposal.server.client_id == "x"
    assert codes(found) == []
