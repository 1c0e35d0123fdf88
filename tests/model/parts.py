"""The product, wired as it is, upon the stand-ins."""

import json
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, override

from broker.events import EventBus, EventType
from broker.flows.refresh_worker import RefreshWorker
from broker.model import Connection, Server, Ticket
from broker.outbound import Outbound
from broker.queues import Queues
from broker.settings import Settings
from broker.storage.found import FoundStore
from broker.storage.pending import PendingStore
from broker.storage.servers import ServerStore
from broker.storage.table import Table
from broker.storage.tools import ToolStore
from broker.storage.versions import Shape
from broker.vault import Vault
from broker.wiring import Parts, Wiring
from tests.model.stand_ins import CONNECTIONS, ModelOutbound, ModelQueues, ModelTable, ModelVault
from tests.model.told import Told, ToldClock

SETTINGS = Settings.read(
    {
        "SERVERS_TABLE": "servers",
        "SERVER_STATE_TABLE": "server_state",
        "CONNECTIONS_TABLE": CONNECTIONS,
        "PENDING_TABLE": "pending",
        "TOOLS_TABLE": "tools",
        "SESSIONS_TABLE": "sessions",
        "KMS_KEY_ID": "key-1",
        "DUE_QUEUE_URL": "https://sqs.example.com/due",
        "RESCUE_QUEUE_URL": "https://sqs.example.com/rescue",
        "EVENT_BUS_NAME": "bus",
        "POWERTOOLS_SERVICE_NAME": "broker",
        "POWERTOOLS_METRICS_NAMESPACE": "broker",
    }
)
_NOTHING: Any = None


class _NoBus(EventBus):
    @override
    def publish(
        self, event: EventType, connection: Connection, reason: str | None = None, **more: bool
    ) -> None:
        json.dumps([event, reason, more])


class _NoTools(ToolStore):
    @override
    def forget(self, server_id: str, user_id: str | None) -> None:
        return


@dataclass(frozen=True, slots=True)
class _OneServer(ServerStore):
    server: Server

    @override
    def get(self, server_id: str) -> Server | None:
        return self.server


class _NothingPending(PendingStore):
    """Nobody is erased, and no write is repeated so late that an ended grant comes back."""

    @override
    def erased_since(self, ticket: Ticket) -> bool:
        return False

    @override
    def end_grant(self, grant_id: str, now: datetime) -> None:
        return

    @override
    def is_ended(self, grant_id: str) -> bool:
        return False


class ModelParts(Parts):
    """The product, wired as it is, upon what stands in for the rest of the world."""

    def __init__(self, told: Told, wrong_by: int, server: Server) -> None:
        super().__init__(SETTINGS, ToldClock(told, wrong_by))
        self.told = told
        self.server = server

    @cached_property
    def worker(self) -> RefreshWorker:
        return Wiring(self).refresh_worker

    @cached_property
    def outbound(self) -> Outbound:
        return ModelOutbound(self.told)

    @cached_property
    def vault(self) -> Vault:
        return ModelVault(self.told)

    @cached_property
    def queues(self) -> Queues:
        return ModelQueues(_NOTHING, "", "", self.told)

    @cached_property
    def events(self) -> EventBus:
        return _NoBus(_NOTHING, "")

    @cached_property
    def tools(self) -> ToolStore:
        return _NoTools(_NOTHING)

    @cached_property
    def servers(self) -> ServerStore:
        return _OneServer(_NOTHING, FoundStore(_NOTHING), self.styles, self.server)

    @cached_property
    def pending(self) -> PendingStore:
        return _NothingPending(_NOTHING)

    def table(self, name: str, shape: Shape) -> Table:
        return ModelTable(_NOTHING, name, self.clock, shape, self.told)
