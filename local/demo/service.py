"""An app as its developer sees it at the third-party service: registration, switches, log."""

import secrets
from dataclasses import dataclass, field
from typing import Any

from local import browser_names
from local.stack import ThirdParties

SCOPES = ("openid", "contacts.read")
"""What a server asks for; the app may ask for more."""
WITHOUT_SECRET = ("none", "private_key_jwt")
"""The token request styles that send no secret."""
_REGISTERED = (*SCOPES, "email", "contacts.write")


@dataclass(frozen=True, slots=True)
class App:
    """One OAuth client at the service, through the service's control interface."""

    service: ThirdParties
    client_id: str = field(default_factory=lambda: f"app-{secrets.token_hex(6)}")
    client_secret: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    name: str = ""
    """What the service calls it on its consent page; the id, where it is empty."""

    def register(
        self, redirect_uri: str, style: str = "form_post", jwks_uri: str | None = None
    ) -> None:
        """Register the app, or change how it is registered; one that signs has a ``jwks_uri``."""
        secret = None if style in WITHOUT_SECRET else self.client_secret
        registration = {
            "client_id": self.client_id,
            "client_secret": secret,
            "redirect_uris": [redirect_uri],
            "style": style,
            "scopes": list(_REGISTERED),
            "name": self.name,
            "jwks_uri": jwks_uri,
        }
        self.control("POST", "/clients", json=registration)

    def forget(self) -> None:
        """Remove the app with its grants."""
        self.control("DELETE", f"/clients/{self.client_id}")

    def endpoints(self, token_origin: str | None = None) -> dict[str, str]:
        """Return the service's endpoints as a server's configuration names them."""
        issuer = self.service.authorization_server
        return {
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{token_origin or issuer}/token",
            "revocation_endpoint": f"{token_origin or issuer}/revoke",
            "userinfo_endpoint": f"{issuer}/userinfo",
            "issuer": issuer,
        }

    def switch(self, **switches: Any) -> None:
        """Make the service differ, for this app."""
        self.control("PATCH", f"/clients/{self.client_id}/switches", json=switches)

    def revoke(self, username: str) -> None:
        """Withdraw the app's access, as a person does on the service's own pages."""
        self._of_person("/grants/revoke", username)

    def expire(self, username: str) -> None:
        """Let a person's access tokens end now, which nobody is told."""
        self._of_person("/tokens/expire", username)

    def grants(self) -> list[dict[str, Any]]:
        """Return what was granted to the app; tokens as fingerprints."""
        found = self.control("GET", "/grants", params={"client_id": self.client_id})
        grants: list[dict[str, Any]] = found["grants"]
        return grants

    def requests(self, grant_type: str | None = None) -> list[dict[str, Any]]:
        """Return the log of token and revocation requests, or those of one grant type."""
        found = self.control("GET", "/token-requests", params={"client_id": self.client_id})
        entries: list[dict[str, Any]] = found["token_requests"]
        return [entry for entry in entries if grant_type in {None, entry["grant_type"]}]

    def exchanges(self) -> list[dict[str, Any]]:
        """Return the requests that redeemed a code."""
        return self.requests("authorization_code")

    def refreshes(self) -> list[dict[str, Any]]:
        """Return the requests that spent a refresh token."""
        return self.requests("refresh_token")

    def revocations(self) -> list[dict[str, Any]]:
        """Return the requests at the revocation endpoint."""
        return [entry for entry in self.requests() if entry["endpoint"] == "revocation"]

    def control(self, method: str, path: str, **sent: Any) -> Any:
        """Call the control interface; return what it answers."""
        url = f"{self.service.authorization_server_control}/control{path}"
        with browser_names.client() as http:
            answer = http.request(method, url, **sent).raise_for_status()
        return answer.json() if answer.content else None

    def _of_person(self, path: str, username: str) -> None:
        self.control("POST", path, json={"client_id": self.client_id, "username": username})
