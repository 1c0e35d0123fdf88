"""Dynamic client registration (RFC 7591): one client for one server, at one issuer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import ConfigDict, Field

from broker.clock import Clock
from broker.errors import OutboundError
from broker.model import Secret, TokenRequestStyle
from broker.outbound import Outbound
from broker.wire import Wire

from .fetching import CAP, Refused, read_document, refused_by_door

SECONDS = 10.0
_STYLES = {
    "client_secret_post": TokenRequestStyle.FORM_POST,
    "client_secret_basic": TokenRequestStyle.FORM_BASIC,
    "none": TokenRequestStyle.NONE,
}
_SIGNED = {"private_key_jwt": TokenRequestStyle.PRIVATE_KEY_JWT}
"""Only where it was asked for: it needs our keys' address."""
_ERRORS = frozenset(
    {
        # RFC 7591 §3.2.2
        "invalid_redirect_uri",
        "invalid_client_metadata",
        "invalid_software_statement",
        "unapproved_software_statement",
        # RFC 6749 §4.1.2.1, RFC 6750 §3.1
        "access_denied",
        "insufficient_scope",
        "invalid_token",
    }
)
_GUARDED = " Its administrators let only those register whom they know, or gave a token for it."
_OFF = " Registration seems to be switched off there."
_WHY = {401: _GUARDED, 403: _GUARDED, 404: _OFF, 405: _OFF, 501: _OFF}


class RegistrationRefused(Exception):
    """No client was registered; ``message`` is public and quotes one of RFC 7591's codes only."""

    def __init__(self, message: str) -> None:
        """Take the public message."""
        super().__init__(message)
        self.message = message


class _Registered(Wire):
    model_config = ConfigDict(strict=True)

    client_id: Annotated[str, Field(pattern=r"^[\x20-\x7e]{1,1024}$")]
    client_secret: Annotated[str, Field(pattern=r"^[\x20-\x7e]{1,4096}$")] | None = Field(
        default=None, repr=False
    )
    client_secret_expires_at: int | float | None = None
    token_endpoint_auth_method: str | None = None
    redirect_uris: list[str] | None = None


class _Said(Wire):
    error: str | None = None


@dataclass(frozen=True, slots=True)
class NewClient:
    """A client as the authorization server registered it."""

    client_id: str
    client_secret: Secret | None = field(repr=False)
    style: TokenRequestStyle
    secret_expires: bool
    """The secret ends one day, and who renews it is not us."""


@dataclass(frozen=True, slots=True)
class Registrar:
    """Registers clients."""

    outbound: Outbound
    clock: Clock

    def register(self, endpoint: str, metadata: Mapping[str, object], deadline: float) -> NewClient:
        """Send one registration request (RFC 7591 §3.1); raise RegistrationRefused.

        The registration access token of the answer (RFC 7592) is let go: nothing is left that
        could change the client.
        """
        try:
            answer = self.outbound.send(
                "POST",
                endpoint,
                headers={"Accept": "application/json", "Content-Type": "application/json"},
                content=json.dumps(metadata).encode(),
                deadline=min(deadline, self.clock.monotonic() + SECONDS),
                cap=CAP,
                fresh=True,
            )
        except OutboundError as exc:
            raise RegistrationRefused(refused_by_door(exc).message) from None
        if answer.status not in (200, 201):
            raise RegistrationRefused(_refusal(answer.status, answer.body))
        try:
            registered = read_document(answer.body, _Registered)
        except Refused as exc:
            raise RegistrationRefused(exc.message) from None
        return _checked(registered, metadata)


def auth_method(supported: tuple[str, ...]) -> str | None:
    """Choose how to authenticate; None: in no way of ours.

    With a secret where that is possible, and then in the body: servers look for ``client_id`` there
    before they look for a header, as the ``mcp`` SDK does.
    """
    return next((name for name in _STYLES if name in supported), None)


def _checked(registered: _Registered, metadata: Mapping[str, object]) -> NewClient:
    asked = metadata["token_endpoint_auth_method"]
    method = registered.token_endpoint_auth_method or str(asked)
    style = (_STYLES | (_SIGNED if asked in _SIGNED else {})).get(method)
    if style is None:
        raise RegistrationRefused("It registers clients of a kind that the broker cannot be.")
    secret = registered.client_secret
    if not style.takes_secret:
        secret = None
    elif not secret:
        raise RegistrationRefused("It registers a client with a secret and names none.")
    theirs = registered.redirect_uris
    if theirs is not None and theirs != metadata["redirect_uris"]:
        raise RegistrationRefused("It registers the client with another redirect URI.")
    expires = bool(secret and registered.client_secret_expires_at)
    return NewClient(registered.client_id, Secret(secret) if secret else None, style, expires)


def _refusal(status: int, body: bytes) -> str:
    try:
        said = read_document(body, _Said).error
    except Refused:
        said = None
    code = f" ({said})" if said in _ERRORS else ""
    return f"It refuses to register a client, with HTTP {status}{code}.{_WHY.get(status, '')}"
