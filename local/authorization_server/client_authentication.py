"""Client authentication at the token endpoint: each client in the one style it is registered for.

Authlib's own methods know neither JSON bodies nor that two ways at once are one too many, so the
service registers one method of its own, METHOD, which does all of it.
"""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

from authlib.oauth2.rfc6749 import InvalidClientError
from flask import Request
from flask import request as flask_request

from .client_assertions import ClientAssertions
from .records import Client, Style
from .request_forms import CLIENT_PARAMETER, WAS_JSON
from .switches import Switches

METHOD = "registered_style"


@dataclass(frozen=True, slots=True)
class Presented:
    """What a request says about who sends it: the style, and the two readings of a Basic header."""

    style: str
    client_id: str
    raw: tuple[str, str] = field(repr=False, default=("", ""))
    form: tuple[str, str] = field(repr=False, default=("", ""))

    def readings(self, switches: Switches) -> list[tuple[str, str]]:
        """Return the (id, secret) pairs that may be tried."""
        by_switch = {"raw": [self.raw], "form": [self.form], "any": [self.form, self.raw]}
        return by_switch[switches.basic_encoding]


def presented(request: Request) -> Presented:
    """Read the credentials of a request; the style is ``both`` if there are two."""
    body = "json" if request.environ.get(WAS_JSON) else "form"
    basic = _basic(request.headers.get("Authorization", ""))
    client_id, secret = request.form.get("client_id", ""), request.form.get("client_secret")
    signed = "client_assertion" in request.form
    if (basic is not None) + (secret is not None) + signed > 1:
        return Presented("both", client_id or (basic or ("",))[0])
    if signed:
        return Presented(f"{body}_jwt" if body == "json" else "private_key_jwt", client_id)
    if basic:
        form = (unquote_plus(basic[0]), unquote_plus(basic[1]))
        return Presented(f"{body}_basic", client_id or form[0], basic, form)
    if secret is not None:
        return Presented(f"{body}_post", client_id, (client_id, secret), (client_id, secret))
    return Presented("none", client_id)


def _basic(header: str) -> tuple[str, str] | None:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ("", "")
    return client_id, secret


@dataclass(frozen=True, slots=True)
class ClientAuthentication:
    """The method that the service registers."""

    assertions: ClientAssertions

    def __call__(self, query_client: Callable[[str], Client | None], _request: Any) -> Client:
        """Return the client that the current token, revocation or introspection request is of.

        Raises:
            InvalidClientError: unknown client, wrong secret, or not the registered style.
        """
        credentials = presented(flask_request)
        client = query_client(credentials.client_id)
        heard = client is not None and credentials.style == client.style
        if client is None or not heard or not self._proves(credentials, client):
            raise InvalidClientError("Client authentication failed.", status_code=401)
        return client

    def _proves(self, credentials: Presented, client: Client) -> bool:
        if flask_request.environ[CLIENT_PARAMETER] != client.switches.client_id_parameter:
            return False
        if client.style is Style.NONE:
            return True
        if client.style is Style.PRIVATE_KEY_JWT:
            return self.assertions.prove(client, flask_request.form)
        return any(
            client_id == client.client_id and client.check_client_secret(secret)
            for client_id, secret in credentials.readings(client.switches)
        )
