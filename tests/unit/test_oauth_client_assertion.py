"""Client assertions (RFC 7523 §3): what they say, and where they may go."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

from broker.model import (
    AuthType,
    Credentials,
    LongLivedExchange,
    Quirks,
    Secret,
    Server,
    TokenRequestStyle,
)
from broker.oauth.client_assertion import astray, client_assertion, is_signable

NOW = datetime(2027, 3, 1, 12, 0, 0, 999_999, tzinfo=UTC)
ISSUER = "https://login.example.com"
SERVER = Server(
    "crm",
    "CRM",
    "https://mcp.example.com/mcp",
    AuthType.CONSUMER_OAUTH,
    client_id="client-1",
    authorization_endpoint="https://www.example.com/authorize",
    token_endpoint=f"{ISSUER}/token",
    refresh_endpoint=f"{ISSUER}/refresh",
    revocation_endpoint=f"{ISSUER}/revoke",
    userinfo_endpoint="https://api.example.com/me",
    issuer=ISSUER,
    token_request_style=TokenRequestStyle.PRIVATE_KEY_JWT,
)


def assertion(client_id: str = "client-1", signed: list[bytes] | None = None) -> Secret:
    def sign(message: bytes) -> bytes:
        if signed is not None:
            signed.append(message)
        return b"signature"

    return client_assertion(client_id, ISSUER, kid="key-1", sign=sign, now=NOW)


def part(made: Secret, number: int) -> dict[str, Any]:
    text = made.reveal().split(".")[number]
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return read


def test_the_header_names_algorithm_and_key() -> None:
    assert part(assertion(), 0) == {"alg": "RS256", "typ": "JWT", "kid": "key-1"}


def test_it_says_whose_it_is_for_whom_and_for_how_long() -> None:
    claims = part(assertion(), 1)
    assert len(claims.pop("jti")) == 43
    issued_at = int(NOW.timestamp())
    assert claims == {
        "iss": "client-1",
        "sub": "client-1",
        "aud": ISSUER,
        "iat": issued_at,
        "exp": issued_at + 120,
    }


def test_no_two_are_the_same() -> None:
    assert len({part(assertion(), 1)["jti"] for _ in range(100)}) == 100


def test_what_is_signed_is_header_and_claims_as_they_are_sent() -> None:
    signed: list[bytes] = []
    made = assertion("größe", signed).reveal()
    assert [made.rpartition(".")[0].encode()] == signed
    assert part(Secret(made), 1)["sub"] == "größe"


def test_its_signature_holds_under_the_public_key() -> None:
    key = generate_private_key(65537, 2048)
    made = client_assertion(
        "c", ISSUER, kid="k", sign=lambda m: key.sign(m, PKCS1v15(), SHA256()), now=NOW
    ).reveal()
    signed, _, signature = made.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    key.public_key().verify(raw, signed.encode(), PKCS1v15(), SHA256())


def test_it_does_not_print() -> None:
    made = assertion()
    assert made.reveal() not in repr(made)


def test_what_is_too_long_to_be_signed_in_one_piece_is_known_before() -> None:
    assert is_signable("c" * 1024, ISSUER)
    assert not is_signable("c" * 1024, f"https://example.com/{'x' * 2000}")


def test_where_every_endpoint_lies_on_the_audiences_host_none_is_astray() -> None:
    assert astray(SERVER) is None


@pytest.mark.parametrize("name", ["token_endpoint", "refresh_endpoint", "revocation_endpoint"])
@pytest.mark.parametrize(
    "place", ["login.example.com.evil.net", "login.example.com:8443", "example.com"]
)
def test_an_endpoint_at_another_host_or_port_is_astray(name: str, place: str) -> None:
    changed: dict[str, Any] = {name: f"https://{place}/token"}
    assert astray(replace(SERVER, **changed)) == name


@pytest.mark.parametrize(
    ("name", "quirks"),
    [
        ("introspection_endpoint", Quirks(introspection_endpoint="https://evil.example.net/x")),
        ("long_lived_exchange", Quirks(long_lived_exchange=LongLivedExchange("https://e.net/x"))),
    ],
    ids=["introspection", "exchange"],
)
def test_so_is_whatever_else_the_client_authenticates_at(name: str, quirks: Quirks) -> None:
    assert astray(replace(SERVER, quirks=quirks)) == name


def test_an_exchange_without_credentials_takes_no_assertion_anywhere() -> None:
    open_to_all = LongLivedExchange("https://e.net/x", credentials=Credentials.OMITTED)
    assert astray(replace(SERVER, quirks=Quirks(long_lived_exchange=open_to_all))) is None


def test_the_usual_port_may_be_written_or_not() -> None:
    named = replace(SERVER, token_endpoint="https://login.example.com:443/token")
    assert astray(named) is None


def test_the_audience_that_is_configured_decides_not_the_issuer() -> None:
    elsewhere = replace(SERVER, client_assertion_audience="https://other.example.com/token")
    assert astray(elsewhere) == "token_endpoint"
    assert astray(replace(elsewhere, issuer="https://other.example.com")) == "token_endpoint"
    fits = replace(SERVER, issuer=None, client_assertion_audience="https://LOGIN.example.com/token")
    assert astray(fits) is None


def test_without_an_audience_nothing_may_be_sent() -> None:
    assert astray(replace(SERVER, issuer=None)) == "token_endpoint"
