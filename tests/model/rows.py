"""A table's items and what a request does to one: pure, atomic, as DynamoDB judges it.

It evaluates the very condition objects that the stores build. test_rows.py compares it with moto.
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from boto3.dynamodb import conditions
from boto3.dynamodb.conditions import AttributeBase, ConditionBase

from broker.storage.table import Item

_DRAWN = re.compile(r"\bL\d+\b")
_MISSING = object()
_ORDERED: dict[type[ConditionBase], Callable[[Any, Any], bool]] = {
    conditions.LessThan: operator.lt,
    conditions.LessThanEquals: operator.le,
    conditions.GreaterThan: operator.gt,
    conditions.GreaterThanEquals: operator.ge,
}


@dataclass(frozen=True, eq=False, slots=True)
class Row:
    """An item as it stands in the table: one object for each content, compared by identity."""

    item: Item
    drawn: frozenset[str]
    """The random ids in it."""
    number: int


_rows: dict[object, Row] = {}


def row_of(item: Item) -> Row:
    """Return the one Row with this content."""
    content = _frozen(item)
    found = _rows.get(content)
    if found is None:
        found = Row(item, frozenset(_DRAWN.findall(repr(content))), len(_rows))
        _rows[content] = found
    return found


@dataclass(frozen=True, slots=True)
class Written:
    """What a request made of a row, and what its caller is told."""

    row: Row | None
    done: bool
    told: Row | None
    """The item before a put, after an update; what stood in the way of a refused one."""


@dataclass(frozen=True, slots=True)
class Update:
    """Some attributes of an item change; the arguments of ``Table.update``."""

    key: Item
    condition: ConditionBase
    assign: Mapping[str, object]
    increment: tuple[str, ...] = ()
    include: Mapping[str, str] | None = None

    def on(self, row: Row | None) -> Written:
        if not holds(self.condition, row.item if row else {}):
            return Written(row, done=False, told=row)
        item = dict(row.item) if row else dict(self.key)
        for name, value in self.assign.items():
            if value is None:
                item.pop(name, None)
            else:
                item[name] = storable(value)
        for name in self.increment:
            item[name] = item.get(name, 0) + 1
        for name, member in (self.include or {}).items():
            item[name] = item.get(name, set()) | {member}
        new = row_of(item)
        return Written(new, done=True, told=new)


@dataclass(frozen=True, slots=True)
class Put:
    """An item is written whole."""

    item: Item
    condition: ConditionBase

    def on(self, row: Row | None) -> Written:
        if not holds(self.condition, row.item if row else {}):
            return Written(row, done=False, told=row)
        kept = {name: storable(v) for name, v in self.item.items() if v is not None}
        return Written(row_of(kept), done=True, told=row)


@dataclass(frozen=True, slots=True)
class Delete:
    """An item is deleted."""

    condition: ConditionBase

    def on(self, row: Row | None) -> Written:
        if not holds(self.condition, row.item if row else {}):
            return Written(row, done=False, told=row)
        return Written(None, done=True, told=None)


type Request = Update | Put | Delete


def holds(condition: ConditionBase, item: Item) -> bool:
    """Evaluate a condition as DynamoDB does: only equal types compare; what is absent differs."""
    values = condition.get_expression()["values"]
    match condition:
        case conditions.And():
            return holds(values[0], item) and holds(values[1], item)
        case conditions.Or():
            return holds(values[0], item) or holds(values[1], item)
        case conditions.Not():
            return not holds(values[0], item)
    return _judged(condition, values, item)


def _judged(condition: ConditionBase, values: Sequence[Any], item: Item) -> bool:
    match condition:
        case conditions.AttributeExists():
            return _at(values[0], item) is not _MISSING
        case conditions.AttributeNotExists():
            return _at(values[0], item) is _MISSING
    left, right = (_at(value, item) for value in values)
    match condition:
        case conditions.Equals():
            return _same(left, right)
        case conditions.NotEquals():
            return not _same(left, right)
    if type(left) is not type(right) or isinstance(left, bool):
        return False
    return _ORDERED[type(condition)](left, right)


def storable(value: Any) -> Any:
    """Return a value as it comes back from the table; raise TypeError for what it does not take."""
    match value:
        case bool() | int() | bytes() | None:
            return value
        case str():
            return str(value)
        case dict():
            return {name: storable(member) for name, member in value.items()}
        case list() | tuple():
            return [storable(member) for member in value]
        case set():
            return {storable(member) for member in value}
    raise TypeError(type(value))


def _at(operand: object, item: Item) -> Any:
    return item.get(operand.name, _MISSING) if isinstance(operand, AttributeBase) else operand


def _same(left: Any, right: Any) -> bool:
    if left is _MISSING or right is _MISSING:
        return False
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _frozen(value: Any) -> object:
    match value:
        case dict():
            return tuple((name, _frozen(value[name])) for name in sorted(value))
        case list():
            return ("list", *(_frozen(member) for member in value))
        case set():
            return frozenset(value)
        case bool():
            return ("bool", value)
    return value
