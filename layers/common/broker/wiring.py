"""The composition root: builds each flow on first use, from the environment.

What a flow needs is imported when it is built: a function does not pay for the others' imports.
"""

import functools
import os
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from broker.clock import Clock
from broker.settings import Settings
from broker.storage.connections import ConnectionStore
from broker.storage.pending import PendingStore
from broker.storage.server_state import ServerStateStore
from broker.storage.servers import ServerStore
from broker.storage.table import Table
from broker.storage.test_runs import TestStore
from broker.storage.tools import ToolStore
from broker.vault import Vault

if TYPE_CHECKING:
    from broker.calls import Caller
    from broker.completion import Completions
    from broker.connect import Connector
    from broker.events import EventBus
    from broker.flows.authorize import Authorize
    from broker.flows.callback import Callback
    from broker.flows.connections import Connections
    from broker.flows.mcp_invoke import McpInvoke
    from broker.flows.probe import Probe
    from broker.flows.refresh_scheduler import RefreshScheduler
    from broker.flows.refresh_worker import RefreshWorker
    from broker.flows.servers import Servers
    from broker.grants import Grants
    from broker.oauth import Revoker, TokenEndpoint
    from broker.outbound import Outbound
    from broker.queues import Queues
    from broker.removal import Remover
    from broker.tokens import Refresher, Tokens, TokenSealer
    from broker.tokens.timing import RefreshPolicy

_AWS = Config(
    connect_timeout=1,
    read_timeout=3,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=10,
)


@functools.cache
def wiring() -> "Wiring":
    """Return this container's objects; raise ConfigurationError naming the variables at fault."""
    return Wiring(Settings.read(os.environ), Clock())


class Wiring:
    """Every collaborator, built once and only when asked for."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock

    # ---------------------------------------------------------------------------- flows

    @cached_property
    def authorize(self) -> "Authorize":
        """The authorize function's flow."""
        from broker.flows.authorize import Authorize

        return Authorize(self.clock, self.settings, self._servers, self._pending, self._vault)

    @cached_property
    def callback(self) -> "Callback":
        """The callback function's flow."""
        from broker.flows.callback import Callback

        return Callback(
            self.clock,
            self.settings,
            self._servers,
            self._pending,
            self._tests,
            self._completions,
            self._grants,
        )

    @cached_property
    def mcp_invoke(self) -> "McpInvoke":
        """The mcp_invoke function's flow."""
        from broker.flows.mcp_invoke import McpInvoke

        return McpInvoke(
            self.clock,
            self._servers,
            self._server_states,
            self._connections,
            self._tools,
            self._connector,
            self._caller,
        )

    @cached_property
    def connections(self) -> "Connections":
        """The connections function's flow."""
        from broker.flows.connections import Connections

        return Connections(
            self.clock,
            self._servers,
            self._server_states,
            self._connections,
            self._connector,
            self._completions,
            self._grants,
            self._remover,
        )

    @cached_property
    def servers(self) -> "Servers":
        """The servers function's flow."""
        from broker.flows.servers import Servers

        return Servers(
            self.clock,
            self._servers,
            self._server_states,
            self._connections,
            self._tools,
            self._vault,
            self._outbound,
        )

    @cached_property
    def probe(self) -> "Probe":
        """The probe function's flow."""
        from broker.flows.probe import Probe
        from broker.flows.probe.steps import Steps

        steps = Steps(
            self.clock,
            self._vault,
            self._outbound,
            self._grants,
            self._endpoint,
            self._revoker,
            self._caller,
            self._tools,
        )
        return Probe(
            self.clock, self._servers, self._tests, self._connector, self._completions, steps
        )

    @cached_property
    def refresh_scheduler(self) -> "RefreshScheduler":
        """The refresh_scheduler function's flow."""
        from broker.flows.refresh_scheduler import RefreshScheduler

        return RefreshScheduler(self.clock, self._connections, self._queues)

    @cached_property
    def refresh_worker(self) -> "RefreshWorker":
        """The refresh_worker function's flow."""
        from broker.flows.refresh_worker import RefreshWorker
        from broker.tokens import Rescuer

        rescuer = Rescuer(
            self.clock, self._connections, self._sealer, self._vault, self._revoker, self._policy
        )
        return RefreshWorker(
            self._servers, self._connections, self._token_source, self._remover, rescuer
        )

    # -------------------------------------------------------------------- what they share

    @cached_property
    def _connector(self) -> "Connector":
        from broker.connect import Connector

        return Connector(self._pending, self.settings, self.clock)

    @cached_property
    def _completions(self) -> "Completions":
        from broker.completion import Completions

        return Completions(self._pending, self._vault, self.clock)

    @cached_property
    def _grants(self) -> "Grants":
        from broker.grants import Grants
        from broker.oauth import AccountFinder

        return Grants(
            self.clock,
            self._vault,
            self._sealer,
            self._connections,
            self._endpoint,
            AccountFinder(self._outbound, self.clock),
            self._events,
            self._policy,
        )

    @cached_property
    def _caller(self) -> "Caller":
        from broker.calls import Caller
        from broker.mcp import McpClient

        return Caller(
            self.clock,
            McpClient(self._outbound, self.clock),
            self._token_source,
            self._refresher,
            self._sealer,
            self._vault,
            self._connections,
            self._server_states,
        )

    @cached_property
    def _remover(self) -> "Remover":
        from broker.removal import Remover

        return Remover(
            self.clock,
            self._connections,
            self._tools,
            self._sealer,
            self._vault,
            self._revoker,
            self._events,
        )

    @cached_property
    def _token_source(self) -> "Tokens":
        from broker.tokens import Tokens

        return Tokens(
            self.clock,
            self._connections,
            self._server_states,
            self._sealer,
            self._refresher,
            self._policy,
        )

    @cached_property
    def _refresher(self) -> "Refresher":
        from broker.tokens import Refresher

        return Refresher(
            self.clock,
            self._connections,
            self._server_states,
            self._sealer,
            self._vault,
            self._endpoint,
            self._revoker,
            self._queues,
            self._events,
            self._policy,
        )

    @cached_property
    def _sealer(self) -> "TokenSealer":
        from broker.tokens import TokenSealer

        return TokenSealer(self._vault)

    @cached_property
    def _policy(self) -> "RefreshPolicy":
        from broker.tokens.timing import RefreshPolicy

        return RefreshPolicy(
            timedelta(seconds=self.settings.refresh_buffer_seconds),
            timedelta(hours=self.settings.keep_warm_hours),
        )

    @cached_property
    def _endpoint(self) -> "TokenEndpoint":
        from broker.oauth import TokenEndpoint

        return TokenEndpoint(self._outbound, self.clock)

    @cached_property
    def _revoker(self) -> "Revoker":
        from broker.oauth import Revoker

        return Revoker(self._outbound, self.clock)

    # ------------------------------------------------------------------------- the edges

    @cached_property
    def _outbound(self) -> "Outbound":
        from broker.outbound import Outbound, guarded_transport

        origins = self.settings.broker_local_origins
        return Outbound(self.clock, guarded_transport(self.clock, origins), origins)

    @cached_property
    def _events(self) -> "EventBus":
        from broker.events import EventBus

        return EventBus(self._client("events"), self.settings.event_bus_name)

    @cached_property
    def _queues(self) -> "Queues":
        from broker.queues import Queues

        return Queues(
            self._client("sqs"), self.settings.due_queue_url, self.settings.rescue_queue_url
        )

    @cached_property
    def _vault(self) -> Vault:
        return Vault(self._client("kms"), self.settings.kms_key_id, self.clock)

    @cached_property
    def _servers(self) -> ServerStore:
        return ServerStore(self._table(self.settings.servers_table))

    @cached_property
    def _server_states(self) -> ServerStateStore:
        return ServerStateStore(self._table(self.settings.server_state_table))

    @cached_property
    def _connections(self) -> ConnectionStore:
        return ConnectionStore(self._table(self.settings.connections_table))

    @cached_property
    def _pending(self) -> PendingStore:
        return PendingStore(self._table(self.settings.pending_table))

    @cached_property
    def _tests(self) -> TestStore:
        return TestStore(self._table(self.settings.pending_table))

    @cached_property
    def _tools(self) -> ToolStore:
        return ToolStore(self._table(self.settings.tools_table))

    def _table(self, name: str) -> Table:
        return Table(self._dynamodb, name, self.clock)

    @cached_property
    def _dynamodb(self) -> Any:
        return self._client("dynamodb")

    def _client(self, service: Any) -> Any:
        return boto3.client(service, config=_AWS)
