"""The customer's own authorization server, in place of the real one."""

import json
from collections.abc import Callable
from typing import Any

import httpx

from tests.integration.conftest import World
from tests.integration.mcp_client import URL
from tests.integration.signing import (
    RSA,
    SMALL_RSA,
    b64,
    ec_jwk,
    rs256,
    rsa_jwk,
)

ISSUER = "https://customer.example.com/tenant"
METADATA = "/.well-known/oauth-authorization-server/tenant"


class Issuer:
    """The customer's authorization server, as far as it is fetched from."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.keys = [rsa_jwk(RSA, "rsa"), ec_jwk("ec"), rsa_jwk(SMALL_RSA, "small")]
        self.documents: dict[str, Any] = {
            METADATA: {"issuer": ISSUER, "jwks_uri": "https://customer.example.com/keys"}
        }
        self.asked: list[str] = []

    def handle(self, asked: httpx.Request) -> httpx.Response:
        assert "authorization" not in asked.headers
        self.asked.append(asked.url.path)
        document = {"/keys": {"keys": self.keys}, **self.documents}.get(asked.url.path)
        return httpx.Response(404) if document is None else httpx.Response(200, json=document)

    def token(
        self,
        sign: Callable[[bytes], bytes] = rs256,
        header: dict[str, Any] | None = None,
        **changes: Any,
    ) -> str:
        now = self.world.time.now().timestamp()
        usual = {"iss": ISSUER, "aud": URL, "sub": "jo", "iat": now, "exp": now + 300}
        claims = {name: value for name, value in (usual | changes).items() if value is not ...}
        head = {"alg": "RS256", "kid": "rsa"} | (header or {})
        signed = ".".join(b64(json.dumps(each).encode()) for each in (head, claims)).encode()
        return f"{signed.decode()}.{b64(sign(signed))}"
