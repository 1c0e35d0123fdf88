"""What becomes of issued tokens: revocation (RFC 7009), introspection (RFC 7662), their use."""

from typing import Any

from authlib.oauth2.rfc6749 import OAuth2Request
from authlib.oauth2.rfc6750 import BearerTokenValidator
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from .client_authentication import METHOD
from .records import Client, Token
from .store import Store


class Revocation(RevocationEndpoint):
    """RFC 7009; how much one token takes with it is a switch."""

    CLIENT_AUTH_METHODS = (METHOD,)

    def query_token(self, token_string: str, _token_type_hint: str | None) -> Token | None:
        """Return the token; the hint is not needed here."""
        found: Token | None = self.server.store.find_token(token_string)
        return found

    def revoke_token(self, token: Token, request: OAuth2Request) -> None:
        """Kill the token, its grant, or all of the person's grants for this client."""
        client: Client = request.client
        token.revoked = True
        if client.switches.revocation_scope == "grant":
            token.grant.alive = False
        elif client.switches.revocation_scope == "user":
            self.server.store.revoke(client, token.grant.person.username)


class Introspection(IntrospectionEndpoint):
    """RFC 7662, for resource servers, and for a client about its own tokens."""

    CLIENT_AUTH_METHODS = (METHOD,)

    def query_token(self, token_string: str, _token_type_hint: str | None) -> Token | None:
        """Return the token; the hint is not needed here."""
        found: Token | None = self.server.store.find_token(token_string)
        return found

    def check_permission(self, token: Token, client: Client, _request: OAuth2Request) -> bool:
        """Tell nobody else anything."""
        return client.resource_server or token.check_client(client)

    def introspect_token(self, token: Token) -> dict[str, Any]:
        """Describe a living token; ``aud`` only if the client named a resource."""
        person = token.grant.person
        about = {
            "iss": self.server.issuer,
            "client_id": token.grant.client.client_id,
            "token_type": "Bearer" if token.kind == "access" else "refresh_token",
            "username": person.username,
            "sub": person.sub,
            "scope": token.scope,
            "iat": int(token.issued_at),
            "exp": token.expires_at and int(token.expires_at),
            "aud": token.resource,
        }
        return {name: value for name, value in about.items() if value is not None}


class BearerTokens(BearerTokenValidator):
    """RFC 6750, for the userinfo endpoint."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store

    def authenticate_token(self, token_string: str) -> Token | None:
        """Return an access token."""
        token = self.store.find_token(token_string)
        return token if token and token.kind == "access" else None
