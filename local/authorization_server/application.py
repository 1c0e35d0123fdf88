"""The composition root: one Flask application per process."""

import secrets
from datetime import UTC, datetime
from wsgiref.types import WSGIApplication

from authlib.integrations.flask_oauth2 import ResourceProtector
from flask import Flask, Response
from joserfc.jwk import RSAKey

from .about import About
from .control import Control
from .oauth import Server
from .pages import Pages
from .registration import Registrations, described
from .request_forms import RequestForms
from .store import Store
from .token_endpoint import PATHS, TokenEndpoints


def create_application(name: str, issuer: str) -> WSGIApplication:
    """Build the service; ``issuer`` is also the address that its endpoints are announced under."""
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=secrets.token_bytes(32),
        SESSION_COOKIE_NAME="login_session",
        SESSION_COOKIE_SAMESITE="Lax",
    )
    key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
    store = Store(described=described)
    server = Server(store, issuer, key)
    Pages(name, store, server).register(app)
    TokenEndpoints(store, server).register(app)
    About(store, issuer, key, ResourceProtector()).register(app)
    Registrations(store).register(app)
    Control(store, server).register(app)
    app.after_request(_dated)
    return RequestForms(app, PATHS)


def _dated(response: Response) -> Response:
    """Date an answer (RFC 9110 §6.6.1), unless its service's clock is one of its own."""
    response.date = response.date or datetime.now(UTC)
    return response
