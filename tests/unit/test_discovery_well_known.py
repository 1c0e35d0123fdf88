"""Where metadata lies, and whose it is (RFC 9728 §3, RFC 8414 §3, OpenID Discovery §4)."""

import pytest

from broker.discovery import resource_metadata_urls, server_metadata_urls
from broker.discovery.well_known import is_for, is_issuer, origin_of

RESOURCE = "/.well-known/oauth-protected-resource"
SERVER = "/.well-known/oauth-authorization-server"
OPENID = "/.well-known/openid-configuration"


@pytest.mark.parametrize(
    ("mcp_url", "challenged", "expected"),
    [
        (
            "https://a.example/mcp",
            None,
            [f"https://a.example{RESOURCE}/mcp", f"https://a.example{RESOURCE}"],
        ),
        (
            "https://a.example/x/mcp/",
            None,
            [f"https://a.example{RESOURCE}/x/mcp", f"https://a.example{RESOURCE}"],
        ),
        ("https://a.example", None, [f"https://a.example{RESOURCE}"]),
        ("https://a.example:8443/", None, [f"https://a.example:8443{RESOURCE}"]),
        (
            "https://a.example/mcp",
            "https://b.example/meta",
            [
                "https://b.example/meta",
                f"https://a.example{RESOURCE}/mcp",
                f"https://a.example{RESOURCE}",
            ],
        ),
        (
            "https://a.example/mcp",
            f"https://a.example{RESOURCE}/mcp",
            [f"https://a.example{RESOURCE}/mcp", f"https://a.example{RESOURCE}"],
        ),
        (
            "https://a.example/mcp?t=1",
            None,
            [f"https://a.example{RESOURCE}/mcp?t=1", f"https://a.example{RESOURCE}"],
        ),
    ],
)
def test_the_challenge_then_the_path_then_the_root(
    mcp_url: str, challenged: str | None, expected: list[str]
) -> None:
    assert list(resource_metadata_urls(mcp_url, challenged)) == expected


@pytest.mark.parametrize(
    ("issuer", "expected"),
    [
        ("https://a.example", [f"https://a.example{SERVER}", f"https://a.example{OPENID}"]),
        ("https://a.example/", [f"https://a.example{SERVER}", f"https://a.example{OPENID}"]),
        (
            "https://a.example/t/1",
            [
                f"https://a.example{SERVER}/t/1",
                f"https://a.example{OPENID}/t/1",
                f"https://a.example/t/1{OPENID}",
            ],
        ),
    ],
)
def test_an_issuer_with_a_path_is_looked_for_in_three_places(
    issuer: str, expected: list[str]
) -> None:
    assert list(server_metadata_urls(issuer)) == expected


@pytest.mark.parametrize(
    ("resource", "same"),
    [
        ("https://a.example/crm/mcp", True),
        ("https://A.example:443/crm/mcp/", True),
        ("https://a.example/crm", True),
        ("https://a.example", True),
        ("https://a.example/cr", False),
        ("https://a.example/crm/mcp/more", False),
        ("https://a.example/other", False),
        ("https://a.example/crm/mcp#x", False),
        ("https://a.example/crm/mcp?x=1", False),
        ("https://a.example/crm/mcp/../mcp", False),
        ("https://a.example:8443/crm/mcp", False),
        ("http://a.example/crm/mcp", False),
        ("https://b.example/crm/mcp", False),
        ("https://a.example.evil.example/crm/mcp", False),
        ("urn:a", False),
        ("", False),
    ],
)
def test_a_resource_is_the_server_or_what_stands_above_it(resource: str, same: bool) -> None:
    assert is_for(resource, "https://a.example/crm/mcp") is same


def test_an_origin_leaves_the_usual_port_out() -> None:
    assert origin_of("HTTPS://A.example:443/x?y") == "https://a.example"
    assert origin_of("http://a.example:8080") == "http://a.example:8080"


@pytest.mark.parametrize(
    ("stated", "named", "same"),
    [
        ("https://a.example", "https://a.example", True),
        ("https://a.example", "https://a.example/", True),
        ("https://a.example/", "https://a.example", True),
        ("https://a.example//", "https://a.example", False),
        ("https://a.example", "https://a.example//", False),
        ("https://A.example", "https://a.example/", False),
        ("https://a.example:443", "https://a.example/", False),
        ("http://a.example", "https://a.example/", False),
        ("https://a.example/x", "https://a.example/x", True),
        ("https://a.example/x", "https://a.example/x/", False),
        ("https://a.example/x/", "https://a.example/x", False),
        ("https://a.example", "https://a.example/x", False),
    ],
)
def test_the_slash_of_a_root_alone_makes_no_other_issuer(
    stated: str, named: str, same: bool
) -> None:
    assert is_issuer(stated, named) is same
