"""Discover a server for its builder."""

from dataclasses import dataclass

from broker.errors import ServerNotFound
from broker.model import Discovered, Invocation
from broker.proposals import Proposals
from broker.storage.servers import ServerStore


@dataclass(frozen=True, slots=True)
class Discovery:
    """``POST /v1/discover``."""

    servers: ServerStore
    proposals: Proposals

    def discover(
        self, mcp_url: str | None, server_id: str | None, invocation: Invocation
    ) -> Discovered:
        """Look at a URL, or at a registered server; raise InvalidServer, ServerNotFound."""
        if server_id is None:
            return self.proposals.by_url(mcp_url or "", invocation)
        return self.of_server(server_id, invocation)

    def of_server(self, server_id: str, invocation: Invocation) -> Discovered:
        """Say how a registered server could be completed; raise ServerNotFound."""
        server = self.servers.get(server_id)
        if server is None:
            raise ServerNotFound
        return self.proposals.of(server, invocation)
