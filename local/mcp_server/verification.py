"""Who holds a bearer: introspection at the authorization server, or one shared key."""

import hmac
from dataclasses import dataclass, field
from typing import Any

import httpx
from mcp.server.auth.provider import AccessToken

from .tools import READ, WRITE


@dataclass(frozen=True, slots=True)
class Introspection:
    """Asks the authorization server about every bearer (RFC 7662)."""

    client: httpx.AsyncClient
    endpoint: str
    client_id: str
    client_secret: str = field(repr=False)

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return what the token stands for; None if it is not a living access token.

        Raises:
            httpx.HTTPError: the authorization server did not answer, or not as it should.
        """
        answer = await self.client.post(
            self.endpoint,
            data={"token": token, "token_type_hint": "access_token"},
            auth=(self.client_id, self.client_secret),
        )
        answer.raise_for_status()
        about: dict[str, Any] = answer.json()
        if not about["active"] or about.get("token_type") != "Bearer":
            return None
        return AccessToken(
            token=token,
            client_id=about["client_id"],
            scopes=about.get("scope", "").split(),
            expires_at=about.get("exp"),
            resource=about.get("aud"),
            subject=about["sub"],
            claims={"iss": about["iss"], "username": about["username"]},
        )


@dataclass(frozen=True, slots=True)
class SharedKey:
    """Accepts one key, for a server that is the same for everybody."""

    key: str = field(repr=False)

    async def verify_token(self, token: str) -> AccessToken | None:
        """Compare in constant time."""
        if not hmac.compare_digest(token.encode(), self.key.encode()):
            return None
        return AccessToken(
            token=token, client_id="shared-key", scopes=[READ, WRITE], subject="shared-key"
        )
