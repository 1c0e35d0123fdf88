"""A DynamoDB table, as far as the broker uses one: strong reads and conditional writes."""

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import ConditionBase, ConditionExpressionBuilder
from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer
from botocore.exceptions import BotoCoreError, ClientError

from broker.clock import Clock
from broker.errors import TemporarilyUnavailable
from broker.metrics import STORE_LATENCY
from broker.telemetry import timed

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

type Item = dict[str, Any]

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


@dataclass(frozen=True, slots=True)
class Table:
    """One table. Every method may raise TemporarilyUnavailable."""

    client: "DynamoDBClient"
    name: str
    clock: Clock

    def get(self, key: Item) -> tuple[Item | None, TableTime]:
        """Read one item consistently, with the table's time."""
        with _asked(self.clock):
            answer = self.client.get_item(
                TableName=self.name, Key=_serialize(key), ConsistentRead=True
            )
        headers = answer["ResponseMetadata"]["HTTPHeaders"]
        item = answer.get("Item")
        return (_deserialize(item) if item else None), self._time(headers)

    def put(self, item: Item, condition: ConditionBase | None = None) -> Item | None:
        """Write one item whole; return the one it replaced; raise ConditionFailed."""
        with _asked(self.clock):
            answer = self.client.put_item(
                TableName=self.name,
                Item=_serialize(item),
                ReturnValues="ALL_OLD",
                **_conditional(condition),
            )
        old = answer.get("Attributes")
        return _deserialize(old) if old else None

    def update(
        self,
        key: Item,
        *,
        condition: ConditionBase | None,
        assign: Mapping[str, object] | None = None,
        remove: tuple[str, ...] = (),
        increment: tuple[str, ...] = (),
        include: Mapping[str, str] | None = None,
    ) -> Item:
        """Change some attributes; return the new item.

        ``assign`` sets, and a value of None removes; ``increment`` adds one; ``include`` adds a
        member to a set of strings.
        """
        values = {k: v for k, v in (assign or {}).items() if v is not None}
        gone = [*remove, *(k for k, v in (assign or {}).items() if v is None)]
        expression = _UpdateExpression(values, gone, increment, include or {})
        request = _conditional(condition)
        names = request.pop("ExpressionAttributeNames", {}) | expression.names
        bound = request.pop("ExpressionAttributeValues", {}) | expression.bound
        if bound:
            request["ExpressionAttributeValues"] = bound
        with _asked(self.clock):
            answer = self.client.update_item(
                TableName=self.name,
                Key=_serialize(key),
                UpdateExpression=expression.text,
                ExpressionAttributeNames=names,
                ReturnValues="ALL_NEW",
                **request,
            )
        return _deserialize(answer["Attributes"])

    def delete(self, key: Item, condition: ConditionBase | None = None) -> None:
        """Delete one item; raise ConditionFailed."""
        with _asked(self.clock):
            self.client.delete_item(
                TableName=self.name, Key=_serialize(key), **_conditional(condition)
            )

    def query(
        self,
        condition: ConditionBase,
        *,
        index: str | None = None,
        limit: int | None = None,
        start: Item | None = None,
    ) -> tuple[list[Item], Item | None]:
        """Return one page in key order, and where the next one starts."""
        built = ConditionExpressionBuilder().build_expression(condition, is_key_condition=True)
        request: Item = {
            "KeyConditionExpression": built.condition_expression,
            "ExpressionAttributeNames": built.attribute_name_placeholders,
            "ExpressionAttributeValues": _serialize(built.attribute_value_placeholders),
            "ConsistentRead": index is None,
        }
        if index:
            request["IndexName"] = index
        if limit:
            request["Limit"] = limit
        if start:
            request["ExclusiveStartKey"] = _serialize(start)
        with _asked(self.clock):
            answer = self.client.query(TableName=self.name, **request)
        last = answer.get("LastEvaluatedKey")
        items = [_deserialize(item) for item in answer.get("Items", [])]
        return items, (_deserialize(last) if last else None)

    def _time(self, headers: Mapping[str, str]) -> TableTime:
        read_at = self.clock.monotonic()
        try:
            date = parsedate_to_datetime(headers["date"]).timestamp()
        except (KeyError, ValueError):
            date = self.clock.now().timestamp()
        return TableTime(self.clock, date, read_at)


class _UpdateExpression:
    """``SET … REMOVE … ADD …`` with every name and value behind a placeholder."""

    def __init__(
        self,
        values: Mapping[str, object],
        gone: list[str],
        increment: tuple[str, ...],
        include: Mapping[str, str],
    ) -> None:
        names = [*values, *gone, *increment, *include]
        self.names = {f"#u{n}": name for n, name in enumerate(names)}
        placeholder = {name: mark for mark, name in self.names.items()}
        self.bound = {
            f":u{n}": _serializer().serialize(value) for n, value in enumerate(values.values())
        }
        clauses = []
        if values:
            pairs = (f"{placeholder[name]} = :u{n}" for n, name in enumerate(values))
            clauses.append("SET " + ", ".join(pairs))
        if gone:
            clauses.append("REMOVE " + ", ".join(placeholder[name] for name in gone))
        if increment or include:
            self.bound |= {":one": {"N": "1"}} if increment else {}
            self.bound |= {f":m{n}": {"SS": [member]} for n, member in enumerate(include.values())}
            more = [f"{placeholder[name]} :one" for name in increment]
            more += [f"{placeholder[name]} :m{n}" for n, name in enumerate(include)]
            clauses.append("ADD " + ", ".join(more))
        self.text = " ".join(clauses)


def seconds(moment: datetime | None) -> int | None:
    """Return a time as it is stored: whole seconds since the epoch."""
    return None if moment is None else int(moment.timestamp())


def moment(stored: int) -> datetime:
    """Return a stored time as an aware UTC datetime."""
    return datetime.fromtimestamp(stored, UTC)


def maybe_moment(stored: int | None) -> datetime | None:
    """Return a stored time that may be absent."""
    return None if stored is None else moment(stored)


def _conditional(condition: ConditionBase | None) -> Item:
    if condition is None:
        return {}
    built = ConditionExpressionBuilder().build_expression(condition)
    request: Item = {
        "ConditionExpression": built.condition_expression,
        "ExpressionAttributeNames": built.attribute_name_placeholders,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    if built.attribute_value_placeholders:
        request["ExpressionAttributeValues"] = _serialize(built.attribute_value_placeholders)
    return request


@contextmanager
def _asked(clock: Clock) -> Iterator[None]:
    """Time a request, and turn the SDK's exceptions into ours."""
    try:
        with timed(STORE_LATENCY, clock):
            yield
    except ClientError as exc:
        if exc.response["Error"]["Code"] == "ConditionalCheckFailedException":
            item: Any = exc.response.get("Item")
            raise ConditionFailed(_deserialize(item) if item else None) from None
        raise _unavailable() from exc
    except BotoCoreError as exc:
        raise _unavailable() from exc


def _unavailable() -> TemporarilyUnavailable:
    return TemporarilyUnavailable("The store is not available just now.", retry_after=5)


def _serialize(item: Mapping[str, object]) -> Item:
    serialize = _serializer().serialize
    return {name: serialize(value) for name, value in item.items() if value is not None}


def _deserialize(item: Mapping[str, Any]) -> Item:
    deserialize = TypeDeserializer().deserialize
    return {name: _plain(deserialize(value)) for name, value in item.items()}


def _plain(value: object) -> Any:
    """Undo what boto3 wraps: Decimal, Binary; everything we store is whole."""
    match value:
        case Decimal():
            return int(value)
        case Binary():
            return bytes(value.value)  # type: ignore[attr-defined] # the stubs lack it
        case set():
            return {_plain(member) for member in value}
        case dict():
            return {key: _plain(member) for key, member in value.items()}
        case list():
            return [_plain(member) for member in value]
    return value


@functools.cache
def _serializer() -> TypeSerializer:
    return TypeSerializer()
