"""Clients that prove themselves with a signed assertion (RFC 7523 §3, private_key_jwt).

Strict where RFC 7523bis is: ``aud`` is the issuer and nothing else, and an assertion works once.
"""

import time
from dataclasses import dataclass, field
from typing import Any

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from local import browser_names

from .records import Client

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST = 300
"""Seconds between now and ``exp``, at most."""


@dataclass(frozen=True, slots=True)
class ClientAssertions:
    """Judges assertions; remembers which were used."""

    issuer: str
    used: set[str] = field(default_factory=set)

    def prove(self, client: Client, form: Any) -> bool:
        """Say whether the request's assertion is this client's, for us, and new."""
        if form.get("client_assertion_type") != TYPE or client.jwks_uri is None:
            return False
        claims = _claims(form["client_assertion"], client.jwks_uri)
        return claims is not None and self._holds(claims, client)

    def _holds(self, claims: dict[str, Any], client: Client) -> bool:
        issuer = f"{self.issuer}{client.issuer_path}"
        now, jti, exp = time.time(), claims.get("jti"), claims.get("exp")
        ours = claims.get("iss") == claims.get("sub") == client.client_id
        timely = isinstance(exp, int) and now < exp <= now + LONGEST and claims["iat"] <= now + 5
        if not ours or not timely or claims.get("aud") != issuer:
            return False
        if not isinstance(jti, str) or jti in self.used:
            return False
        self.used.add(jti)
        return True


def _claims(assertion: str, jwks_uri: str) -> dict[str, Any] | None:
    """Check the signature with the client's published keys; None: it does not hold."""
    try:
        with browser_names.client(timeout=5) as http:
            published = http.get(jwks_uri).raise_for_status().json()
        return dict(jwt.decode(assertion, KeySet.import_key_set(published), ["RS256"]).claims)
    except (httpx.HTTPError, JoseError, ValueError, KeyError):
        return None
