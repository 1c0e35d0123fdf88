"""The grants: Authlib's, with this service's memory and switches behind them.

The caller holds the store's lock, so that what Authlib checks and what it then writes are one step.
"""

import time
from typing import Any

from authlib.oauth2.rfc6749 import (
    InvalidGrantError,
    InvalidRequestError,
    OAuth2Error,
    OAuth2Request,
)
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, RefreshTokenGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core.grants import OpenIDCode
from joserfc import jwt
from joserfc.jwk import RSAKey

from .client_authentication import METHOD
from .people import Person, override
from .records import Client, Code, Token


class InvalidTargetError(OAuth2Error):
    """The service does not want the ``resource`` parameter (RFC 8707 §2)."""

    error = "invalid_target"


def refuse_resource(request: OAuth2Request, client: Client) -> None:
    """Answer ``resource`` as a service does that knows no RFC 8707, if this one is so.

    Raises:
        InvalidTargetError: the parameter is there and not wanted.
    """
    if client.switches.refuse_resource and request.payload.data.get("resource"):
        raise InvalidTargetError("The resource parameter is not supported.")


class CodeGrant(AuthorizationCodeGrant):
    """RFC 6749 §4.1."""

    TOKEN_ENDPOINT_AUTH_METHODS = (METHOD,)

    def validate_token_request(self) -> None:
        """Check the request."""
        super().validate_token_request()
        refuse_resource(self.request, self.request.client)

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        """Remember the code and what the person granted with it."""
        client: Client = request.client
        data = request.payload.data
        scope = client.switches.granted_scopes
        grant = self.server.store.open_grant(
            client,
            request.user.username,
            request.scope if scope is None else " ".join(scope),
            data.get("resource"),
            offline=_is_offline(client, data),
        )
        self.server.store.codes[code] = Code(
            code,
            grant,
            request.payload.redirect_uri or client.get_default_redirect_uri() or "",
            data.get("code_challenge"),
            data.get("code_challenge_method"),
            data.get("nonce"),
            time.time() + client.switches.code_lifetime,
        )

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        """Take the code: it is used up, whatever becomes of this exchange."""
        found: Code | None = self.server.store.take_code(code, client)
        return found

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """Do nothing: it was taken."""

    def authenticate_user(self, authorization_code: Code) -> Person | None:
        """Return who consented."""
        grant = authorization_code.grant
        return grant.person if grant.alive else None

    def generate_token(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Leave out the refresh token where the service is so."""
        client, code = self.request.client, self.request.authorization_code
        kwargs["include_refresh_token"] = code.grant.offline and (
            not client.switches.omit_refresh_token
        )
        token: dict[str, Any] = super().generate_token(*args, **kwargs)
        return token


def _is_offline(client: Client, data: Any) -> bool:
    """Tell whether the request asks for a refresh token in the way this service wants it."""
    return all(
        value in client.scope_list(data.get(name, ""))
        if name == "scope"
        else data.get(name) == value
        for name, value in client.switches.refresh_token_needs.items()
    )


class RefreshGrant(RefreshTokenGrant):
    """RFC 6749 §6 with rotation; a spent token kills its whole family (RFC 9700 §4.14.2)."""

    TOKEN_ENDPOINT_AUTH_METHODS = (METHOD,)

    def validate_token_request(self) -> None:
        """Check the request."""
        super().validate_token_request()
        refuse_resource(self.request, self.request.client)

    def authenticate_refresh_token(self, refresh_token: str) -> Token:
        """Return the token if it may be used.

        Raises:
            InvalidGrantError: unknown, foreign, dead, or used before.
        """
        token: Token | None = self.server.store.find_token(refresh_token)
        if token is None or token.kind != "refresh" or not token.check_client(self.request.client):
            raise InvalidGrantError("The refresh token is unknown.")
        if token.is_revoked():
            raise InvalidGrantError("The grant was revoked.")
        if token.is_spent(time.time()):
            token.grant.alive = False
            raise InvalidGrantError("The refresh token was used before; its grant is now revoked.")
        return token

    def authenticate_user(self, refresh_token: Token) -> Person:
        """Return whose grant it is."""
        return refresh_token.grant.person

    def issue_token(self, user: Person, refresh_token: Token) -> dict[str, Any]:
        """Issue with a new refresh token, if the service rotates."""
        self.INCLUDE_NEW_REFRESH_TOKEN = self.request.client.switches.rotate
        token: dict[str, Any] = super().issue_token(user, refresh_token)
        return token

    def revoke_old_credential(self, refresh_token: Token) -> None:
        """Note when the refresh token was spent."""
        if self.request.client.switches.rotate and refresh_token.spent_at is None:
            refresh_token.spent_at = time.time()


class Challenge(CodeChallenge):
    """PKCE with S256 alone (RFC 7636), required unless the switch says otherwise."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: Any, redirect_uri: Any) -> None:
        """Check the authorization request; ``resource`` as well, since the hook is the same."""
        data, client = grant.request.payload.data, grant.request.client
        refuse_resource(grant.request, client)
        if client.switches.refuse_pkce and data.get("code_challenge"):
            raise InvalidRequestError("Unknown parameter 'code_challenge'")
        if client.switches.require_pkce and not data.get("code_challenge"):
            raise InvalidRequestError("Missing 'code_challenge'")
        if data.get("code_challenge") and data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("Unsupported 'code_challenge_method'")
        super().validate_code_challenge(grant, redirect_uri)


class OpenId(OpenIDCode):
    """The id_token (OpenID Connect Core 1.0 §3.1.3)."""

    def __init__(self, issuer: str, key: RSAKey) -> None:
        super().__init__()
        self.issuer = issuer
        self.key = key

    def exists_nonce(self, _nonce: str, _request: OAuth2Request) -> bool:
        """Accept any nonce: comparing it is the client's part."""
        return False

    def resolve_client_private_key(self, _client: Client) -> RSAKey:
        """Return the service's only key."""
        return self.key

    def get_encode_header(self, _client: Client) -> dict[str, Any]:
        """Name the key, so that it is found in the JWKS."""
        return {"alg": "RS256", "kid": self.key.kid}

    def get_client_claims(self, client: Client) -> dict[str, Any]:
        """Return issuer and audience."""
        return {"iss": self.issuer, "aud": client.client_id}

    def generate_user_info(self, user: Person, _scope: str) -> dict[str, Any]:
        """Return who the person is."""
        return user.claims()

    def encode_id_token(self, token: dict[str, Any], request: OAuth2Request) -> str:
        """Sign the claims, with this client's overrides."""
        encoded: str = super().encode_id_token(token, request)
        changes = request.client.switches.id_token_claims
        if not changes:
            return encoded
        claims = jwt.decode(encoded, self.key).claims
        return jwt.encode(
            self.get_encode_header(request.client), override(claims, changes), self.key
        )
