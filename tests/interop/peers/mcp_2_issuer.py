"""A server of the `mcp` SDK 2.x that is its own authorization server, as the SDK brings it."""

import os
import secrets
import time

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    OAuthAuthorizationServerProvider,
    RefreshToken,
    construct_redirect_uri,
)
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken

from tests.interop.peers.serving import RESOURCE, serve

SCOPE = "notes"
_HOUR = 3600


class Provider(OAuthAuthorizationServerProvider[AuthorizationCode, RefreshToken, AccessToken]):
    """What the SDK leaves to whoever uses it: who is known, and what was granted.

    Everybody is Alice, and she consents. A refresh token is good for one refresh.
    """

    def __init__(self) -> None:
        self.clients: dict[str, OAuthClientInformationFull] = {}
        self.codes: dict[str, AuthorizationCode] = {}
        self.access: dict[str, AccessToken] = {}
        self.refresh: dict[str, RefreshToken] = {}

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        """Return a client."""
        return self.clients.get(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        """Keep a client."""
        self.clients[str(client_info.client_id)] = client_info

    async def authorize(
        self, client: OAuthClientInformationFull, params: AuthorizationParams
    ) -> str:
        """Send the browser back with a code."""
        made = AuthorizationCode(
            code=secrets.token_urlsafe(24),
            scopes=params.scopes or [SCOPE],
            expires_at=time.time() + 60,
            client_id=str(client.client_id),
            code_challenge=params.code_challenge,
            redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly,
            resource=params.resource,
            subject="alice",
        )
        self.codes[made.code] = made
        return construct_redirect_uri(str(params.redirect_uri), code=made.code, state=params.state)

    async def load_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: str
    ) -> AuthorizationCode | None:
        """Return a code that was not spent."""
        return self.codes.get(authorization_code)

    async def exchange_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: AuthorizationCode
    ) -> OAuthToken:
        """Spend a code."""
        del self.codes[authorization_code.code]
        return self._issued(client, authorization_code.scopes, authorization_code.resource)

    async def load_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: str
    ) -> RefreshToken | None:
        """Return a refresh token that was not spent."""
        return self.refresh.get(refresh_token)

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: RefreshToken, scopes: list[str]
    ) -> OAuthToken:
        """Spend a refresh token."""
        del self.refresh[refresh_token.token]
        return self._issued(client, scopes, refresh_token.resource)

    async def load_access_token(self, token: str) -> AccessToken | None:
        """Return a living access token."""
        return self.access.get(token)

    async def revoke_token(self, token: AccessToken | RefreshToken) -> None:
        """Forget a token."""
        self.access.pop(token.token, None)
        self.refresh.pop(token.token, None)

    def _issued(
        self, client: OAuthClientInformationFull, scopes: list[str], resource: str | None
    ) -> OAuthToken:
        about = {
            "client_id": str(client.client_id),
            "scopes": scopes,
            "resource": resource,
            "subject": "alice",
        }
        ends = int(time.time()) + _HOUR
        access = AccessToken(token=secrets.token_urlsafe(24), expires_at=ends, **about)
        refresh = RefreshToken(token=secrets.token_urlsafe(24), **about)
        self.access[access.token], self.refresh[refresh.token] = access, refresh
        return OAuthToken(
            access_token=access.token,
            expires_in=_HOUR,
            scope=" ".join(scopes),
            refresh_token=refresh.token,
        )


server = MCPServer(
    "Notes of its own",
    log_level="ERROR",
    auth_server_provider=Provider(),
    auth=AuthSettings.model_validate(
        {
            "issuer_url": os.environ["ISSUER"],
            "resource_server_url": RESOURCE,
            "required_scopes": [SCOPE],
            "client_registration_options": {
                "enabled": True,
                "valid_scopes": [SCOPE],
                "default_scopes": [SCOPE],
            },
            "revocation_options": {"enabled": True},
            "validate_token_resource": True,
        }
    ),
)


@server.tool()
def whoami() -> str:
    """Say whose token this is."""
    token = get_access_token()
    return str(token and token.subject)


if __name__ == "__main__":
    serve(server.streamable_http_app())
