"""The local service takes an assertion once, from its client, for itself, while it is fresh."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from local.authorization_server.client_assertions import TYPE, ClientAssertions
from local.authorization_server.records import Client, Style
from local.loopback import LoopbackServer, Reply

ISSUER = "http://login.localhost:1"
KEY = RSAKey.generate_key(2048, auto_kid=True)
OTHER = RSAKey.generate_key(2048, {"kid": KEY.kid or ""})


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    server = LoopbackServer(1 << 16)
    keys = KeySet([KEY]).as_dict(private=False)

    def answer(_: object) -> Reply:
        return Reply(200, [("Content-Type", "application/json")], json.dumps(keys).encode())

    server.serve(answer)
    made = Client("app-1", None, [], Style.PRIVATE_KEY_JWT, [])
    made.jwks_uri = f"http://127.0.0.1:{server.port}/jwks"
    yield made
    server.close()


def form(key: RSAKey = KEY, **changes: Any) -> dict[str, str]:
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": "app-1",
        "sub": "app-1",
        "aud": ISSUER,
        "jti": str(time.monotonic_ns()),
    }
    claims |= {"iat": now, "exp": now + 120} | changes
    kept = {name: value for name, value in claims.items() if value is not ...}
    assertion = jwt.encode({"alg": "RS256", "kid": KEY.kid}, kept, key)
    return {"client_assertion": assertion, "client_assertion_type": TYPE}


def test_a_good_one_is_taken_once(client: Client) -> None:
    judge, sent = ClientAssertions(ISSUER), form()
    assert [judge.prove(client, sent) for _ in range(2)] == [True, False]


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": f"{ISSUER}/token"},
        {"aud": [ISSUER]},
        {"aud": ...},
        {"iss": "app-2"},
        {"sub": "app-2"},
        {"exp": 1},
        {"exp": 9_999_999_999},
        {"exp": ...},
        {"jti": ...},
        {"iat": 9_999_999_999},
    ],
    ids=str,
)
def test_another_one_is_not(client: Client, changes: dict[str, Any]) -> None:
    assert not ClientAssertions(ISSUER).prove(client, form(**changes))


def test_one_of_another_key_is_not(client: Client) -> None:
    assert not ClientAssertions(ISSUER).prove(client, form(OTHER))


def test_it_says_what_it_is(client: Client) -> None:
    assert not ClientAssertions(ISSUER).prove(client, form() | {"client_assertion_type": "x"})
    assert not ClientAssertions(ISSUER).prove(client, form() | {"client_assertion": "a.b.c"})
