"""Checks of the MCP server: whether it asks for a token, and how it is spoken to."""

from dataclasses import dataclass, replace

from broker.calls import Caller
from broker.errors import BrokerError
from broker.flows.probe.sightings import of_mcp_failure
from broker.mcp import Challenge, InsufficientScope, McpClient, Target, ToolList, Unauthorized
from broker.model import AuthType, defaults, mcp_headers

from .bench import Bench

SERVER, ERA = "mcp_server", "mcp_era"
_KEPT_BACK = 1.0
"""Seconds that a call leaves to the rest of its invocation."""


@dataclass(frozen=True, slots=True)
class McpServer:
    """Lists tools: as nobody where users connect, else with what its builder set."""

    client: McpClient
    caller: Caller

    def look(self, bench: Bench) -> Challenge | None:
        """Check it; return the challenge of its 401, if that is what it answers."""
        if bench.server.auth_type is AuthType.CONSUMER_OAUTH:
            return self._as_a_stranger(bench)
        soon = replace(bench.invocation, deadline=bench.deadline + _KEPT_BACK)
        try:
            listed = self.caller.list_tools(bench.server, "", soon)
        except BrokerError as exc:
            bench.diagnosed(SERVER, of_mcp_failure(exc))
            return None
        if isinstance(listed, ToolList):
            bench.ok(SERVER, f"It lists {len(listed.tools)} tools.")
            bench.ok(ERA, f"It speaks {listed.learned.era.value}.")
        return None

    def _as_a_stranger(self, bench: Bench) -> Challenge | None:
        target = Target(bench.server.mcp_url, mcp_headers(bench.server, defaults(bench.server)))
        try:
            listed = self.client.list_tools(target, deadline=bench.deadline)
        except (Unauthorized, InsufficientScope) as exc:
            self._protected(bench, exc.challenge)
            return exc.challenge
        except BrokerError as exc:
            bench.diagnosed(SERVER, of_mcp_failure(exc))
            return None
        seen = f"It lists {len(listed.tools)} tools to anybody: nobody would have to connect."
        bench.warning(SERVER, seen)
        bench.ok(ERA, f"It speaks {listed.learned.era.value}.")
        return None

    def _protected(self, bench: Bench, challenge: Challenge) -> None:
        named = "names" if challenge.resource_metadata else "does not name"
        bench.ok(SERVER, f"It asks a stranger for a token, and {named} its metadata.")
        spoken = self.caller.learner.spoken(bench.server)
        if spoken is not None:
            bench.ok(ERA, f"It spoke {spoken.era.value} when it was called last.")
        else:
            bench.unknown(ERA, "It is known when a token is accepted: run the test.")
