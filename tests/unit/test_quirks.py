"""What a builder declares of a service: kept as declared, and in the digest where it must be."""

import json
from dataclasses import fields, replace
from typing import Any

import pytest

from broker.model import (
    AuthType,
    BasicEncoding,
    Credentials,
    KeptField,
    KeptFrom,
    LongLivedExchange,
    Method,
    Place,
    Quirks,
    RefreshRequest,
    ResourceIn,
    RevocationRequest,
    Server,
    TokenName,
    mcp_headers,
    placed,
)
from broker.templates import GapKind

SERVER = Server("crm", "CRM", "https://mcp.example.com/mcp", AuthType.CONSUMER_OAUTH)
FROM_BEFORE = "b6b9b8146b64a92fbf1300b0c91d41f81da8b4a1541ace3236bd5068337e1922"
INSTANCE = KeptField(
    KeptFrom.TOKEN_RESPONSE, "instance_url", GapKind.HOST, ("*.my.example.com",), None
)
REALM = KeptField(KeptFrom.CALLBACK, "realmId", default="0")
DECLARED: dict[str, Any] = {
    "token_response_fields": {"expires_in": "data.ttl"},
    "error_field": "code",
    "introspection_endpoint": "https://login.example.com/introspect",
    "userinfo_header": "X-Token",
    "userinfo_scheme": "",
    "userinfo_method": Method.POST,
    "basic_encoding": BasicEncoding.RAW,
    "resource_in": ResourceIn.TOKEN,
    "scope_sets": {"user_scope": ("a", "b")},
    "scope_aliases": {"email": ("https://login.example.com/email",), "offline_access": ()},
    "scope_callback_parameter": "scope",
    "refresh_request": RefreshRequest(
        Method.GET, "x", TokenName.ACCESS, "access_token", Credentials.OMITTED, 86_400
    ),
    "long_lived_exchange": LongLivedExchange("https://login.example.com/long", Method.GET),
    "revocation_request": RevocationRequest(
        Method.DELETE, Credentials.JSON_BASIC, TokenName.ACCESS, "access_token", Place.QUERY
    ),
    "kept_fields": {"instance_url": INSTANCE, "realm_id": REALM},
    "mcp_headers": {"X-Realm": "{realm_id}"},
}
DECISIVE = {"introspection_endpoint", "long_lived_exchange", "kept_fields"}


def test_every_quirk_is_tried_here() -> None:
    assert {each.name for each in fields(Quirks)} == DECLARED.keys()


@pytest.mark.parametrize("name", DECLARED)
def test_a_quirk_is_read_back_as_it_was_declared(name: str) -> None:
    quirks = Quirks(**{name: DECLARED[name]})
    assert quirks.declared().keys() == {name}
    for said in (quirks.declared(), quirks.shown()):
        assert Quirks.of(json.loads(json.dumps(said))) == quirks


def test_what_a_newer_version_said_besides_is_left_out() -> None:
    said = {"refresh_request": {"method": "GET", "colour": "blue"}, "mood": 1}
    assert Quirks.of(said) == Quirks(refresh_request=RefreshRequest(Method.GET))


def test_nothing_declared_is_nothing_stored() -> None:
    assert Quirks().declared() == {}
    assert Quirks.of({}) == Quirks()


@pytest.mark.parametrize("name", DECLARED)
def test_what_decides_where_tokens_go_is_in_the_digest(name: str) -> None:
    server = replace(SERVER, quirks=Quirks(**{name: DECLARED[name]}))
    assert (server.config_digest != SERVER.config_digest) is (name in DECISIVE)
    moved = server.secret_places - SERVER.secret_places
    assert bool(moved) is (name in DECISIVE)


def test_a_server_from_before_keeps_its_digest() -> None:
    assert SERVER.config_digest == FROM_BEFORE


def test_another_host_that_tokens_may_go_to_is_another_configuration() -> None:
    wider = replace(INSTANCE, hosts=("*.my.example.com", "*.example.org"))
    one, other = (
        replace(SERVER, quirks=Quirks(kept_fields={"instance_url": kept}))
        for kept in (INSTANCE, wider)
    )
    assert one.config_digest != other.config_digest
    assert other.secret_places - one.secret_places


def test_a_url_in_another_role_is_another_place_for_secrets() -> None:
    asked = replace(SERVER, quirks=Quirks(introspection_endpoint=SERVER.mcp_url))
    assert asked.secret_urls == SERVER.secret_urls
    assert asked.secret_places - SERVER.secret_places
    assert replace(SERVER, revocation_endpoint=SERVER.mcp_url).secret_places - SERVER.secret_places


@pytest.mark.parametrize(
    "changed", [{"default": "mallory"}, {"field": "nothing"}, {"source": KeptFrom.TOKEN_RESPONSE}]
)
def test_what_fills_a_gap_decides_where_secrets_go(changed: dict[str, Any]) -> None:
    one, other = (
        replace(SERVER, quirks=Quirks(kept_fields={"dc": kept}))
        for kept in (REALM, replace(REALM, **changed))
    )
    assert other.secret_places - one.secret_places


def test_the_order_in_which_fields_are_kept_is_no_matter() -> None:
    kept = {"a": INSTANCE, "b": REALM}
    back = dict(reversed(kept.items()))
    one, other = (replace(SERVER, quirks=Quirks(kept_fields=said)) for said in (kept, back))
    assert one.config_digest == other.config_digest


TEMPLATED = replace(
    SERVER,
    client_id="id/1",
    mcp_url="https://mcp.example.com/{realm_id}/mcp",
    token_endpoint="https://login.example.com/token",
    userinfo_endpoint="https://{instance_url}/userinfo",
    refresh_endpoint="https://{instance_url}/token",
    revocation_endpoint="https://{instance_url}/apps/{client_id}/{token}",
    quirks=Quirks(
        kept_fields={"instance_url": INSTANCE, "realm_id": REALM},
        introspection_endpoint="https://{instance_url}/introspect",
        long_lived_exchange=LongLivedExchange("https://{instance_url}/long"),
        mcp_headers={"X-Realm": "realm {realm_id}", "X-Fixed": "1"},
    ),
)
KEPT = {"instance_url": "acme.my.example.com", "realm_id": "42"}


def test_a_connections_urls_are_filled_with_what_it_keeps() -> None:
    there = placed(TEMPLATED, KEPT)
    assert there.mcp_url == "https://mcp.example.com/42/mcp"
    assert there.userinfo_endpoint == "https://acme.my.example.com/userinfo"
    assert there.refresh_endpoint == "https://acme.my.example.com/token"
    assert there.revocation_endpoint == "https://acme.my.example.com/apps/id%2F1/{token}"
    assert there.quirks.introspection_endpoint == "https://acme.my.example.com/introspect"
    assert there.quirks.long_lived_exchange
    assert there.quirks.long_lived_exchange.endpoint == "https://acme.my.example.com/long"
    assert mcp_headers(TEMPLATED, KEPT) == {"X-Realm": "realm 42", "X-Fixed": "1"}


def test_what_no_longer_fits_is_not_filled_in() -> None:
    there = placed(TEMPLATED, KEPT | {"instance_url": "evil.example", "realm_id": "a/b"})
    assert there.refresh_endpoint == TEMPLATED.refresh_endpoint
    assert there.mcp_url == TEMPLATED.mcp_url
    assert mcp_headers(TEMPLATED, {"realm_id": "a\r\nb"}) == {"X-Fixed": "1"}


def test_a_server_without_gaps_is_left_as_it_is() -> None:
    assert placed(SERVER, KEPT) is SERVER


@pytest.mark.parametrize(
    ("request_", "refresh", "access"),
    [
        (RevocationRequest(), True, True),
        (RevocationRequest(token=TokenName.REFRESH), True, False),
        (RevocationRequest(token=TokenName.ACCESS), False, True),
        (RevocationRequest(credentials=Credentials.BEARER), False, True),
    ],
    ids=["each", "refresh", "access", "bearer"],
)
def test_a_bearer_is_an_access_token(
    request_: RevocationRequest, refresh: bool, access: bool
) -> None:
    assert request_.ends(TokenName.REFRESH) is refresh
    assert request_.ends(TokenName.ACCESS) is access
    assert request_.first_of("refresh", "access") == ("refresh" if refresh else "access")
    assert request_.first_of(None, "access") == "access"
