"""What flows are made of: stores, vault, clients, and the rules between them."""

from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from broker.clock import Clock
from broker.settings import Settings
from broker.storage import versions
from broker.storage.connections import ConnectionStore
from broker.storage.found import FoundStore
from broker.storage.pending import PendingStore
from broker.storage.probes import TestStore
from broker.storage.schedule import Schedule
from broker.storage.server_state import ServerStateStore
from broker.storage.servers import ServerStore
from broker.storage.table import Table
from broker.storage.tools import ToolStore
from broker.vault import Vault

if TYPE_CHECKING:
    from broker.calls import Caller
    from broker.completion import Completions
    from broker.connect import Connector
    from broker.events import EventBus
    from broker.grants import Grants
    from broker.oauth import Revoker, TokenEndpoint
    from broker.outbound import Outbound
    from broker.queues import Queues
    from broker.removal import Remover
    from broker.tokens import Refresher, Tokens, TokenSealer, Verdicts
    from broker.tokens.gate import Gate
    from broker.tokens.pace import Pace
    from broker.tokens.timing import RefreshPolicy

# Two tries of a second to connect and one and a half to answer, and a pause of up to a second
# between them: storage.table.PATIENCE. What
# is refreshed must be stored or rescued before the invocation ends, also while a table hangs.
_AWS = Config(
    connect_timeout=1,
    read_timeout=1.5,
    retries={"mode": "standard", "total_max_attempts": 2},
    max_pool_connections=10,
)


class Parts:
    """Every collaborator, built once and only when asked for."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock

    @cached_property
    def connector(self) -> "Connector":
        """Makes connect links."""
        from broker.connect import Connector

        return Connector(self.pending, self.settings, self.clock)

    @cached_property
    def completions(self) -> "Completions":
        """Issues and takes completion codes."""
        from broker.completion import Completions

        return Completions(self.pending, self.vault, self.clock)

    @cached_property
    def grants(self) -> "Grants":
        """Redeems authorization codes."""
        from broker.grants import Grants
        from broker.oauth import AccountFinder

        return Grants(
            self.clock,
            self.vault,
            self.sealer,
            self.connections,
            self.servers,
            self.pending,
            self.endpoint,
            AccountFinder(self.outbound, self.clock),
            self.revoker,
            self.events,
            self.policy,
        )

    @cached_property
    def caller(self) -> "Caller":
        """Calls MCP servers."""
        from broker.calls import AsUser, Caller, Learner
        from broker.mcp import McpClient

        learner = Learner(self.clock, self.sealer, self.connections, self.server_states, self.tools)
        as_user = AsUser(
            self.clock,
            self.tokens,
            self.verdicts,
            self.sealer,
            self.vault,
            self.server_states,
            learner,
        )
        return Caller(self.clock, McpClient(self.outbound, self.clock), as_user, learner)

    @cached_property
    def remover(self) -> "Remover":
        """Disconnects users."""
        from broker.removal import Remover

        return Remover(
            self.clock,
            self.connections,
            self.tools,
            self.sealer,
            self.vault,
            self.revoker,
            self.events,
        )

    @cached_property
    def tokens(self) -> "Tokens":
        """Access tokens for calls."""
        from broker.tokens import Tokens

        return Tokens(
            self.clock,
            self.connections,
            self.sealer,
            self.gate,
            self.refresher,
            self.verdicts,
            self.policy,
        )

    @cached_property
    def refresher(self) -> "Refresher":
        """Refreshes under a lease."""
        from broker.tokens import Refresher

        return Refresher(
            self.clock,
            self.connections,
            self.sealer,
            self.vault,
            self.endpoint,
            self.revoker,
            self.queues,
            self.verdicts,
            self.gate,
            self.policy,
        )

    @cached_property
    def gate(self) -> "Gate":
        """Lets refreshes through."""
        from broker.tokens.gate import Gate

        return Gate(self.clock, self.connections, self.server_states, self.pace)

    @cached_property
    def pace(self) -> "Pace":
        """Holds refreshes ahead of time back."""
        from broker.storage.authorization_servers import AuthorizationServerStore
        from broker.tokens.pace import Pace

        table = self.table(self.settings.server_state_table, versions.SERVER_STATE)
        return Pace(AuthorizationServerStore(table), self.settings.refreshes_per_second)

    @cached_property
    def verdicts(self) -> "Verdicts":
        """What failed refreshes mean."""
        from broker.tokens import Verdicts

        return Verdicts(
            self.clock,
            self.connections,
            self.server_states,
            self.pace,
            self.events,
            self.policy,
        )

    @cached_property
    def sealer(self) -> "TokenSealer":
        """Seals token sets."""
        from broker.tokens import TokenSealer

        return TokenSealer(self.vault)

    @cached_property
    def policy(self) -> "RefreshPolicy":
        """When to refresh."""
        from broker.tokens.timing import RefreshPolicy

        return RefreshPolicy(
            timedelta(seconds=self.settings.refresh_buffer_seconds),
            timedelta(hours=self.settings.keep_warm_hours),
        )

    @cached_property
    def endpoint(self) -> "TokenEndpoint":
        """Token endpoints."""
        from broker.oauth import TokenEndpoint

        return TokenEndpoint(self.outbound, self.clock)

    @cached_property
    def revoker(self) -> "Revoker":
        """Revocation endpoints."""
        from broker.oauth import Revoker

        return Revoker(self.outbound, self.clock)

    # ------------------------------------------------------------------------- the edges

    @cached_property
    def outbound(self) -> "Outbound":
        """The door out."""
        from broker.outbound import Outbound, guarded_transport

        origins = self.settings.broker_local_origins
        return Outbound(self.clock, guarded_transport(self.clock, origins), origins)

    @cached_property
    def events(self) -> "EventBus":
        """The event bus."""
        from broker.events import EventBus

        return EventBus(self._client("events"), self.settings.event_bus_name)

    @cached_property
    def queues(self) -> "Queues":
        """Both queues."""
        from broker.queues import Queues

        return Queues(
            self._client("sqs"), self.settings.due_queue_url, self.settings.rescue_queue_url
        )

    @cached_property
    def vault(self) -> Vault:
        """Seals and opens."""
        return Vault(self._client("kms"), self.settings.kms_key_id, self.clock)

    @cached_property
    def servers(self) -> ServerStore:
        """The registry."""
        return ServerStore(self.table(self.settings.servers_table, versions.SERVERS), self.found)

    @cached_property
    def found(self) -> FoundStore:
        """What discovery found for servers with nothing but a URL."""
        return FoundStore(self.table(self.settings.server_state_table, versions.SERVER_STATE))

    @cached_property
    def server_states(self) -> ServerStateStore:
        """What the runtime learned."""
        return ServerStateStore(self.table(self.settings.server_state_table, versions.SERVER_STATE))

    @cached_property
    def connections(self) -> ConnectionStore:
        """Connections."""
        return ConnectionStore(self.table(self.settings.connections_table, versions.CONNECTIONS))

    @cached_property
    def schedule(self) -> Schedule:
        """Which connections are due."""
        return Schedule(self.table(self.settings.connections_table, versions.CONNECTIONS))

    @cached_property
    def pending(self) -> PendingStore:
        """Flows under way."""
        return PendingStore(self.table(self.settings.pending_table, versions.PENDING))

    @cached_property
    def tests(self) -> TestStore:
        """Tests under way."""
        return TestStore(self.table(self.settings.pending_table, versions.PENDING))

    @cached_property
    def tools(self) -> ToolStore:
        """Tool lists."""
        return ToolStore(self.table(self.settings.tools_table, versions.TOOLS))

    def table(self, name: str, shape: versions.Shape) -> Table:
        """Return one of the stack's tables."""
        return Table(self._dynamodb, name, self.clock, shape)

    @cached_property
    def _dynamodb(self) -> Any:
        return self._client("dynamodb")

    def _client(self, service: Any) -> Any:
        return boto3.client(service, config=_AWS)
