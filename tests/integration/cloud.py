"""The AWS services on moto, as the template declares them, and what goes wrong with them.

moto's conditional writes are not atomic under threads, so everything here happens one after
another; what happens in between is put there by hooks of botocore.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import format_datetime
from functools import cached_property
from typing import Any

import httpx
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError
from moto.core.models import botocore_stubber

from broker.clock import Clock
from broker.outbound import Outbound
from broker.settings import Settings
from broker.wiring import Parts, Wiring
from tests.fakes.clock import Time
from tests.integration.kept_moto import forget_items
from tests.unit.transformed import chosen, functions, of_type, transformed

RETURN_URL = "https://chat.example.com/return"
_TABLE_PROPERTIES = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
_WRITES = frozenset({"BatchWriteItem", "PutItem", "SendMessage", "SendMessageBatch", "UpdateItem"})
type Action = Callable[[], None]


@dataclass(slots=True)
class _Fault:
    operation: str
    table: str
    act: Callable[[], Any]
    times: int | None
    saying: str = ""


@dataclass(slots=True)
class Cloud:
    """The AWS services as the template declares them, and what goes wrong with them."""

    clients: dict[str, Any]
    physical: dict[str, str]
    time: Time = field(default_factory=Time)
    faults: list[_Fault] = field(default_factory=list)
    afterwards: list[tuple[str, Action]] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    """Operations whose next request succeeds, but whose answer gets lost: the SDK repeats it."""
    meanwhile: list[Action] = field(default_factory=list)
    """What happens between such a request and its repetition."""
    sent: list[str] = field(default_factory=list)
    written: set[str] = field(default_factory=set)
    """Tables and queues that were written to: nothing else need be emptied."""
    unversioned: list[str] = field(default_factory=list)
    """Writes to a table that did not say their version; there must be none."""

    # ------------------------------------------------------------------- what goes wrong

    def unavailable(
        self,
        operation: str,
        *,
        table: str = "",
        times: int | None = None,
        takes: float = 0.0,
        saying: str = "",
    ) -> None:
        """Let an operation fail as when the endpoint is gone, ``takes`` seconds each time.

        ``saying`` picks the requests in whose body it stands.
        """

        def fail() -> None:
            self.time.passes(takes)
            raise EndpointConnectionError(endpoint_url="https://example.com")

        self.faults.append(_Fault(operation, table, fail, times, saying))

    def slow(self, operation: str, takes: float) -> None:
        """Let an operation take so many seconds."""
        self.faults.append(_Fault(operation, "", lambda: self.time.passes(takes), None))

    def refuses(self, operation: str, code: str, *, table: str = "") -> None:
        """Let an operation fail with an error of the service."""
        parsed = {"Error": {"Code": code, "Message": "by the test"}, "ResponseMetadata": {}}
        answer = AWSResponse("https://example.com", 400, {}, None)  # type: ignore[arg-type] # unread
        self.faults.append(_Fault(operation, table, lambda: (answer, parsed), None))

    def before(self, operation: str, action: Action, *, table: str = "") -> None:
        """Do something right before the next such operation, once."""
        self.faults.append(_Fault(operation, table, action, 1))

    def after(self, operation: str, action: Action) -> None:
        """Do something right after the next such operation, once."""
        self.afterwards.append((operation, action))

    def recovers(self) -> None:
        self.faults.clear()

    def on_call(self, model: Any, params: Any, **_: Any) -> Any:
        body = params.get("body") or b""
        said = json.loads(body) if body[:1] in (b"{", "{") else {}
        named = said.get("TableName", "")
        self.sent.append(model.name)
        if model.name in _WRITES:
            self.written |= set(said.get("RequestItems") or (named or said["QueueUrl"],))
        if model.name in ("PutItem", "UpdateItem") and not _says_its_version(said):
            self.unversioned.append(f"{model.name} {named}")
        for fault in list(self.faults):
            meant = fault.operation == model.name and fault.table in ("", named)
            if meant and fault.saying in str(body):
                if fault.times is not None:
                    fault.times -= 1
                    if not fault.times:
                        self.faults.remove(fault)
                outcome = fault.act()
                if outcome is not None:
                    return outcome
        return None

    def on_answer(self, parsed: Any, model: Any, **_: Any) -> None:
        headers = parsed["ResponseMetadata"].setdefault("HTTPHeaders", {})
        headers["date"] = format_datetime(self.time.now(), usegmt=True)
        for waiting in list(self.afterwards):
            if waiting[0] == model.name:
                self.afterwards.remove(waiting)
                waiting[1]()

    def on_send(self, event_name: str, request: Any, **_: Any) -> None:
        operation = event_name.rsplit(".", 1)[-1]
        if operation in self.repeated:
            self.repeated.remove(operation)
            botocore_stubber(event_name=event_name, request=request)
            while self.meanwhile:
                self.meanwhile.pop(0)()
            raise ConnectionClosedError(endpoint_url=request.url)

    # ------------------------------------------------------------------ what is kept there

    def items(self, table: str) -> list[dict[str, Any]]:
        """Return every item of a table, as DynamoDB stores it."""
        found: list[dict[str, Any]] = self.clients["dynamodb"].scan(TableName=table)["Items"]
        return found

    def messages(self, queue: str) -> list[str]:
        """Take all messages off a queue."""
        url = self.physical[queue]
        bodies: list[str] = []
        while True:
            answer = self.clients["sqs"].receive_message(QueueUrl=url, MaxNumberOfMessages=10)
            if "Messages" not in answer:
                return bodies
            for message in answer["Messages"]:
                bodies.append(message["Body"])
                handle = message["ReceiptHandle"]
                self.clients["sqs"].delete_message(QueueUrl=url, ReceiptHandle=handle)

    def empty(self) -> None:
        """Delete everything, faults included."""
        self.recovers()
        for table in of_type("AWS::DynamoDB::Table").keys() & self.written:
            forget_items(self.clients["dynamodb"], table)
        for queue in of_type("AWS::SQS::Queue"):
            if self.physical[queue] in self.written:
                self.messages(queue)
        self.written.clear()

    def settings(self, **environ: str) -> Settings:
        """Return the settings that the template gives every function, some of them changed."""
        variables = functions()["AuthorizeFunction"]["Environment"]["Variables"]
        resolved = {name: self._resolved(chosen(value, {})) for name, value in variables.items()}
        return Settings.read(resolved | {"ALLOWED_RETURN_URLS": RETURN_URL} | environ)

    def _resolved(self, value: Any) -> str:
        match value:
            case {"Ref": name} | {"Fn::GetAtt": [name, *_]}:
                default = transformed()["Parameters"].get(name, {}).get("Default", "")
                return str(self.physical.get(name, default))
            case {"Fn::Sub": str(text)}:
                return text.replace("${AWS::StackName}", "Test")
            case dict():
                return ""
        return str(value)


def _says_its_version(write: dict[str, Any]) -> bool:
    names = write.get("ExpressionAttributeNames", {})
    assigned = {mark for mark, name in names.items() if name == "v"}
    words = write.get("UpdateExpression", "").replace(",", " ").split()
    return "v" in write.get("Item", {}) or bool(assigned & set(words))


class Container(Parts):
    """One warm Lambda container: its own memory and wall clock, on the shared cloud."""

    def __init__(
        self, cloud: Cloud, transport: httpx.BaseTransport, settings: Settings, clock: Clock
    ) -> None:
        super().__init__(settings, clock)
        self._cloud = cloud
        self._transport = transport

    @cached_property
    def outbound(self) -> Outbound:
        return Outbound(self.clock, self._transport)

    @cached_property
    def flows(self) -> Wiring:
        return Wiring(self)

    def _client(self, service: Any) -> Any:
        return self._cloud.clients[service]


def create(clients: dict[str, Any], *, signs: bool = True) -> dict[str, str]:
    """Create what the template declares; return logical id → what a Ref of it would be.

    Without ``signs`` there is no key that signs: not every service that stands for KMS has any.
    """
    physical: dict[str, str] = {}
    for name, table in of_type("AWS::DynamoDB::Table").items():
        properties = {k: v for k, v in table.items() if k in _TABLE_PROPERTIES}
        clients["dynamodb"].create_table(TableName=name, **properties)
        physical[name] = name
    for name, key in of_type("AWS::KMS::Key").items():
        kind = {part: key[part] for part in ("KeySpec", "KeyUsage") if part in key}
        if signs or not kind:
            physical[name] = clients["kms"].create_key(**kind)["KeyMetadata"]["Arn"]
    for name in of_type("AWS::SQS::Queue"):
        physical[name] = clients["sqs"].create_queue(QueueName=name)["QueueUrl"]
    for name in of_type("AWS::Events::EventBus"):
        clients["events"].create_event_bus(Name=name)
        physical[name] = name
    return physical
