"""Where the broker meets the world: AWS clients, stores, queues, keys and the door out."""

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
from broker.storage.styles import StyleStore
from broker.storage.table import Table
from broker.storage.tools import ToolStore
from broker.vault import Vault

if TYPE_CHECKING:
    from broker.credentials import SigningKey
    from broker.events import EventBus
    from broker.outbound import Outbound
    from broker.queues import Queues

# Two tries of a second to connect and one and a half to answer, and a pause of up to a second
# between them: storage.table.PATIENCE. What
# is refreshed must be stored or rescued before the invocation ends, also while a table hangs.
_AWS = Config(
    connect_timeout=1,
    read_timeout=1.5,
    retries={"mode": "standard", "total_max_attempts": 2},
    max_pool_connections=10,
)


class Edges:
    """Each built once and only when asked for."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock

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
    def signing_key(self) -> "SigningKey | None":
        """The key of assertions, if the stack has one."""
        from broker.credentials import SigningKey

        arn = self.settings.signing_key_id
        return SigningKey(self._client("kms"), arn, self.clock) if arn else None

    @cached_property
    def servers(self) -> ServerStore:
        """The registry."""
        table = self.table(self.settings.servers_table, versions.SERVERS)
        return ServerStore(table, self.found, self.styles)

    @cached_property
    def found(self) -> FoundStore:
        """What discovery found for servers with nothing but a URL."""
        return FoundStore(self.table(self.settings.server_state_table, versions.SERVER_STATE))

    @cached_property
    def styles(self) -> StyleStore:
        """Which token request styles services were found to take."""
        return StyleStore(self.table(self.settings.server_state_table, versions.SERVER_STATE))

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
