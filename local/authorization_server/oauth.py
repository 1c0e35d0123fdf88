"""Authlib's authorization server, put together: grants, endpoints and the ``iss`` parameter."""

import secrets
import time
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import OAuth2Request
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc9207 import IssuerParameter
from flask import Response, request
from joserfc import jwt
from joserfc.jwk import RSAKey

from .client_assertions import ClientAssertions
from .client_authentication import METHOD, ClientAuthentication
from .grants import Challenge, CodeGrant, OpenId, RefreshGrant
from .people import Person
from .records import Client
from .store import Store
from .token_status import Introspection, Revocation


class Server(AuthorizationServer):
    """The protocol, over the store."""

    def __init__(self, store: Store, issuer: str, key: RSAKey) -> None:
        super().__init__(query_client=store.find_client, save_token=self._remember)
        self.store = store
        self.issuer = issuer
        method = ClientAuthentication(ClientAssertions(issuer))
        self.register_client_auth_method(METHOD, method)
        self.register_token_generator("default", token_generator(issuer, key))
        self.register_grant(CodeGrant, [Challenge(), OpenId(issuer, key)])
        self.register_grant(RefreshGrant)
        self.register_endpoint(Revocation)
        self.register_endpoint(Introspection)
        self.issuer_parameter = Issuer(store, issuer)
        self.issuer_parameter(self)

    def _remember(self, token: dict[str, Any], oauth_request: OAuth2Request) -> None:
        source = oauth_request.authorization_code or oauth_request.refresh_token
        resource = oauth_request.payload.data.get("resource") or source.grant.resource
        self.store.add_tokens(source.grant, token, resource)

    def refuse(self, error: Any) -> Response:
        """Send an authorization request's error to the client's redirect URI."""
        response: Response = self.handle_response(*error())
        self.issuer_parameter.add_issuer_parameter(self, response)
        return response


def token_generator(issuer: str, key: RSAKey) -> BearerTokenGenerator:
    """Return the generator of token responses; lifetimes and formats are the client's."""

    def access_token(client: Client, user: Person, scope: str, **_about: Any) -> str:
        if not client.switches.jwt_access_token:
            return secrets.token_urlsafe(32)
        claims = _access_claims(client, user, scope) | {"iss": f"{issuer}{client.issuer_path}"}
        if resource := request.values.get("resource"):
            claims["aud"] = resource
        return jwt.encode({"alg": "RS256", "typ": "at+jwt", "kid": key.kid}, claims, key)

    def refresh_token(**_about: Any) -> str:
        return secrets.token_urlsafe(36)

    def expires_in(client: Client, _grant_type: str) -> int:
        return client.switches.access_token_lifetime

    return BearerTokenGenerator(access_token, refresh_token, expires_in)


def _access_claims(client: Client, person: Person, scope: str) -> dict[str, Any]:
    now = int(time.time())
    return {
        "sub": person.sub,
        "client_id": client.client_id,
        "scope": scope,
        "jti": secrets.token_hex(8),
        "iat": now,
        "exp": now + client.switches.access_token_lifetime,
    }


class Issuer(IssuerParameter):
    """RFC 9207: ``iss`` in every authorization response, errors included."""

    def __init__(self, store: Store, issuer: str) -> None:
        self.store = store
        self.issuer = issuer

    def get_issuer(self) -> str | None:
        """Return what the client of the current request is told."""
        client = self.store.find_client(request.args.get("client_id"))
        if client is None:
            return self.issuer
        if not client.switches.send_iss:
            return None
        return client.switches.wrong_iss or f"{self.issuer}{client.issuer_path}"
