"""What the service remembers: clients, authorization codes, grants and tokens.

The methods with RFC names (``check_client``, ``get_scope``, …) are what Authlib asks of its models.
"""

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from .people import Person
from .switches import Mode, Switches

DYNAMIC = "/dynamic"
"""Path of the issuer that a dynamically registered client belongs to."""
SEPARATORS = {"space": " ", "comma": ",", "plus": "+"}


class Style(StrEnum):
    """How a client authenticates at the token endpoint: in exactly one way."""

    FORM_POST = "form_post"
    FORM_BASIC = "form_basic"
    JSON_POST = "json_post"
    JSON_BASIC = "json_basic"
    NONE = "none"
    PRIVATE_KEY_JWT = "private_key_jwt"


def fingerprint(token: str) -> str:
    """Return what the log shows of a token."""
    return hashlib.sha256(token.encode()).hexdigest()[:16]


@dataclass(slots=True)
class Client:
    """A registered client with its own switches."""

    client_id: str
    client_secret: str | None = field(repr=False)
    redirect_uris: list[str]
    style: Style
    scopes: list[str]
    name: str = ""
    resource_server: bool = False
    issuer_path: str = ""
    jwks_uri: str | None = None
    """Where the keys of a ``private_key_jwt`` client are."""
    switches: Switches = field(default_factory=Switches)

    def get_client_id(self) -> str:
        """Return the identifier."""
        return self.client_id

    def get_default_redirect_uri(self) -> str | None:
        """Return the registered redirect URI, if there is only one."""
        return self.redirect_uris[0] if len(self.redirect_uris) == 1 else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Compare exactly."""
        return redirect_uri in self.redirect_uris

    def scope_list(self, scope: str) -> list[str]:
        """Split a scope parameter as this client's service does."""
        separator = SEPARATORS[self.switches.scope_separator]
        return scope.replace(separator, " ").split()

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """Return the scope, space-separated; None if any of it is unknown; all if none is asked."""
        asked = self.scope_list(scope or "") or self.scopes
        return " ".join(asked) if set(asked) <= set(self.scopes) else None

    def check_client_secret(self, client_secret: str) -> bool:
        """Compare in constant time."""
        expected = self.client_secret or ""
        return hmac.compare_digest(expected.encode(), client_secret.encode())

    def check_endpoint_auth_method(self, _method: str, _endpoint: str) -> bool:
        """Agree: the style was compared when the client authenticated."""
        return True

    def check_response_type(self, response_type: str) -> bool:
        """Know only the authorization code."""
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """Say which of the two grants of a consumer flow the app may use."""
        return grant_type in self.switches.grant_types

    def take_mode(self) -> Mode:
        """Return how the token endpoint shall behave this time, and count it."""
        mode, count = self.switches.token_endpoint_mode, self.switches.mode_count
        if mode != "normal" and count is not None:
            rest = {"mode_count": count - 1} if count > 1 else NORMAL
            self.switches = self.switches.model_copy(update=rest)
        return mode


NORMAL: dict[str, Any] = {"token_endpoint_mode": "normal", "mode_count": None}


@dataclass(slots=True)
class Grant:
    """What one consent gave; every token of it dies with it."""

    client: Client
    person: Person
    scope: str
    resource: str | None
    offline: bool = True
    alive: bool = True
    grant_id: str = field(default_factory=lambda: secrets.token_hex(8))


@dataclass(slots=True)
class Code:
    """An authorization code; good for one exchange."""

    code: str = field(repr=False)
    grant: Grant
    redirect_uri: str
    code_challenge: str | None
    code_challenge_method: str | None
    nonce: str | None
    expires_at: float
    used: bool = False

    def get_redirect_uri(self) -> str:
        """Return the redirect URI of the authorization request."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """Return the granted scope."""
        return self.grant.scope

    def get_nonce(self) -> str | None:
        """Return the nonce for the id_token."""
        return self.nonce

    def get_auth_time(self) -> int | None:
        """Return None: the time of the login is not kept."""
        return None

    def get_acr(self) -> None:
        """Return None."""

    def get_amr(self) -> None:
        """Return None."""


@dataclass(slots=True)
class Token:
    """One issued access or refresh token."""

    value: str = field(repr=False)
    kind: Literal["access", "refresh"]
    grant: Grant
    scope: str
    resource: str | None
    expires_at: float | None
    issued_at: float = field(default_factory=time.time)
    spent_at: float | None = None
    revoked: bool = False

    def check_client(self, client: Client) -> bool:
        """Tell whether it was issued to this client."""
        return self.grant.client.client_id == client.client_id

    def get_scope(self) -> str:
        """Return its scope."""
        return self.scope

    def is_expired(self) -> bool:
        """Tell whether its time is over."""
        return self.expires_at is not None and self.expires_at <= time.time()

    def is_revoked(self) -> bool:
        """Tell whether it, or the grant it belongs to, is dead."""
        return self.revoked or not self.grant.alive

    def is_spent(self, now: float) -> bool:
        """Tell whether it was rotated away longer ago than the grace period."""
        grace = self.grant.client.switches.reuse_grace_seconds
        return self.spent_at is not None and now >= self.spent_at + grace
