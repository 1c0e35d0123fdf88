"""What stands in for the cloud and the services, below the code that is being searched through."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, override
from urllib.parse import parse_qsl, urlsplit

import httpx
from boto3.dynamodb.conditions import ConditionBase

from broker.errors import AnswerTimeout, NotSent, SealBroken, TemporarilyUnavailable
from broker.events import EventBus, EventType
from broker.flows.refresh_worker import RefreshWorker
from broker.model import (
    AuthType,
    Connection,
    RevocationScope,
    Sealed,
    Secret,
    Server,
    Ticket,
    TokenRequestStyle,
)
from broker.outbound import Answer, Outbound
from broker.queues import Queues, RescueMessage
from broker.settings import Settings
from broker.storage.found import FoundStore
from broker.storage.pending import PendingStore
from broker.storage.servers import ServerStore
from broker.storage.table import ConditionFailed, Item, Table, TableTime
from broker.storage.tools import ToolStore
from broker.storage.versions import Shape
from broker.vault import Context, DataKey, Place, Vault
from broker.wiring import Parts, Wiring
from tests.model.rows import Delete, Put, Request, Update, Written
from tests.model.told import (
    EPOCH,
    Enqueue,
    OpenKey,
    Reply,
    Send,
    Silence,
    Told,
    ToldClock,
    Write,
)

CONNECTIONS = "connections"
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


def server(scope: RevocationScope, grace: int | None) -> Server:
    """Return the one server of the model, with a public client."""
    return Server(
        "crm",
        "CRM",
        mcp_url="https://mcp.example.com/mcp",
        auth_type=AuthType.CONSUMER_OAUTH,
        client_id="client-1",
        authorization_endpoint="https://login.example.com/authorize",
        token_endpoint="https://login.example.com/token",
        revocation_endpoint="https://login.example.com/revoke",
        token_request_style=TokenRequestStyle.NONE,
        revocation_scope=scope,
        reuse_grace_seconds=grace,
    )


@dataclass(frozen=True, slots=True)
class ModelTable(Table):
    """A table whose requests are questions."""

    told: Told

    @override
    def get(self, key: Item) -> tuple[Item | None, TableTime]:
        answer = self._answered(self.told.read(self.name, _named(key)))
        time = TableTime(self.clock, float(EPOCH + self.told.time), self.clock.monotonic())
        return (answer.told.item if answer.told else None), time

    @override
    def put(self, item: Item, condition: ConditionBase | None = None) -> Item | None:
        key = {name: item[name] for name in _KEYS[self.name]}
        versioned = {**item, "v": self.shape.version}
        return self._write(key, Put(versioned, _both(condition, self.shape.not_newer())))

    @override
    def update(
        self,
        key: Item,
        *,
        condition: ConditionBase | None,
        assign: Mapping[str, object] | None = None,
        remove: tuple[str, ...] = (),
        increment: tuple[str, ...] = (),
        include: Mapping[str, str] | None = None,
        answered: bool = True,
    ) -> Item:
        values = {**dict.fromkeys(remove), **(assign or {}), "v": self.shape.version}
        both = _both(condition, self.shape.as_now(key))
        written = self._write(key, Update(key, both, values, increment, include))
        return written if written and answered else {}

    @override
    def delete(self, key: Item, condition: ConditionBase | None = None) -> None:
        self._write(key, Delete(_both(condition, self.shape.not_newer())))

    @override
    def query(self, *args: Any, **named: Any) -> tuple[list[Item], Item | None]:
        raise NotImplementedError("no actor of the model queries")

    def _write(self, key: Item, request: Request) -> Item | None:
        answer = self._answered(self.told.ask(Write(self.name, _named(key), request)))
        if not answer.done:
            raise ConditionFailed(answer.told.item if answer.told else None)
        return answer.told.item if answer.told else None

    def _answered(self, answer: object) -> Written:
        if isinstance(answer, Written):
            return answer
        raise TemporarilyUnavailable("The store is not available just now.", retry_after=5)


_KEYS = {CONNECTIONS: ("user_id", "server_id"), "server_state": ("server_id",)}


def _named(key: Item) -> tuple[str, ...]:
    return tuple(str(value) for value in key.values())


def _both(asked: ConditionBase | None, own: ConditionBase) -> ConditionBase:
    return asked & own if asked else own


@dataclass(frozen=True, slots=True)
class ClearKey(DataKey):
    """A data key that hides nothing, and still binds what it seals to its place."""

    told: Told

    @override
    def seal(self, place: Place, secret: Secret) -> Sealed:
        text = place.associated_data() + b"|" + secret.reveal().encode()
        return Sealed(self.wrapped, self.told.nonce(), text)

    @override
    def open(self, place: Place, sealed: Sealed) -> Secret:
        bound, _, token = sealed.ciphertext.partition(b"|")
        if bound != place.associated_data():
            raise SealBroken
        return Secret(token.decode())


class ModelVault(Vault):
    """A key service; opening a key may fail where the search looks at that."""

    def __init__(self, told: Told) -> None:
        self._told = told

    @override
    def new_key(self, context: Context) -> DataKey:
        return self.open_key(context, Place(context).associated_data())

    @override
    def open_key(self, context: Context, wrapped: bytes) -> DataKey:
        if wrapped != Place(context).associated_data():
            raise SealBroken
        if self._told.asks_for_keys and self._told.ask(OpenKey()) is Silence.AWAY:
            raise TemporarilyUnavailable("The key service is not available.", retry_after=5)
        return ClearKey(wrapped, b"", self._told)


class ModelOutbound(Outbound):
    """The door out: it leads to the authorization server of the model."""

    def __init__(self, told: Told) -> None:
        self._told = told

    @override
    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes | None = None,
        deadline: float,
        cap: int,
        fresh: bool = False,
    ) -> Answer:
        form = dict(parse_qsl((content or b"").decode()))
        answer = self._told.ask(Send(urlsplit(url).path, form, deadline))
        if isinstance(answer, Reply):
            json_type = httpx.Headers({"content-type": "application/json"})
            return Answer(answer.status, json_type, answer.body.encode(), 0.0)
        if answer is Silence.NOT_SENT:
            raise NotSent("The service cannot be reached.")
        raise AnswerTimeout("The service did not answer in time.")


@dataclass(frozen=True, slots=True)
class ModelQueues(Queues):
    """The rescue queue; nothing puts on the due queue but the scheduler, which is not here."""

    told: Told

    @override
    def send_rescue(self, message: RescueMessage) -> None:
        if self.told.ask(Enqueue(message)) is Silence.AWAY:
            raise TemporarilyUnavailable("The queue is not available just now.", retry_after=5)


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


class _NobodyErased(PendingStore):
    @override
    def erased_since(self, ticket: Ticket) -> bool:
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
        return _OneServer(_NOTHING, FoundStore(_NOTHING), self.server)

    @cached_property
    def pending(self) -> PendingStore:
        return _NobodyErased(_NOTHING)

    def table(self, name: str, shape: Shape) -> Table:
        return ModelTable(_NOTHING, name, self.clock, shape, self.told)


_NOTHING: Any = None
