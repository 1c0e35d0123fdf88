"""What the service says about itself and about the person: metadata, keys, userinfo."""

from dataclasses import dataclass
from typing import Any

from authlib.integrations.flask_oauth2 import ResourceProtector
from flask import Flask, Response, jsonify, request
from joserfc.jwk import KeySet, RSAKey

from .misbehaviour import PAGE, hang
from .people import override
from .records import DYNAMIC, Token
from .store import Store
from .token_status import BearerTokens

AUTH_METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]


def dynamic_metadata(issuer: str) -> dict[str, Any]:
    """Return the metadata of the issuer whose clients have to be registered (RFC 7591)."""
    there = f"{issuer}{DYNAMIC}"
    found = metadata(issuer) | {"issuer": there, "registration_endpoint": f"{there}/register"}
    del found["client_id_metadata_document_supported"]
    return found


def metadata(issuer: str) -> dict[str, Any]:
    """Return the metadata document (RFC 8414 §2, OpenID Connect Discovery 1.0 §3)."""
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "revocation_endpoint": f"{issuer}/revoke",
        "introspection_endpoint": f"{issuer}/introspect",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "jwks_uri": f"{issuer}/jwks",
        "registration_endpoint": f"{issuer}/register",
        "client_id_metadata_document_supported": True,
        "scopes_supported": ["openid", "email", "profile", "offline_access"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": AUTH_METHODS,
        "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
        "revocation_endpoint_auth_methods_supported": AUTH_METHODS,
        "introspection_endpoint_auth_methods_supported": AUTH_METHODS,
        "code_challenge_methods_supported": ["S256"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "authorization_response_iss_parameter_supported": True,
    }


@dataclass(frozen=True, slots=True)
class About:
    """Metadata, JWKS and the userinfo endpoint."""

    store: Store
    issuer: str
    key: RSAKey
    protector: ResourceProtector

    def register(self, app: Flask) -> None:
        """Add the routes."""
        self.protector.register_token_validator(BearerTokens(self.store))
        for document in ("oauth-authorization-server", "openid-configuration"):
            app.add_url_rule(f"/.well-known/{document}", document, self.metadata)
        well_known = f"/.well-known/oauth-authorization-server{DYNAMIC}"
        app.add_url_rule(well_known, "dynamic", lambda: jsonify(dynamic_metadata(self.issuer)))
        app.add_url_rule("/jwks", view_func=self.jwks)
        app.add_url_rule("/userinfo", view_func=self.userinfo, methods=["GET", "POST"])

    def metadata(self) -> Response:
        """Serve the metadata document."""
        return jsonify(metadata(self.issuer))

    def jwks(self) -> Response:
        """Serve the public key."""
        return jsonify(KeySet([self.key]).as_dict(private=False))

    def userinfo(self) -> Response:
        """Say whose token it is, whatever its scope (not all services speak OpenID Connect)."""
        with self.protector.acquire() as token:
            pass
        return self._described(token)

    def _described(self, token: Token) -> Response:
        switches = token.grant.client.switches
        match switches.userinfo_mode:
            case "normal":
                claims = token.grant.person.claims()
                return jsonify(override(claims, switches.userinfo_claims))
            case "hang":
                connection = request.environ["werkzeug.socket"]
                return Response(hang(connection), mimetype="application/json")
            case "html":
                return Response(PAGE, mimetype="text/html")
            case "empty":
                return jsonify({})
            case "forbidden":
                return Response('{"error": "insufficient_scope"}', 403, mimetype="application/json")
            case _:
                return Response("Internal Server Error", 500, mimetype="text/plain")
