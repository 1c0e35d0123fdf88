"""What a builder does before anybody chats: registers a server, and itself at the service."""

import secrets
from dataclasses import dataclass, field
from typing import Any

from local import browser_names
from local.deployment import Deployment
from local.stack import LocalStack

SCOPES = ["openid", "email", "contacts.read", "contacts.write"]


@dataclass
class Service:
    """A registered server, and the client that the broker is at the service behind it."""

    stack: LocalStack
    deployment: Deployment
    name: str = "Harbor CRM"
    server_id: str = field(default_factory=lambda: f"harbor-{secrets.token_hex(4)}")

    def __post_init__(self) -> None:
        redirect_uri = self._put({})["redirect_uri"]
        self._control(
            "POST",
            "/clients",
            json={
                "client_id": self.server_id,
                "client_secret": "a secret",
                "redirect_uris": [redirect_uri],
                "style": "form_post",
                "scopes": SCOPES,
                "name": "Lighthouse Chat",
            },
        )
        issuer = self.stack.services.authorization_server
        registered = self._put(
            {
                "client_id": self.server_id,
                "client_secret": "a secret",
                "issuer": issuer,
                "authorization_endpoint": f"{issuer}/authorize",
                "token_endpoint": f"{issuer}/token",
                "revocation_endpoint": f"{issuer}/revoke",
                "scopes": ["openid", "email", "contacts.read"],
            }
        )
        assert registered["missing"] == []

    def switch(self, **switches: Any) -> None:
        """Let the service differ from what the RFCs say."""
        self._control("PATCH", f"/clients/{self.server_id}/switches", json=switches)

    def withdraw(self, username: str) -> None:
        """Let a person withdraw the access in their settings at the service."""
        owner = {"client_id": self.server_id, "username": username}
        self._control("POST", "/grants/revoke", json=owner)

    def token_requests(self) -> list[dict[str, Any]]:
        """Return what reached the service's token and revocation endpoints."""
        found = self._control("GET", "/token-requests", params={"client_id": self.server_id})
        requests: list[dict[str, Any]] = found["token_requests"]
        return requests

    def connected(self, user_id: str) -> bool:
        """Ask the broker whether a user is connected."""
        with self.deployment.api() as api:
            path = f"/v1/connections/{self.server_id}"
            return api.get(path, params={"user_id": user_id}).is_success

    def disconnect_all(self) -> None:
        """End what the chat's users have connected, so that the next test's list is empty."""
        with self.deployment.api("builder") as builder:
            path = f"/v1/servers/{self.server_id}/connections"
            listed = builder.get(path).raise_for_status().json()["connections"]
        with self.deployment.api() as api:
            for each in listed:
                path = f"/v1/connections/{self.server_id}"
                api.delete(path, params={"user_id": each["user_id"]}).raise_for_status()

    def connect_link(self, user_id: str, **more: str) -> dict[str, Any]:
        """Make a connect link as the chat's backend."""
        with self.deployment.api() as api:
            path = f"/v1/connections/{self.server_id}/connect"
            answer = api.post(path, json={"user_id": user_id, **more})
        link: dict[str, Any] = answer.raise_for_status().json()
        return link

    def _put(self, settings: dict[str, Any]) -> dict[str, Any]:
        mcp_url = f"{self.stack.services.mcp_server}/{self.server_id}/mcp"
        about = {"name": self.name, "mcp_url": mcp_url, "auth_type": "consumer_oauth"}
        with self.deployment.api("builder") as api:
            answer = api.put(f"/v1/servers/{self.server_id}", json=about | settings)
        registered: dict[str, Any] = answer.raise_for_status().json()
        return registered

    def _control(self, method: str, path: str, **sent: Any) -> Any:
        url = f"{self.stack.services.authorization_server_control}/control{path}"
        with browser_names.client() as client:
            return client.request(method, url, **sent).raise_for_status().json()
