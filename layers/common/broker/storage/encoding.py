"""How items and expressions are written for DynamoDB, and read back."""

import functools
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from boto3.dynamodb.conditions import ConditionBase, ConditionExpressionBuilder
from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer

type Item = dict[str, Any]


class UpdateExpression:
    """``SET … REMOVE … ADD …`` with every name and value behind a placeholder."""

    def __init__(
        self,
        assign: Mapping[str, object],
        increment: tuple[str, ...] = (),
        include: Mapping[str, str] | None = None,
    ) -> None:
        values = {name: value for name, value in assign.items() if value is not None}
        gone = [name for name, value in assign.items() if value is None]
        include = include or {}
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


def conditional(condition: ConditionBase) -> Item:
    """Return the part of a request that makes a write conditional."""
    built = ConditionExpressionBuilder().build_expression(condition)
    return {
        "ConditionExpression": built.condition_expression,
        "ExpressionAttributeNames": built.attribute_name_placeholders,
        "ExpressionAttributeValues": serialize(built.attribute_value_placeholders),
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def serialize(item: Mapping[str, object]) -> Item:
    """Return an item as the API takes it, without what is None."""
    serialized = _serializer().serialize
    return {name: serialized(value) for name, value in item.items() if value is not None}


def deserialize(item: Mapping[str, Any]) -> Item:
    """Return an item as the API gives it, in plain Python."""
    deserialized = TypeDeserializer().deserialize
    return {name: _plain(deserialized(value)) for name, value in item.items()}


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
