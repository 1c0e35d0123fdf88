"""An app that is registered at the service, for tests and demonstrations.

It has a control panel for its switches and log, and does what an OAuth client does, in its style.
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from local.browser_names import LocalhostTransport

from .records import Style
from .store import RESOURCE_SERVER
from .walk import consent

REDIRECT_URI = "https://app.example.com/callback"
SCOPES = ["openid", "contacts.read", "contacts.write"]
SECRET = "a secret: 100%+"
"""With characters that RFC 6749 §2.3.1 wants encoded in a Basic header."""


def browser() -> httpx.Client:
    """Return a person's browser: cookies, no redirects followed."""
    return httpx.Client(transport=LocalhostTransport(), timeout=5, trust_env=False)


@dataclass(slots=True)
class SampleApp:
    """A client of its own, so that parallel tests do not meet. To be closed."""

    port: int
    style: Style = Style.FORM_POST
    client_id: str = field(default_factory=lambda: f"app-{secrets.token_hex(4)}")
    http: httpx.Client = field(default_factory=browser)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(40), repr=False)

    def __post_init__(self) -> None:
        registration = {
            "client_id": self.client_id,
            "client_secret": None if self.style is Style.NONE else SECRET,
            "redirect_uris": [REDIRECT_URI],
            "style": self.style,
            "scopes": SCOPES,
        }
        self.control("POST", "/clients", json=registration)

    @property
    def issuer(self) -> str:
        """The service's issuer, which its endpoints start with."""
        return f"http://login.localhost:{self.port}"

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    # The control panel

    def control(self, method: str, path: str, **sent: Any) -> Any:
        """Call the control interface; return what it answers."""
        url = f"http://127.0.0.1:{self.port}/control{path}"
        answer = self.http.request(method, url, **sent).raise_for_status()
        return answer.json() if answer.content else None

    def switch(self, **switches: Any) -> None:
        """Flip switches of this app."""
        self.control("PATCH", f"/clients/{self.client_id}/switches", json=switches)

    def log(self) -> list[dict[str, Any]]:
        """Return this app's token and revocation requests."""
        found = self.control("GET", "/token-requests", params={"client_id": self.client_id})
        entries: list[dict[str, Any]] = found["token_requests"]
        return entries

    def tokens(self, username: str = "alice", **more: str) -> dict[str, Any]:
        """Return tokens without the walk; ``scope`` and ``resource`` may be given."""
        owner = {"client_id": self.client_id, "username": username, **more}
        tokens: dict[str, Any] = self.control("POST", "/grants", json=owner)
        return tokens

    # The protocol

    def url(self, **changes: str | None) -> str:
        """Return an authorization URL; None leaves a parameter out."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": REDIRECT_URI,
            "scope": "openid contacts.read",
            "state": "some-state",
            "nonce": "some-nonce",
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        } | changes
        sent = {name: value for name, value in query.items() if value is not None}
        return f"{self.issuer}/authorize?{urlencode(sent)}"

    def consent(
        self, decision: str = "allow", username: str = "alice", **changes: str | None
    ) -> dict[str, str]:
        """Send a person through login and consent; return the authorization response."""
        with browser() as person:
            location = consent(person, self.url(**changes), username, decision)
        return dict(parse_qsl(urlsplit(location).query))

    def post(
        self, path: str, fields: dict[str, str], style: Style | None = None, accept: str = "*/*"
    ) -> httpx.Response:
        """Post as an authenticated client, in its own style or another."""
        body, _, place = (style or self.style).partition("_")
        basic = httpx.BasicAuth(self.client_id, SECRET)
        if place != "basic":
            fields = fields | {"client_id": self.client_id}
        if place == "post":
            fields = fields | {"client_secret": SECRET}
        sent: dict[str, Any] = {"json" if body == "json" else "data": fields}
        sent["auth"] = basic if place == "basic" else httpx.Auth()
        return self.http.post(self.issuer + path, headers={"Accept": accept}, **sent)

    def redeem(self, code: str, **fields: str) -> httpx.Response:
        """Exchange an authorization code."""
        known = {"redirect_uri": REDIRECT_URI, "code_verifier": self.verifier}
        exchange = {"grant_type": "authorization_code", "code": code}
        return self.post("/token", exchange | known | fields)

    def refresh(
        self, token: str, style: Style | None = None, accept: str = "application/json"
    ) -> httpx.Response:
        """Exchange a refresh token."""
        fields = {"grant_type": "refresh_token", "refresh_token": token}
        return self.post("/token", fields, style, accept)

    def introspect(self, token: str) -> dict[str, Any]:
        """Ask about a token, as a resource server."""
        form, credentials = {"token": token}, httpx.BasicAuth(*RESOURCE_SERVER)
        answer = self.http.post(f"{self.issuer}/introspect", data=form, auth=credentials)
        found: dict[str, Any] = answer.json()
        return found
