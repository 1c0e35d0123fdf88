"""A builder who registers a server by its URL and lets it be discovered."""

import json
from typing import Any

from broker.inbound.discoveries import discovered
from broker.inbound.registry_requests import PutServerRequest
from broker.model import Discovered, Precondition, Server
from tests.fakes.strangers import (
    MCP_URL,
    REGISTRATION,
    Strangers,
)
from tests.integration.cloud import Container
from tests.integration.conftest import BASE_URL, World

REDIRECT_URI = f"{BASE_URL}/callback/harbor"
DOCUMENT = f"{BASE_URL}/oauth/client-metadata/harbor.json"
URL_ALONE = {"name": "Harbor", "mcp_url": MCP_URL, "auth_type": "consumer_oauth"}
REGISTERED = {
    "client_id": "registered-1",
    "client_secret": "canary-registered-secret",
    "client_secret_expires_at": 0,
    "token_endpoint_auth_method": "client_secret_post",
    "registration_access_token": "canary-registration-token",
    "redirect_uris": [REDIRECT_URI],
}


class Builder:
    """A builder, the registry, and the strangers behind a URL."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.strangers = Strangers(clock=world.core.clock)  # type: ignore[arg-type] # a FakeClock
        self.strangers.says(REGISTRATION, REGISTERED, 201)
        settings = world.cloud.settings()
        self.core = Container(world.cloud, self.strangers.transport(), settings, world.core.clock)

    def puts(self, server_id: str = "harbor", **body: Any) -> Server:
        request = PutServerRequest.model_validate({"server_id": server_id, **body})
        flow = self.core.flows.servers
        return flow.put(request.server_id, request.draft, Precondition()).server

    def discovers(self, server_id: str = "harbor") -> Discovered:
        return self.core.flows.discovery.of_server(server_id, self.world.run())

    def puts_what_is_found(self, found: Discovered, **changes: Any) -> Server:
        body: Any = discovered(found, BASE_URL)["server"]
        return self.puts(**(json.loads(json.dumps(body)) | changes))

    def secret(self, server: Server) -> str | None:
        opened = self.core.vault.client_secret_of(server)
        return opened.reveal() if opened else None

    def registrations(self) -> list[dict[str, Any]]:
        asked = [r for r in self.strangers.requests if str(r.url) == REGISTRATION]
        return [json.loads(request.content) for request in asked]
