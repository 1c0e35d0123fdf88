"""What each field may say alone, and together they may not: refused with the field's name."""

from typing import Any

import pytest

from broker.errors import InvalidServer
from broker.inbound.registry_requests import PutServerRequest
from broker.model import Precondition, Server
from tests.integration.conftest import World

WANTED: dict[str, Any] = {
    "server_id": "notes",
    "name": "Notes",
    "mcp_url": "https://mcp.example.com/mcp",
    "auth_type": "consumer_oauth",
    "client_id": "client-1",
    "client_secret": "canary-secret",
    "authorization_endpoint": "https://login.example.com/oauth/authorize",
    "token_endpoint": "https://login.example.com/oauth/token",
}


def put(world: World, wanted: dict[str, Any]) -> Server:
    request = PutServerRequest.model_validate(wanted)
    flow = world.core.flows.servers
    return flow.put(request.server_id, request.draft, Precondition()).server


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a secret that is not sent": ({"token_request_style": "none"}, "client_secret"),
    "commas in a scope": ({"scopes": ["read,write"]}, "scopes"),
    "semicolons in a scope": ({"scopes": ["read", "a;b"]}, "scopes"),
    "an encoded blank in a scope": ({"scopes": ["read%20write"]}, "scopes"),
    "an encoded comma in a scope": ({"scopes": ["read%2Cwrite"]}, "scopes"),
    "the separator in a scope": ({"scopes": ["a+b"], "scope_separator": "plus"}, "scopes"),
    "one endpoint twice": (
        {"token_endpoint": WANTED["authorization_endpoint"]},
        "authorization_endpoint",
    ),
    "one endpoint twice, spelled otherwise": (
        {"token_endpoint": "https://LOGIN.example.com/oauth/authorize/"},
        "authorization_endpoint",
    ),
    "refresh where users sign in": (
        {"refresh_endpoint": WANTED["authorization_endpoint"]},
        "authorization_endpoint",
    ),
    "the MCP server as token endpoint": ({"token_endpoint": WANTED["mcp_url"]}, "mcp_url"),
    "the MCP server as login": ({"authorization_endpoint": WANTED["mcp_url"]}, "mcp_url"),
    "the MCP server as userinfo": ({"userinfo_endpoint": WANTED["mcp_url"]}, "mcp_url"),
    "swapped": (
        {
            "authorization_endpoint": WANTED["token_endpoint"],
            "token_endpoint": WANTED["authorization_endpoint"],
        },
        "authorization_endpoint",
    ),
    "swapped, with words around": (
        {
            "authorization_endpoint": "https://x.example.com/oauth_token.do",
            "token_endpoint": "https://x.example.com/oauth_auth.do",
        },
        "authorization_endpoint",
    ),
    "swapped, with a segment behind": (
        {
            "authorization_endpoint": "https://x.example.com/v1/accessToken",
            "token_endpoint": "https://x.example.com/oauth/authorizations/new",
        },
        "authorization_endpoint",
    ),
    "swapped, and only the token endpoint is called one": (
        {
            "authorization_endpoint": "https://x.example.com/oauth/token",
            "token_endpoint": "https://x.example.com/oauth",
        },
        "authorization_endpoint",
    ),
    "swapped, and only the login is called one": (
        {
            "authorization_endpoint": "https://x.example.com/oauth/access",
            "token_endpoint": "https://x.example.com/oauth/authorize",
        },
        "authorization_endpoint",
    ),
    "an issuer with a query": ({"issuer": "https://login.example.com/?a=b"}, "issuer"),
    "scopes twice": (
        {"scopes": ["a"], "extra_authorize_params": {"scope": "b"}},
        "extra_authorize_params",
    ),
    "renamed scopes twice": (
        {
            "scopes": ["a"],
            "scope_parameter": "user_scope",
            "extra_authorize_params": {"user_scope": "b"},
        },
        "extra_authorize_params",
    ),
    "the redirect URI twice": (
        {"extra_token_params": {"redirect_uri": "https://broker.example.com/"}},
        "extra_token_params",
    ),
    "a code with refreshes": ({"extra_refresh_params": {"code": "x"}}, "extra_refresh_params"),
    "the resource twice": (
        {"resource": "https://mcp.example.com", "extra_token_params": {"resource": "x"}},
        "extra_token_params",
    ),
}


@pytest.mark.parametrize(("changes", "field"), REFUSED.values(), ids=REFUSED)
def test_fields_that_contradict_each_other_are_refused(
    world: World, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidServer, match=rf"^{field}: "):
        put(world, WANTED | changes)
    assert world.core.servers.get("notes") is None


URLS = [name for name in PutServerRequest.model_fields if name.endswith(("_endpoint", "_url"))]


@pytest.mark.parametrize("field", [*URLS, "issuer", "resource"])
@pytest.mark.parametrize(
    "url",
    [
        "https://user@login.example.com/",
        "https://user:password@login.example.com/",
        "https://login.example.com/#part",
        "https://login.example.com/#",
    ],
)
def test_a_url_with_a_user_or_a_fragment_is_refused(world: World, field: str, url: str) -> None:
    with pytest.raises(InvalidServer, match=rf"^{field}: "):
        put(world, WANTED | {field: url})


TAKEN: dict[str, dict[str, Any]] = {
    "as it is": {},
    "no secret, and none is sent": {"token_request_style": "none", "client_secret": None},
    "one script for both": {
        "authorization_endpoint": "https://x.example.com/?oauth=authorize",
        "token_endpoint": "https://x.example.com/?oauth=token",
    },
    "folders with the other's name": {
        "authorization_endpoint": "https://x.example.com/token/authorize",
        "token_endpoint": "https://x.example.com/auth/token",
    },
    "names of their own": {
        "authorization_endpoint": "https://x.example.com/a",
        "token_endpoint": "https://x.example.com/b",
    },
    "a token endpoint that is called auth": {
        "authorization_endpoint": "https://x.example.com/login",
        "token_endpoint": "https://x.example.com/auth",
    },
    "a login page that is called token": {
        "authorization_endpoint": "https://x.example.com/token",
        "token_endpoint": "https://x.example.com/oauth/token",
    },
    "a redirect URI with refreshes": {
        "extra_refresh_params": {"redirect_uri": "https://broker.example.com/callback/notes"}
    },
    "a scope that is a URL": {"scopes": ["https://api.example.com/auth/user.read", "a:b/c+d"]},
    "an extra scope without scopes": {"extra_authorize_params": {"scope": "b"}},
    "a resource of the builder's": {"extra_authorize_params": {"resource": "x"}},
    "refresh at the token endpoint": {"refresh_endpoint": WANTED["token_endpoint"]},
}


@pytest.mark.parametrize("changes", TAKEN.values(), ids=TAKEN)
def test_what_is_only_unusual_is_taken(world: World, changes: dict[str, Any]) -> None:
    assert put(world, WANTED | changes).server_id == "notes"


def test_a_secret_is_not_kept_where_it_would_not_be_sent(world: World) -> None:
    put(world, WANTED)
    kept = {name: value for name, value in WANTED.items() if name != "client_secret"}
    public = kept | {"token_request_style": "none"}
    with pytest.raises(InvalidServer, match=r"^client_secret: "):
        put(world, public)
    assert put(world, public | {"client_secret": None}).client_secret is None
    assert put(world, public).client_secret is None
