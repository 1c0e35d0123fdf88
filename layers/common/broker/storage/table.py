"""A DynamoDB table, as far as the broker uses one: strong reads and conditional writes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import ConditionBase, ConditionExpressionBuilder
from botocore.exceptions import BotoCoreError, ClientError

from broker.clock import Clock
from broker.errors import StoredByNewerVersion, TemporarilyUnavailable
from broker.metrics import STORE_LATENCY, STORED_BY_NEWER_VERSION
from broker.storage.encoding import Item, UpdateExpression, conditional, deserialize, serialize
from broker.storage.versions import Shape, version_of
from broker.telemetry import count, logger, timed

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

__all__ = [
    "PATIENCE",
    "ConditionFailed",
    "Item",
    "Table",
    "TableTime",
    "maybe_moment",
    "moment",
    "seconds",
]

PATIENCE = 6.0
"""Seconds that one call to AWS may take at most, its repetitions included; wiring sees to it."""


class ConditionFailed(Exception):
    """A conditional write was refused; ``item`` is what stood there, None if nothing did."""

    def __init__(self, item: Item | None) -> None:
        super().__init__()
        self.item = item


@dataclass(frozen=True, slots=True)
class TableTime:
    """The table's clock: the ``Date`` of a read plus the monotonic time since.

    A container's wrong wall clock does not matter to what is decided by this.
    """

    clock: Clock
    date: float
    read_at: float

    def now(self) -> float:
        """Return seconds since the epoch, as the table would say."""
        return self.date + (self.clock.monotonic() - self.read_at)

    def moment(self) -> datetime:
        """Return the same as an aware UTC datetime."""
        return datetime.fromtimestamp(self.now(), UTC)


@dataclass(frozen=True, slots=True)
class Table:
    """One table. Every method may raise TemporarilyUnavailable, or StoredByNewerVersion.

    What it returns has today's shape, and what it writes says so; see storage.versions. The
    condition of ``put`` and ``delete`` meets an older item as it lies there.
    """

    client: "DynamoDBClient"
    name: str
    clock: Clock
    shape: Shape

    def get(self, key: Item) -> tuple[Item | None, TableTime]:
        """Read one item consistently, with the table's time."""
        with _asked(self.clock):
            answer = self.client.get_item(
                TableName=self.name, Key=serialize(key), ConsistentRead=True
            )
        headers = answer["ResponseMetadata"]["HTTPHeaders"]
        item = answer.get("Item")
        return (self._upgraded(deserialize(item)) if item else None), self._time(headers)

    def put(self, item: Item, condition: ConditionBase | None = None) -> Item | None:
        """Write one item whole; return the one it replaced; raise ConditionFailed."""
        with self._refused(), _asked(self.clock):
            answer = self.client.put_item(
                TableName=self.name,
                Item=serialize({**item, "v": self.shape.version}),
                ReturnValues="ALL_OLD",
                **conditional(_both(condition, self.shape.not_newer())),
            )
        old = answer.get("Attributes")
        return self._upgraded(deserialize(old)) if old else None

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
        """Change some attributes; return the new item, or nothing of it unless ``answered``.

        ``assign`` sets, and a value of None removes; ``increment`` adds one; ``include`` adds a
        member to a set of strings. An older item gets today's shape first.
        """
        values = {**dict.fromkeys(remove), **(assign or {}), "v": self.shape.version}
        expression = UpdateExpression(values, increment, include or {})
        condition = _both(condition, self.shape.as_now(key))
        try:
            return self._change(key, condition, expression, answered=answered)
        except ConditionFailed as failed:
            if failed.item is None or version_of(failed.item) >= self.shape.version:
                raise ConditionFailed(failed.item and self._upgraded(failed.item)) from None
            self._store_upgraded(key, failed.item)
        with self._refused():
            return self._change(key, condition, expression, answered=answered)

    def delete(self, key: Item, condition: ConditionBase | None = None) -> None:
        """Delete one item; raise ConditionFailed."""
        with self._refused(), _asked(self.clock):
            self.client.delete_item(
                TableName=self.name,
                Key=serialize(key),
                **conditional(_both(condition, self.shape.not_newer())),
            )

    def query(
        self,
        condition: ConditionBase,
        *,
        index: str | None = None,
        limit: int | None = None,
        start: Item | None = None,
        keys_only: bool = False,
        only: ConditionBase | None = None,
    ) -> tuple[list[Item], Item | None]:
        """Return one page in key order, and where the next one starts.

        ``keys_only`` says that the index holds no more than keys, so that no version is known.
        ``only`` filters what was read; a page may so be empty, and others follow.
        """
        request: Item = {**_query(condition, only), "ConsistentRead": index is None}
        if index:
            request["IndexName"] = index
        if limit:
            request["Limit"] = limit
        if start:
            request["ExclusiveStartKey"] = serialize(start)
        with _asked(self.clock):
            answer = self.client.query(TableName=self.name, **request)
        last = answer.get("LastEvaluatedKey")
        found = [deserialize(item) for item in answer.get("Items", [])]
        items = found if keys_only else [self._upgraded(item) for item in found]
        return items, (deserialize(last) if last else None)

    def _change(
        self,
        key: Item,
        condition: ConditionBase,
        expression: UpdateExpression,
        *,
        answered: bool = False,
    ) -> Item:
        request = conditional(condition)
        request["ExpressionAttributeNames"] |= expression.names
        request["ExpressionAttributeValues"] |= expression.bound
        with _asked(self.clock):
            answer = self.client.update_item(
                TableName=self.name,
                Key=serialize(key),
                UpdateExpression=expression.text,
                ReturnValues="ALL_NEW" if answered else "NONE",
                **request,
            )
        return deserialize(answer.get("Attributes", {}))

    def _store_upgraded(self, key: Item, older: Item) -> None:
        """Give an older item today's shape where it stands; nothing else of it is touched."""
        expression = UpdateExpression(self.shape.difference(older))
        with suppress(ConditionFailed):  # it was changed meanwhile: what is tried next will tell
            self._change(key, self.shape.as_found(key, older), expression)

    def _upgraded(self, item: Item) -> Item:
        try:
            return self.shape.upgraded(item)
        except StoredByNewerVersion:
            logger().error("stored_by_newer_version", extra={"table": self.name})
            count(STORED_BY_NEWER_VERSION)
            raise

    @contextmanager
    def _refused(self) -> Iterator[None]:
        """Show what stood in a write's way in today's shape, or that it is newer."""
        try:
            yield
        except ConditionFailed as failed:
            raise ConditionFailed(failed.item and self._upgraded(failed.item)) from None

    def _time(self, headers: Mapping[str, str]) -> TableTime:
        read_at = self.clock.monotonic()
        try:
            date = parsedate_to_datetime(headers["date"]).timestamp()
        except (KeyError, ValueError):
            date = self.clock.now().timestamp()
        return TableTime(self.clock, date, read_at)


def seconds(moment: datetime | None) -> int | None:
    """Return a time as it is stored: whole seconds since the epoch."""
    return None if moment is None else int(moment.timestamp())


def moment(stored: int) -> datetime:
    """Return a stored time as an aware UTC datetime."""
    return datetime.fromtimestamp(stored, UTC)


def maybe_moment(stored: int | None) -> datetime | None:
    """Return a stored time that may be absent."""
    return None if stored is None else moment(stored)


def _query(condition: ConditionBase, only: ConditionBase | None) -> Item:
    """Return the expressions of a query; one builder numbers the placeholders of both."""
    builder = ConditionExpressionBuilder()
    key = builder.build_expression(condition, is_key_condition=True)
    names, values = key.attribute_name_placeholders, key.attribute_value_placeholders
    expressions: Item = {"KeyConditionExpression": key.condition_expression}
    if only:
        built = builder.build_expression(only)
        names, values = (
            names | built.attribute_name_placeholders,
            values | built.attribute_value_placeholders,
        )
        expressions["FilterExpression"] = built.condition_expression
    return {
        **expressions,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": serialize(values),
    }


def _both(asked: ConditionBase | None, own: ConditionBase) -> ConditionBase:
    return asked & own if asked else own


@contextmanager
def _asked(clock: Clock) -> Iterator[None]:
    """Time a request, and turn the SDK's exceptions into ours."""
    try:
        with timed(STORE_LATENCY, clock):
            yield
    except ClientError as exc:
        if exc.response["Error"]["Code"] == "ConditionalCheckFailedException":
            item: Any = exc.response.get("Item")
            raise ConditionFailed(deserialize(item) if item else None) from None
        raise _unavailable() from exc
    except BotoCoreError as exc:
        raise _unavailable() from exc


def _unavailable() -> TemporarilyUnavailable:
    return TemporarilyUnavailable("The store is not available just now.", retry_after=5)
