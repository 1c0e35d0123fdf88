"""Clients that nobody registered by hand: by a document of their own, or by asking.

``client_id_metadata_document_supported``: a ``client_id`` that is a URL is fetched, once, and is
the client that the document describes. ``/register`` is RFC 7591, for each issuer. Both know
all of the service's scopes. The local stack's own addresses are the only ones that are fetched.
"""

import secrets
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

import httpx
from flask import Flask, Response, jsonify, request
from pydantic import BaseModel, ConfigDict, ValidationError

from local import browser_names

from .records import DYNAMIC, Client, Style
from .store import Store

SCOPES = ["openid", "email", "profile", "offline_access", "contacts.read", "contacts.write"]
_STYLES = {
    "client_secret_basic": Style.FORM_BASIC,
    "client_secret_post": Style.FORM_POST,
    "none": Style.NONE,
    "private_key_jwt": Style.PRIVATE_KEY_JWT,
}


class Metadata(BaseModel):
    """A client's metadata (RFC 7591 §2), as far as this service looks at it."""

    model_config = ConfigDict(extra="ignore", strict=True)

    client_id: str = ""
    client_name: str = ""
    redirect_uris: list[str]
    token_endpoint_auth_method: str = "client_secret_basic"
    scope: str = ""
    jwks_uri: str | None = None

    def client(self, client_id: str, client_secret: str | None) -> Client:
        """Return the client; raises KeyError for a method that this service does not know."""
        style = _STYLES[self.token_endpoint_auth_method]
        client = Client(
            client_id, client_secret, self.redirect_uris, style, SCOPES, self.client_name
        )
        client.jwks_uri = self.jwks_uri
        return client


def described(client_id: str) -> Client | None:
    """Fetch the document that a ``client_id`` is the URL of; None if it describes no client."""
    host = urlsplit(client_id).hostname or ""
    if host != "127.0.0.1" and not host.endswith(".localhost"):
        return None
    try:
        with browser_names.client(timeout=5) as http:
            answer = http.get(client_id).raise_for_status()
        metadata = Metadata.model_validate_json(answer.content)
    except (httpx.HTTPError, ValidationError):
        return None
    known = metadata.token_endpoint_auth_method in ("none", "private_key_jwt")
    if metadata.client_id != client_id or not known:
        return None
    return metadata.client(client_id, None)


@dataclass(frozen=True, slots=True)
class Registrations:
    """The registration endpoint (RFC 7591 §3)."""

    store: Store

    def register(self, app: Flask) -> None:
        """Add the routes, one for each issuer."""
        for path in ("", DYNAMIC):
            app.add_url_rule(
                f"{path}/register",
                f"register{path}",
                partial(self.register_client, path),
                methods=["POST"],
            )

    def register_client(self, issuer_path: str) -> tuple[Response, int]:
        """Register a client, with a secret unless it is public."""
        try:
            metadata = Metadata.model_validate(request.get_json(silent=True) or {})
            public = metadata.token_endpoint_auth_method in ("none", "private_key_jwt")
            secret = None if public else secrets.token_urlsafe(24)
            client = metadata.client(f"registered-{secrets.token_hex(8)}", secret)
            client.issuer_path = issuer_path
        except (ValidationError, KeyError):
            return jsonify(error="invalid_client_metadata"), 400
        self.store.register(client)
        told = metadata.model_dump() | {"client_id": client.client_id, "client_secret": secret}
        if secret:
            told["client_secret_expires_at"] = 0
        return jsonify({name: value for name, value in told.items() if value is not None}), 201
