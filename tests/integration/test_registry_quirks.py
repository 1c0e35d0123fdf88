"""Quirks as a builder declares them: kept as they are, or refused by the name of the field."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from broker.errors import InvalidServer
from broker.inbound.answers import server as shown
from broker.inbound.registry_requests import PutServerRequest
from broker.model import Precondition, Server
from tests.integration.conftest import BASE_URL, World

HOST = {
    "source": "token_response",
    "field": "instance_url",
    "kind": "host",
    "hosts": ["*.my.example.com"],
}
REALM = {"source": "callback", "field": "realmId"}
WANTED: dict[str, Any] = {
    "server_id": "books",
    "name": "Books",
    "auth_type": "consumer_oauth",
    "mcp_url": "https://mcp.example.com/mcp",
    "client_id": "client-1",
    "client_secret": "canary-secret",
    "authorization_endpoint": "https://login.example.com/authorize",
    "token_endpoint": "https://login.example.com/token",
}
QUIRKS: dict[str, Any] = {
    "mcp_url": "https://mcp.example.com/{realm_id}/mcp",
    "userinfo_endpoint": "https://{instance_url}/userinfo",
    "revocation_endpoint": "https://{instance_url}/apps/{client_id}/grant",
    "refresh_endpoint": "https://{instance_url}/token",
    "token_response_fields": {"expires_in": "data.ttl", "refresh_token": "data.renewal"},
    "error_field": "base.code",
    "introspection_endpoint": "https://{instance_url}/introspect",
    "userinfo_header": "X-Access-Token",
    "userinfo_scheme": "",
    "userinfo_method": "POST",
    "basic_encoding": "raw",
    "resource_in": "token_request",
    "scope_sets": {"user_scope": ["users:read", "chat:write"]},
    "scope_aliases": {"email": ["https://login.example.com/email"], "offline_access": []},
    "scope_callback_parameter": "scope",
    "refresh_request": {
        "method": "GET",
        "grant_type": "ig_refresh_token",
        "token": "access_token",
        "parameter": "access_token",
        "credentials": "omitted",
        "min_age_seconds": 86_400,
    },
    "long_lived_exchange": {
        "endpoint": "https://{instance_url}/long",
        "method": "POST",
        "grant_type": "ig_exchange_token",
        "parameter": "access_token",
        "credentials": "same",
    },
    "revocation_request": {
        "method": "DELETE",
        "credentials": "json_basic",
        "token": "access_token",
        "parameter": "access_token",
        "place": "body",
    },
    "kept_fields": {
        "instance_url": HOST | {"default": "a.my.example.com"},
        "realm_id": REALM | {"kind": "segment", "hosts": [], "default": None},
    },
    "mcp_headers": {"X-Realm-Id": "{realm_id}", "Api-Version": "2"},
}


def put(world: World, wanted: dict[str, Any]) -> Server:
    request = PutServerRequest.model_validate(wanted)
    servers = world.core.flows.servers
    servers.put(request.server_id, request.draft, Precondition())
    return servers.get(request.server_id)


def test_what_is_declared_is_what_is_shown(world: World) -> None:
    body = json.loads(json.dumps(shown(put(world, WANTED | QUIRKS), BASE_URL)))
    assert {name: body[name] for name in QUIRKS} == QUIRKS


def test_what_was_answered_can_be_put_again(world: World) -> None:
    first = put(world, WANTED | QUIRKS)
    body = shown(first, BASE_URL)
    again = {name: value for name, value in body.items() if name in PutServerRequest.model_fields}
    second = put(world, again | {"server_id": "books"})
    assert (second.quirks, second.config_digest) == (first.quirks, first.config_digest)


KEPT = {"kept_fields": {"host": HOST, "realm": REALM}}
LONG = {"endpoint": "https://a.example.com/", "grant_type": "x"}
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"mcp_url": "https://mcp.example.com/{nobody}"}, "mcp_url: {nobody} is not"),
    ({"mcp_url": "https://{realm}/mcp", **KEPT}, "mcp_url: {realm} cannot stand there"),
    ({"mcp_url": "https://{host}.evil.test/", **KEPT}, "mcp_url: {host} cannot"),
    ({"mcp_url": "https://{host}:8443/", **KEPT}, "mcp_url: {host} cannot"),
    ({"mcp_url": "https://a@{host}/", **KEPT}, "mcp_url: {host} cannot"),
    ({"mcp_url": "https://{client_id}/"}, "mcp_url: {client_id} cannot"),
    ({"mcp_url": "https://mcp.example.com/{realm", **KEPT}, "mcp_url: "),
    ({"token_endpoint": "https://{host}/token", **KEPT}, "token_endpoint: {host} is known only"),
    ({"authorization_endpoint": "https://{host}/a", **KEPT}, "authorization_endpoint: "),
    ({"issuer": "https://{host}/", **KEPT}, "issuer: "),
    ({"userinfo_endpoint": "http://{host}/u", **KEPT}, "userinfo_endpoint: "),
    ({"introspection_endpoint": "http://a.example.com/"}, "introspection_endpoint: "),
    ({"introspection_endpoint": "https://localhost/"}, "introspection_endpoint: "),
    ({"introspection_endpoint": "https://10.0.0.1/"}, "introspection_endpoint: "),
    ({"long_lived_exchange": LONG | {"endpoint": "http://a"}}, "long_lived_exchange.endpoint: "),
    ({"revocation_endpoint": "https://a.example.com/{token}"}, "revocation_endpoint: {token}"),
    (
        {
            "revocation_endpoint": "https://a.example.com/",
            "revocation_request": {"place": "path"},
        },
        "revocation_endpoint: has no {token}",
    ),
    ({"kept_fields": {"h": HOST | {"hosts": []}}}, "kept_fields.h.hosts: "),
    ({"kept_fields": {"h": REALM | {"hosts": ["a.example.com"]}}}, "kept_fields.h.hosts: "),
    ({"kept_fields": {"h": HOST | {"hosts": ["*.com"]}}}, "kept_fields.h.hosts: *.com is neither"),
    ({"kept_fields": {"h": HOST | {"hosts": ["*.a.localhost"]}}}, "kept_fields.h.hosts: "),
    ({"kept_fields": {"h": HOST | {"hosts": ["10.0.0.1"]}}}, "kept_fields.h.hosts: "),
    ({"kept_fields": {"h": HOST | {"default": "evil.test"}}}, "kept_fields.h.default: "),
    ({"kept_fields": {"h": REALM | {"default": "a/b"}}}, "kept_fields.h.default: "),
    ({"kept_fields": {"client_id": REALM}}, "kept_fields.client_id: "),
    ({"kept_fields": {"token": REALM}}, "kept_fields.token: "),
    ({"auth_type": "none", "client_secret": None, **KEPT}, "kept_fields: "),
    ({"mcp_headers": {"Authorization": "x"}}, "mcp_headers.Authorization: "),
    ({"mcp_headers": {"X-Token": "x"}, "token_header": "x-token"}, "mcp_headers.X-Token: "),
    ({"mcp_headers": {"Host": "x"}}, "mcp_headers.Host: "),
    ({"mcp_headers": {"Cookie": "x"}}, "mcp_headers.Cookie: "),
    ({"mcp_headers": {"Mcp-Param-A": "x"}}, "mcp_headers.Mcp-Param-A: "),
    ({"mcp_headers": {"X-A": "x", "x-a": "y"}}, "mcp_headers.x-a: "),
    ({"mcp_headers": {"X-A": "{nobody}"}}, "mcp_headers.X-A: {nobody}"),
    ({"userinfo_header": "Host"}, "userinfo_header: "),
    ({"scope_sets": {"scope": ["a"]}}, "scope_sets.scope: "),
    ({"scope_sets": {"state": ["a"]}}, "scope_sets.state: "),
    (
        {"scope_sets": {"x": ["a"]}, "extra_authorize_params": {"x": "b"}},
        "scope_sets.x: ",
    ),
    ({"scope_sets": {"x": ["a,b"]}, "scope_separator": "comma"}, "scope_sets.x: a,b holds"),
    ({"refresh_request": {"parameter": "grant_type"}}, "refresh_request.parameter: "),
    ({"refresh_request": {"parameter": "client_secret"}}, "refresh_request.parameter: "),
    (
        {"refresh_request": {"parameter": "t"}, "extra_refresh_params": {"t": "1"}},
        "extra_refresh_params: ",
    ),
    (
        {"refresh_request": {"method": "GET"}, "token_request_style": "json_post"},
        "refresh_request.method: ",
    ),
    (
        {"long_lived_exchange": LONG | {"method": "GET"}, "token_request_style": "json_basic"},
        "long_lived_exchange.method: ",
    ),
    (
        {"revocation_request": {"method": "GET"}, "token_request_style": "json_post"},
        "revocation_request.method: ",
    ),
    (
        {"refresh_request": {"method": "GET"}, "token_request_style": "auto"},
        "refresh_request.method: ",
    ),
    (
        {"revocation_request": {"method": "GET"}, "token_request_style": "auto"},
        "revocation_request.method: ",
    ),
    (
        {"revocation_request": {"method": "GET", "credentials": "json_basic"}},
        "revocation_request.method: ",
    ),
    ({"mcp_headers": {"User-Agent": "x"}}, "mcp_headers.User-Agent: "),
    ({"revocation_request": {"parameter": "client_id"}}, "revocation_request.parameter: "),
    (
        {"revocation_request": {"credentials": "bearer", "token": "refresh_token"}},
        "revocation_request.token: ",
    ),
    ({"basic_encoding": "raw", "client_id": "a:b"}, "basic_encoding: "),
]


@pytest.mark.parametrize(
    ("changes", "text"), REFUSED, ids=[f"{n} {text}" for n, (_, text) in enumerate(REFUSED)]
)
def test_what_does_not_fit_is_refused_by_its_name(
    world: World, changes: dict[str, Any], text: str
) -> None:
    with pytest.raises(InvalidServer) as caught:
        put(world, WANTED | changes)
    assert caught.value.message.startswith(text)
    assert world.core.servers.get("books") is None


MALFORMED: list[tuple[dict[str, Any], str]] = [
    ({"kept_fields": {"A": REALM}}, "kept_fields"),
    ({"kept_fields": {"a": REALM | {"colour": "x"}}}, "kept_fields"),
    ({"kept_fields": {"a": REALM | {"source": "header"}}}, "kept_fields"),
    ({"kept_fields": {"a": REALM | {"kind": "url"}}}, "kept_fields"),
    ({"kept_fields": {f"a{n}": REALM for n in range(6)}}, "kept_fields"),
    ({"kept_fields": {"a": HOST | {"hosts": ["https://a.example.com"]}}}, "kept_fields"),
    ({"mcp_headers": {"X-A": "a\r\nb"}}, "mcp_headers"),
    ({"mcp_headers": {"X A": "b"}}, "mcp_headers"),
    ({"mcp_headers": {"X-A": "x" * 257}}, "mcp_headers"),
    ({"refresh_request": {"method": "DELETE"}}, "refresh_request"),
    ({"refresh_request": {"token": "each"}}, "refresh_request"),
    ({"refresh_request": {"verb": "GET"}}, "refresh_request"),
    ({"refresh_request": None}, "refresh_request"),
    ({"long_lived_exchange": {"grant_type": "x"}}, "long_lived_exchange"),
    ({"revocation_request": {"credentials": "basic"}}, "revocation_request"),
    ({"basic_encoding": "utf-8"}, "basic_encoding"),
    ({"resource_in": "never"}, "resource_in"),
    ({"scope_sets": {"x": []}}, "scope_sets"),
    ({"scope_sets": {"x": ["a b"]}}, "scope_sets"),
    ({"token_response_fields": {"access_token": "x"}}, "token_response_fields"),
    ({"token_response_fields": {"scope": "a b"}}, "token_response_fields"),
    ({"introspection_endpoint": ""}, "introspection_endpoint"),
]


@pytest.mark.parametrize(
    ("changes", "field"), MALFORMED, ids=[f"{n} {name}" for n, (_, name) in enumerate(MALFORMED)]
)
def test_what_is_malformed_is_no_request(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        PutServerRequest.model_validate(WANTED | changes)
    assert {error["loc"][0] for error in caught.value.errors()} == {field}


@pytest.mark.parametrize(
    "changes",
    [
        {"introspection_endpoint": "https://evil.test/introspect"},
        {"long_lived_exchange": {"endpoint": "https://evil.test/", "grant_type": "x"}},
        {"kept_fields": {"host": HOST | {"hosts": ["*.my.example.com", "*.evil.test"]}}},
    ],
    ids=["introspection", "exchange", "hosts"],
)
def test_a_kept_secret_does_not_follow_to_another_place(
    world: World, changes: dict[str, Any]
) -> None:
    put(world, WANTED | KEPT)
    kept = {name: value for name, value in WANTED.items() if name != "client_secret"} | KEPT
    assert put(world, kept).client_secret
    with pytest.raises(InvalidServer, match="client_secret"):
        put(world, kept | changes)


def test_a_shared_key_may_go_with_headers_of_their_own(world: World) -> None:
    body = {
        "server_id": "books",
        "name": "Books",
        "auth_type": "bearer",
        "mcp_url": "https://mcp.example.com/mcp",
        "bearer_token": "canary-key",
        "mcp_headers": {"Api-Version": "2"},
    }
    assert put(world, body).quirks.mcp_headers == {"Api-Version": "2"}


@pytest.mark.parametrize(
    ("preset", "values", "gap"),
    [
        ("zoho-crm", {"domain": "eu"}, "https://{accounts_server}/oauth/v2/token"),
        ("salesforce", {}, "https://login.salesforce.com/services/oauth2/token"),
    ],
)
def test_a_presets_gaps_for_connections_stay(
    world: World, preset: str, values: dict[str, str], gap: str
) -> None:
    wanted = {name: WANTED[name] for name in ("server_id", "mcp_url", "client_id", "client_secret")}
    made = put(world, wanted | {"preset": preset, "values": values})
    assert made.token_endpoint == gap
    assert made.quirks.kept_fields


def test_the_default_of_a_kept_field_may_be_a_value_of_the_preset(world: World) -> None:
    wanted = {name: WANTED[name] for name in ("server_id", "mcp_url", "client_id", "client_secret")}
    made = put(world, wanted | {"preset": "zoho-crm", "values": {"domain": "eu"}})
    assert made.quirks.kept_fields["accounts_server"].default == "accounts.zoho.eu"


def test_a_builder_can_leave_a_presets_kept_fields_out(world: World) -> None:
    wanted = {name: WANTED[name] for name in ("server_id", "mcp_url", "client_id", "client_secret")}
    made = put(world, wanted | {"preset": "salesforce", "kept_fields": {}})
    assert made.quirks.kept_fields == {}
