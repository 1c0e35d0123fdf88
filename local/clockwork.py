"""What AWS does by itself: call scheduled functions, and deliver what waits in queues."""

import json
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from local.account import ACCOUNT, REGION
from local.containers import Answer, ContainerPool, LambdaFunction

_RECEIVE_LIMIT = 10  # of one request to SQS

type Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """A queue, and the function that its messages go to."""

    queue: str
    url: str
    arn: str
    function: LambdaFunction
    batch_size: int
    partial: bool
    sqs: Any
    """A client with the function's role."""

    def check(self) -> None:
        """Refuse the mapping that Lambda refuses: messages must not come back while handled."""
        attributes = self.sqs.get_queue_attributes(
            QueueUrl=self.url, AttributeNames=["VisibilityTimeout"]
        )["Attributes"]
        if float(attributes["VisibilityTimeout"]) < self.function.timeout:
            raise ValueError(f"{self.queue} shows messages again before its function times out.")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One batch that was handed to a function."""

    queue: str
    messages: int
    failed: int
    error: str | None
    """The function's failure, which fails the whole batch."""


@dataclass(frozen=True, slots=True)
class Tick:
    """What one turn of the clock did."""

    scheduled: dict[str, str | None] = field(default_factory=dict)
    """Function → its failure, or None."""
    deliveries: list[Delivery] = field(default_factory=list)

    def as_json(self) -> bytes:
        """Return the report as a JSON document."""
        return json.dumps(asdict(self)).encode()


class Clockwork:
    """The schedule and the event source mappings of one deployment.

    Batches are delivered one after the other, by short polls: moto serves one request at a time.
    `sqs` is the queues' owner, who alone may make a failed message visible before its time.
    """

    def __init__(
        self,
        scheduled: Sequence[LambdaFunction],
        sources: Sequence[Source],
        pool: ContainerPool,
        sqs: Any,
    ) -> None:
        self._scheduled = scheduled
        self.sources = sources
        self._pool = pool
        self._sqs = sqs
        self.check()
        self._turning = threading.Lock()
        self._failed: list[tuple[Source, str]] = []
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def check(self) -> None:
        """Look at the queues as Lambda does when it makes a mapping, with the function's role."""
        for source in self.sources:
            source.check()

    def tick(self, *, redeliver: bool = False) -> Tick:
        """Call the scheduled functions, then deliver until the queues are empty.

        With `redeliver`, messages that failed before come back now instead of after the queue's
        visibility timeout.
        """
        with self._turning:
            event = json.dumps(_scheduled_event()).encode()
            scheduled = {each.label: self._pool.invoke(each, event) for each in self._scheduled}
            errors = {label: answer.error for label, answer in scheduled.items()}
            return Tick(errors, self._deliver_all(redeliver=redeliver))

    def drain(self, *, redeliver: bool = False) -> list[Delivery]:
        """Deliver what waits, without the schedule."""
        with self._turning:
            return self._deliver_all(redeliver=redeliver)

    def start(self, every: float | None, poll: float | None) -> None:
        """Turn in the background: the schedule and the queues, each so many seconds apart."""
        for seconds, turn in ((every, self.tick), (poll, self.drain)):
            if seconds is not None:
                thread = threading.Thread(target=self._repeat, args=(seconds, turn), daemon=True)
                thread.start()
                self._threads.append(thread)

    def close(self) -> None:
        """Stop turning; a delivery that is under way is finished."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, seconds: float, turn: Callable[[], object]) -> None:
        while not self._stopping.wait(seconds):
            turn()

    def _deliver_all(self, *, redeliver: bool) -> list[Delivery]:
        """Deliver in turns, since one function may fill the queue of another."""
        if redeliver:
            self._make_failed_visible()
        deliveries: list[Delivery] = []
        while turn := list(self._deliver_one_of_each()):
            deliveries += turn
        return deliveries

    def _make_failed_visible(self) -> None:
        for source, receipt in self._failed:
            self._sqs.change_message_visibility(
                QueueUrl=source.url, ReceiptHandle=receipt, VisibilityTimeout=0
            )
        self._failed.clear()

    def _deliver_one_of_each(self) -> Iterator[Delivery]:
        for source in self.sources:
            if not self._stopping.is_set() and (messages := self._receive(source)):
                yield self._deliver(source, messages)

    def _receive(self, source: Source) -> list[Message]:
        received: list[Message] = source.sqs.receive_message(
            QueueUrl=source.url,
            MaxNumberOfMessages=min(source.batch_size, _RECEIVE_LIMIT),
            WaitTimeSeconds=0,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        ).get("Messages", [])
        return received

    def _deliver(self, source: Source, messages: list[Message]) -> Delivery:
        event = {"Records": [_record(message, source) for message in messages]}
        answer = self._pool.invoke(source.function, json.dumps(event).encode())
        failed = _failed(answer, {message["MessageId"] for message in messages}, source)
        for message in messages:
            receipt = message["ReceiptHandle"]
            if message["MessageId"] in failed:
                self._failed.append((source, receipt))
            else:
                source.sqs.delete_message(QueueUrl=source.url, ReceiptHandle=receipt)
        return Delivery(source.queue, len(messages), len(failed), answer.error)


def _failed(answer: Answer, sent: set[str], source: Source) -> set[str]:
    """Return the ids of the messages that stay in the queue.

    All of them if the function failed, or reported what is not one of them; as Lambda does it.
    """
    if answer.error:
        return sent
    report = answer.json() if source.partial else None
    return failed_of(report, sent)


def failed_of(report: Any, sent: set[str]) -> set[str]:
    """Return the ids that a report names; all of them if it names what was not sent."""
    if not report:
        return set()
    try:
        named = {item["itemIdentifier"] for item in report.get("batchItemFailures") or []}
    except (AttributeError, KeyError, TypeError):
        return sent
    return sent if named - sent else named


def _record(message: Message, source: Source) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {
            name: {
                "stringValue": value.get("StringValue"),
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": value["DataType"],
            }
            for name, value in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": source.arn,
        "awsRegion": REGION,
    }


def _scheduled_event() -> dict[str, Any]:
    """Return what EventBridge Scheduler sends where the target names no input of its own."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": ACCOUNT,
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/local"],
        "detail": "{}",
    }
