"""Everything that is discovered is hostile input (T2, T3, T8): what is refused, and how told."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.discovery import Proposal
from broker.model import Severity
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
from tests.unit.test_discovery import codes, look

ELSEWHERE = "https://evil.example.net/meta"
PRIVATE = [
    "http://169.254.169.254/latest/meta-data",
    "https://169.254.169.254/latest/meta-data",
    "https://[::1]/x",
    "https://127.0.0.1/x",
    "https://0x7f.1/x",
    "https://localhost/x",
    "https://internal/x",
    "https://user:pass@mcp.example.com/x",
    "https://mcp.example.com\\@evil.example.net/x",
]


def offers_no_endpoint(proposal: Proposal) -> bool:
    return proposal.server.token_endpoint is None and proposal.server.authorization_endpoint is None


@pytest.mark.parametrize("url", PRIVATE)
def test_a_challenge_that_points_inside_is_not_followed(url: str) -> None:
    strangers = Strangers({MCP_URL: unauthorized(f'Bearer resource_metadata="{url}"')})
    proposal, found = look(strangers)
    assert "resource_metadata_blocked" in codes(found) or "\\" in url
    assert strangers.urls() == [RESOURCE_METADATA, SERVER_METADATA]
    assert proposal.server.issuer == ISSUER, "the well-known place serves"


@pytest.mark.parametrize("url", [*PRIVATE, "javascript:alert(1)", "ftp://a.example/", ""])
def test_an_issuer_inside_is_not_asked(url: str) -> None:
    strangers = Strangers()
    strangers.says(RESOURCE_METADATA, resource_metadata(authorization_servers=[url]))
    proposal, found = look(strangers)
    assert offers_no_endpoint(proposal)
    assert strangers.urls()[0] == RESOURCE_METADATA
    assert not any("example.com/tenant" in asked for asked in strangers.urls()[1:])
    assert any(problem.severity is Severity.ERROR for problem in found.problems)


@pytest.mark.parametrize("issuer", [f"{ISSUER}?x=1", f"{ISSUER}#x"])
def test_an_issuer_has_neither_query_nor_fragment(issuer: str) -> None:
    strangers = Strangers()
    strangers.says(RESOURCE_METADATA, resource_metadata(authorization_servers=[issuer]))
    proposal, found = look(strangers)
    assert "issuer_blocked" in codes(found)
    assert offers_no_endpoint(proposal)


@pytest.mark.parametrize("url", [*PRIVATE, "javascript:alert(1)", "http://login.example.com/x"])
@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint"])
def test_an_endpoint_inside_is_not_offered(name: str, url: str) -> None:
    strangers = Strangers()
    strangers.says(SERVER_METADATA, server_metadata(**{name: url}))
    proposal, found = look(strangers)
    assert offers_no_endpoint(proposal)
    assert "endpoint_blocked" in codes(found)


@pytest.mark.parametrize("url", PRIVATE)
def test_a_further_endpoint_inside_is_left_out_and_told(url: str) -> None:
    strangers = Strangers()
    names = ("revocation_endpoint", "userinfo_endpoint", "registration_endpoint")
    strangers.says(SERVER_METADATA, server_metadata(**dict.fromkeys(names, url)))
    proposal, found = look(strangers)
    assert proposal.server.revocation_endpoint is None
    assert proposal.server.userinfo_endpoint is None
    assert proposal.registration_endpoint is None
    assert codes(found) == ["endpoint_blocked"] * 3
    assert proposal.server.token_endpoint == f"{ISSUER}/token"


@pytest.mark.parametrize(
    "issuer",
    [
        f"{ISSUER}/",
        ISSUER.upper(),
        "https://login.example.com",
        "https://honest.example.org",
        "https://login.example.com:443/tenant",
    ],
)
def test_metadata_of_another_issuer_is_not_believed(issuer: str) -> None:
    strangers = Strangers()
    strangers.says(SERVER_METADATA, server_metadata(issuer=issuer))
    proposal, found = look(strangers)
    assert offers_no_endpoint(proposal)
    assert codes(found) == ["issuer_mismatch", "server_metadata_missing"]


@pytest.mark.parametrize(
    "resource",
    [
        "https://honest.example.org/mcp",
        "https://mcp.example.com/other",
        "https://mcp.example.com/crm/mcp/sub",
        "https://mcp.example.com:8443/crm/mcp",
        "http://mcp.example.com/crm/mcp",
        "https://mcp.example.com.evil.example.net/crm/mcp",
    ],
)
def test_metadata_of_another_resource_is_not_believed(resource: str) -> None:
    strangers = Strangers()
    strangers.says(RESOURCE_METADATA, resource_metadata(resource=resource))
    proposal, found = look(strangers)
    assert codes(found) == ["resource_mismatch", "server_metadata_missing"]
    assert offers_no_endpoint(proposal)
    assert len(strangers.urls()) == 2, "no authorization server was asked"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    moved = httpx.Response(status, headers={"Location": ELSEWHERE})
    strangers = Strangers({SERVER_METADATA: moved})
    strangers.answers[SERVER_METADATA] = moved
    strangers.says(ELSEWHERE, server_metadata())
    proposal, found = look(strangers)
    assert ELSEWHERE not in strangers.urls()
    assert codes(found)[0] == "server_metadata_redirect"
    assert offers_no_endpoint(proposal)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<!doctype html>", "not_json"),
        (b"", "not_json"),
        (b"\xff\xfe", "not_json"),
        (b"NaN", "not_json"),
        (b"[" * 50_000, "not_json"),
        (b'["issuer"]', "wrong_type"),
        (b'"issuer"', "wrong_type"),
        (b"{}", "wrong_type"),
        (b'{"issuer": 5}', "wrong_type"),
        (b'{"issuer": ' + b"9" * 5000 + b"}", "not_json"),
        (b'{"x": "' + b"a" * 200_000 + b'"}', "too_large"),
    ],
)
def test_a_document_that_is_none_is_named_and_not_quoted(body: bytes, why: str) -> None:
    strangers = Strangers()
    strangers.answers[SERVER_METADATA] = httpx.Response(200, content=body)
    proposal, found = look(strangers)
    assert offers_no_endpoint(proposal)
    assert codes(found)[0] == f"server_metadata_{why}"


@pytest.mark.parametrize(
    "change",
    [
        {"token_endpoint": ["https://login.example.com/token"]},
        {"token_endpoint": {"url": "x"}},
        {"scopes_supported": "openid"},
        {"scopes_supported": [1]},
        {"code_challenge_methods_supported": "S256"},
        {"authorization_response_iss_parameter_supported": "true"},
        {"client_id_metadata_document_supported": 1},
        {"scopes_supported": ["s"] * 1001},
        {"token_endpoint": "https://login.example.com/" + "t" * 2048},
    ],
)
def test_members_of_the_wrong_type_refuse_the_whole_document(change: dict[str, Any]) -> None:
    strangers = Strangers()
    strangers.says(SERVER_METADATA, server_metadata(**change))
    proposal, found = look(strangers)
    assert offers_no_endpoint(proposal)
    assert codes(found) == ["server_metadata_wrong_type", "server_metadata_missing"]
    assert next(iter(change)) in found.problems[0].message


@pytest.mark.parametrize("methods", [..., None, [], ["plain"], ["s256"]])
def test_without_confirmed_pkce_no_endpoint_is_offered(methods: Any) -> None:
    strangers = Strangers()
    strangers.says(SERVER_METADATA, server_metadata(code_challenge_methods_supported=methods))
    proposal, found = look(strangers)
    assert offers_no_endpoint(proposal)
    assert codes(found) == ["pkce_not_confirmed"]


@pytest.mark.parametrize(
    "change",
    [{"response_types_supported": ["token"]}, {"grant_types_supported": ["client_credentials"]}],
)
def test_without_the_code_grant_no_endpoint_is_offered(change: dict[str, Any]) -> None:
    strangers = Strangers()
    strangers.says(SERVER_METADATA, server_metadata(**change))
    proposal, found = look(strangers)
    assert offers_no_endpoint(proposal)
    assert codes(found) == ["no_code_grant"]


def test_endpoints_on_different_hosts_are_pointed_out() -> None:
    strangers = Strangers()
    strangers.says(SERVER_METADATA, server_metadata(token_endpoint="https://other.example.org/t"))
    assert codes(look(strangers)[1]) == ["endpoints_apart"]


def test_a_server_that_drips_does_not_get_the_whole_time() -> None:
    strangers = Strangers()

    def drips(_: httpx.Request) -> httpx.Response:
        def pieces() -> Any:
            while True:
                strangers.clock.time.passes(1.0)
                yield b" "

        return httpx.Response(200, content=pieces())

    strangers.answers[SERVER_METADATA] = drips
    _, found = look(strangers)
    assert codes(found)[0] == "server_metadata_timeout"
    assert strangers.clock.monotonic() < 1000 + 8


def test_a_server_that_fails_and_says_nothing_leads_nowhere() -> None:
    strangers = Strangers({MCP_URL: httpx.ConnectError("no")})
    strangers.is_silent_at(RESOURCE_METADATA)
    proposal, found = look(strangers)
    assert codes(found) == ["mcp_server_failed", "nothing_found"]
    assert offers_no_endpoint(proposal)


def test_a_name_is_shown_without_what_would_deceive() -> None:
    strangers = Strangers()
    name = "Bank\u202e <b>of\x00 \n Harbor" + "x" * 200
    strangers.says(RESOURCE_METADATA, resource_metadata(resource_name=name))
    shown = look(strangers)[0].server.name
    assert shown.startswith("Bank bof Harbor")
    assert len(shown) == 80


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    names = st.sampled_from(["issuer", "resource", "authorization_servers", "x"])
    return st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), _nested, max_leaves=6))
def test_no_document_breaks_the_reading(document: Any) -> None:
    strangers = Strangers()
    body = json.dumps(document).encode()
    strangers.answers[SERVER_METADATA] = httpx.Response(200, content=body)
    strangers.answers[RESOURCE_METADATA] = httpx.Response(200, content=body)
    proposal, found = look(strangers)
    assert proposal.server.issuer != ISSUER
    assert found.problems
