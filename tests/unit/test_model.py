"""The nouns: what decides where tokens go, and what never prints."""

from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from broker.model import (
    SECRET_STYLES,
    AuthType,
    Connection,
    PendingAuthorization,
    Quirks,
    RevocationScope,
    Sealed,
    SealedTokens,
    Secret,
    Server,
    Status,
    StyleFinding,
    StyleVerdict,
    Sureness,
    TokenRequestStyle,
    TokenSet,
)

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
SEALED = Sealed(b"canary", b"canary", b"canary")
SERVER = Server("crm", "CRM", "https://mcp.example.com/mcp", AuthType.CONSUMER_OAUTH)
DECISIVE: dict[str, Any] = {
    "mcp_url": "https://other.example.com",
    "authorization_endpoint": "https://other.example.com",
    "token_endpoint": "https://other.example.com",
    "refresh_endpoint": "https://other.example.com",
    "revocation_endpoint": "https://other.example.com",
    "userinfo_endpoint": "https://other.example.com",
    "issuer": "https://other.example.com",
    "client_id": "other",
    "resource": "https://other.example.com",
    "token_header": "X-Other",
    "token_scheme": "Other",
    "incarnation": "another",
    "quirks": Quirks(introspection_endpoint="https://other.example.com"),
}
INDIFFERENT: dict[str, Any] = {
    "authorization_response_iss_parameter_supported": True,
    "name": "Other",
    "scopes": ("other",),
    "client_secret": SEALED,
    "bearer_token": SEALED,
    "pkce": False,
    "revision": 7,
    "updated_at": NOW,
    "revocation_scope": RevocationScope.TOKEN,
    "token_request_style": TokenRequestStyle.JSON_POST,
    "client_assertion_audience": "https://other.example.com",
    "style_finding": StyleFinding(StyleVerdict.PROVEN, SECRET_STYLES, Sureness.GUESS),
    "default_expires_in": 60,
    "reuse_grace_seconds": 60,
}


@pytest.mark.parametrize("name", DECISIVE)
def test_what_decides_where_tokens_go_is_in_the_digest(name: str) -> None:
    assert replace(SERVER, **{name: DECISIVE[name]}).config_digest != SERVER.config_digest


@pytest.mark.parametrize("name", INDIFFERENT)
def test_what_does_not_is_not(name: str) -> None:
    assert replace(SERVER, **{name: INDIFFERENT[name]}).config_digest == SERVER.config_digest


def test_two_fields_that_swap_their_values_change_the_digest() -> None:
    one = replace(SERVER, token_endpoint="https://a.example.com", refresh_endpoint=None)
    two = replace(SERVER, token_endpoint=None, refresh_endpoint="https://a.example.com")
    assert one.config_digest != two.config_digest


def test_the_name_of_a_header_has_no_case() -> None:
    lower = replace(SERVER, token_header="authorization")
    assert lower.config_digest == SERVER.config_digest


def test_a_new_server_misses_what_oauth_needs() -> None:
    assert SERVER.missing == (
        "client_id",
        "client_secret",
        "authorization_endpoint",
        "token_endpoint",
    )


def test_a_public_client_misses_no_secret() -> None:
    public = replace(SERVER, token_request_style=TokenRequestStyle.NONE)
    assert "client_secret" not in public.missing


def test_a_shared_key_is_all_that_a_bearer_server_needs() -> None:
    bearer = replace(SERVER, auth_type=AuthType.BEARER)
    assert bearer.missing == ("bearer_token",)
    assert replace(bearer, bearer_token=SEALED).missing == ()


def test_an_open_server_needs_nothing() -> None:
    assert replace(SERVER, auth_type=AuthType.NONE).missing == ()


def test_a_secret_never_prints() -> None:
    secret = Secret("canary")
    shown = f"{secret} {secret!r} {secret!s} {[secret]} { ({'a': secret}) } %s" % secret
    assert "canary" not in shown
    assert secret.reveal() == "canary"


def test_what_is_sealed_never_prints() -> None:
    assert "canary" not in repr(SEALED)


def test_no_noun_prints_a_token() -> None:
    tokens = SealedTokens(SEALED, SEALED, NOW, NOW, ())
    connection = Connection("jo", "crm", "g", 1, Status.ACTIVE, "d", tokens, NOW, NOW)
    clear = TokenSet(Secret("canary"), Secret("canary"), NOW, NOW)
    server = replace(
        SERVER,
        client_secret=SEALED,
        extra_token_params={"k": "canary"},
        extra_refresh_params={"k": "canary"},
    )
    pending = PendingAuthorization("s", "c", "crm", "https://x", "d", "h", NOW, SEALED, code=SEALED)
    assert "canary" not in repr([connection, clear, server, pending])


def test_missing_scopes_are_those_asked_for_and_not_granted() -> None:
    tokens = SealedTokens(SEALED, None, None, NOW, ("b",))
    connection = Connection(
        "jo", "crm", "g", 1, Status.ACTIVE, "d", tokens, NOW, NOW, requested_scopes=("a", "b", "c")
    )
    assert connection.missing_scopes(Quirks()) == ("a", "c")
    challenged = replace(connection, challenged_scopes=("b", "c", "d"))
    assert challenged.missing_scopes(Quirks()) == ("a", "c", "d")


@pytest.mark.parametrize(
    ("wanted", "granted", "lacking"),
    [
        (("openid", "email"), ("openid", "https://login.example.com/email"), ()),
        (("email",), ("email",), ()),
        (("email",), ("openid",), ("email",)),
        (("read", "offline_access"), ("read",), ()),
        (("offline_access",), (), ()),
        (("public",), ("repo",), ()),
        (("repo",), ("public",), ("repo",)),
    ],
)
def test_a_scope_is_granted_under_any_name_that_the_service_has_for_it(
    wanted: tuple[str, ...], granted: tuple[str, ...], lacking: tuple[str, ...]
) -> None:
    aliases = {
        "email": ("https://login.example.com/email", "mail"),
        "offline_access": (),
        "public": ("repo",),
    }
    tokens = SealedTokens(SEALED, None, None, NOW, granted)
    connection = Connection(
        "jo", "crm", "g", 1, Status.ACTIVE, "d", tokens, NOW, NOW, requested_scopes=wanted
    )
    assert connection.missing_scopes(Quirks(scope_aliases=aliases)) == lacking


def test_every_field_of_a_server_is_decisive_or_indifferent_by_decision() -> None:
    """A new endpoint field that nobody thought about must not slip past the digest."""
    decided = {*DECISIVE, *INDIFFERENT}
    decided |= {"server_id", "auth_type", "scope_separator", "created_at", "account_field"}
    decided |= {"extra_authorize_params", "extra_token_params", "extra_refresh_params"}
    decided |= {"refresh_idle_days", "preset", "scope_parameter", "client_id_parameter"}
    decided |= {"access_token_field"}
    assert {field.name for field in fields(Server)} == decided
