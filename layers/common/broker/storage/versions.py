"""The shape of what is stored: its version for each table, and how older shapes are read.

Every item says its version in ``v``. A new version is due when the code before it would misread
the new shape, or the new code the old one; an attribute that may be absent needs none. Such a
change adds a step below, and its table's version counts up by itself.

An older item is read by taking the steps from its version on. It is stored in the new shape by
the next write that touches it. An item of a *newer* version, left behind by a rollback, is
refused: not read, not changed, not deleted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from boto3.dynamodb.conditions import Attr, ConditionBase

from broker.errors import StoredByNewerVersion

type _Item = dict[str, Any]
type Step = Callable[[_Item], _Item]

_FIRST = 1
"""Also the version of an item that says none, as the rows of ``server_state`` did at first."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How the items of one table look; the steps lead from the first version to today's."""

    steps: tuple[Step, ...] = ()

    @property
    def version(self) -> int:
        """Return the version that is written today."""
        return _FIRST + len(self.steps)

    def upgraded(self, item: _Item) -> _Item:
        """Return a stored item in today's shape; raise StoredByNewerVersion."""
        stands = version_of(item)
        if stands > self.version:
            raise StoredByNewerVersion
        for step in self.steps[stands - _FIRST :]:
            item = step(item)
        return {**item, "v": self.version}

    def difference(self, item: _Item) -> dict[str, Any]:
        """Return what an update must assign to an older item; None removes."""
        new = self.upgraded(item)
        changed = {name: value for name, value in new.items() if item.get(name) != value}
        return {**dict.fromkeys(item.keys() - new.keys()), **changed}

    def not_newer(self) -> ConditionBase:
        """Return the condition under which an item may be replaced or deleted whole."""
        return Attr("v").not_exists() | Attr("v").lte(self.version)

    def as_now(self, key: Mapping[str, Any]) -> ConditionBase:
        """Return the condition under which single attributes may change: today's shape, or none."""
        return Attr(next(iter(key))).not_exists() | _at(self.version)

    def as_found(self, key: Mapping[str, Any], item: _Item) -> ConditionBase:
        """Return the condition under which an older item may take the steps: as it was found."""
        condition = Attr(next(iter(key))).exists() & _at(version_of(item))
        for name in self.difference(item).keys() - {"v"}:
            found = item.get(name)
            same = Attr(name).not_exists() if found is None else Attr(name).eq(found)
            condition = condition & same
        return condition


def version_of(item: _Item) -> int:
    """Return the version that an item was written in."""
    version: int = item.get("v", _FIRST)
    return version


def _at(version: int) -> ConditionBase:
    unsaid = Attr("v").not_exists()
    return Attr("v").eq(version) | unsaid if version == _FIRST else Attr("v").eq(version)


def _with_incarnation(server: _Item) -> _Item:
    """Servers had no incarnation: the empty one, which the digest of a configuration leaves out."""
    return {"incarnation": "", **server}


def _with_created_at(pending: _Item) -> _Item:
    """Tickets did not say when they were made: ten minutes before they expire."""
    if not pending["id"].startswith("ticket#"):
        return pending
    return {"created_at": (pending["expires_at"] - 600) * 1000, **pending}


SERVERS = Shape((_with_incarnation,))
SERVER_STATE = Shape()
CONNECTIONS = Shape()
PENDING = Shape((_with_created_at,))
TOOLS = Shape()
SESSIONS = Shape()
