"""``POST /v1/servers/{server_id}/check``: what can be known without a browser."""

from dataclasses import dataclass

from broker.clock import Clock
from broker.errors import ServerNotFound
from broker.model import (
    AuthType,
    Checked,
    CheckOutcome,
    CheckReport,
    Invocation,
    Server,
    unconnected,
)
from broker.outbound import watching
from broker.storage.servers import ServerStore
from broker.templates import gaps

from .bench import Bench
from .endpoints import Endpoints
from .mcp_server import McpServer
from .metadata import Metadata

_NAMED = {
    "mcp_url": "mcp_server",
    "token_endpoint": "token_endpoint",
    "userinfo_endpoint": "userinfo_endpoint",
    "revocation_endpoint": "revocation_endpoint",
}


@dataclass(frozen=True, slots=True)
class Check:
    """Looks at everything that a server's configuration names."""

    clock: Clock
    servers: ServerStore
    endpoints: Endpoints
    metadata: Metadata
    mcp_server: McpServer

    def check(self, server_id: str, invocation: Invocation) -> CheckReport:
        """Look at a server; raise ServerNotFound.

        No check is begun after a dozen requests or 24 seconds; the search for a token request style
        may send ten more. Nothing is spent: codes and secrets are invented, but for the client's
        own, which goes to the endpoints that take it alone.
        """
        server = self.servers.get(server_id)
        if server is None:
            raise ServerNotFound
        with watching() as sent:
            bench = Bench(self.clock, unconnected(server), invocation, sent)
            bench.checks.append(_configured(server))
            _note_gaps(bench, server)
            challenge = None if gaps(bench.server.mcp_url) else self.mcp_server.look(bench)
            if server.auth_type is AuthType.CONSUMER_OAUTH:
                tried = self.endpoints.look(bench)
                self.metadata.look(bench, challenge)
                if tried is not None:
                    self.endpoints.judge(bench, tried)
        return CheckReport(server_id, bench.checks, len(sent))


def _note_gaps(bench: Bench, configured: Server) -> None:
    """Name what only a connection knows the address of."""
    names = [name for name in _NAMED if gaps(getattr(configured, name))]
    for name in names:
        if gaps(getattr(bench.server, name)) or getattr(bench.server, name) is None:
            seen = "A connection fills the gaps of its URL: start a test."
            bench.unknown(_NAMED[name], seen)


def _configured(server: Server) -> Checked:
    if server.is_bare:
        seen = "All about OAuth is left to discovery, which the first use does."
        return Checked("configuration", CheckOutcome.UNKNOWN, seen)
    if server.missing:
        seen = f"Missing: {', '.join(server.missing)}."
        return Checked("configuration", CheckOutcome.FAILED, seen)
    return Checked("configuration", CheckOutcome.OK, "Nothing is missing.")
