"""The await points of a path: every request that a function sends, in order."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Self

from local.demo.journey import Journey
from local.loopback import Reply
from local.permissions import Ask
from local.permissions.guard import Fits
from tests.faults.gateway.history import BrokenPromiseError
from tests.faults.gateway.place import Member, Place

TOKEN_ENDPOINT = "POST /token"
_READS = {"dynamodb:GetItem", "dynamodb:Query", "kms:Decrypt"}
_POLLS = {"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}
"""What Lambda itself asks for with a function's role, not the function."""

type Moment = tuple[int, bool]
"""A point's number, and whether its request has been carried out."""
type PassOn = Callable[[], Reply]
type Act = Callable[[PassOn], Reply]


@dataclass(frozen=True, slots=True)
class Point:
    """One request: what is asked for, and of what."""

    action: str
    resource: str = ""
    stores: bool = False
    """Whether it writes a token set."""

    @property
    def changes(self) -> bool:
        """Whether it leaves something behind; after one that only reads, all is as before it."""
        return self.action not in _READS

    @classmethod
    def of(cls, ask: Ask) -> Self:
        """Read it from what the guard judges."""
        resource = ask.resource.rpartition(":")[2]
        named = ask.context.get("dynamodb:Attributes", ())
        return cls(ask.action, resource, ask.action == "dynamodb:UpdateItem" and "access" in named)


@dataclass
class Path:
    """What a function asked for on its way; at one point of it something may happen."""

    at: int = -1
    """The number of that point."""
    applied: bool = False
    """Whether it happens after the request was carried out."""
    act: Act | None = None
    of: str = ""
    """With it, each point from there on whose action begins so; `at` counts those alone."""
    acted: int = 0
    points: list[Point] = field(default_factory=list)
    _counting: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def passes(self, point: Point, pass_on: PassOn) -> Reply:
        """Note the point, and act if it is one to act at."""
        with self._counting:
            number = len(self.those(self.of))
            self.points.append(point)
            there = number >= self.at if self.of else number == self.at
        if self.act is None or not there or not point.action.startswith(self.of):
            return pass_on()
        self.acted += 1
        return self.act(pass_on)

    def those(self, of: str) -> list[Point]:
        """Return the points whose action begins so."""
        return [point for point in self.points if point.action.startswith(of)]

    @property
    def sends(self) -> int:
        """The number of the point at which the refresh token is sent."""
        return self.points.index(Point(TOKEN_ENDPOINT))

    @property
    def stores(self) -> int:
        """The number of the point at which what came of it is stored."""
        stored = [number for number, point in enumerate(self.points) if point.stores]
        return next(number for number in stored if number > self.sends)

    def moments(self) -> Iterator[Moment]:
        """Yield each point, before its request and, where that changes something, after it."""
        for number, point in enumerate(self.points):
            yield number, False
            if point.changes or number == len(self.points) - 1:
                yield number, True

    def losing(self) -> list[Moment]:
        """Return the moments at which the only copy of an issued set would be lost."""
        return [moment for moment in self.moments() if self.loses(moment[0], applied=moment[1])]

    def loses(self, at: int, *, applied: bool) -> bool:
        """Whether who dies there takes the only copy of an issued set with it."""
        spent = at > self.sends or (at == self.sends and applied)
        kept = at > self.stores or (at == self.stores and applied)
        return spent and not kept


@contextmanager
def watched(place: Place, journey: Journey, function: str, path: Path) -> Iterator[Path]:
    """Have every request of a function, and each refresh of the journey's app, go by the path.

    Nothing else may run in that function meanwhile.
    """
    with ExitStack() as watching:

        def fits(asking: str, ask: Ask) -> bool:
            return asking == function and ask.action not in _POLLS

        def by_guard(ask: Ask, pass_on: PassOn) -> Reply:
            return path.passes(Point.of(ask), pass_on)

        def by_door(pass_on: PassOn) -> Reply:
            return path.passes(Point(TOKEN_ENDPOINT), pass_on)

        watching.enter_context(place.stack.guard.interrupted(fits, by_guard, 1_000))
        watching.enter_context(place.door.interrupted(journey.app.client_id, by_door, 1_000))
        yield path


def must_reach(path: Path, clean: Path) -> None:
    """Raise where a walk did not go as the clean one did, as far as it got."""
    if len(path.points) <= path.at or path.points[path.at] != clean.points[path.at]:
        seen, meant = path.points[path.at : path.at + 1], clean.points[path.at]
        raise BrokenPromiseError(f"The path is another one at point {path.at}: {seen}, not {meant}")


def takes_lease(member: Member) -> Fits:
    """Judge a write that takes the lease of this user's connection."""
    return _writes(member, {"lease_id", "config_digest"})


def stores_set(member: Member) -> Fits:
    """Judge a write that stores this user's next token set."""
    return _writes(member, {"access"})


def _writes(member: Member, names: set[str]) -> Fits:
    def fits(_: str, ask: Ask) -> bool:
        named = set(ask.context.get("dynamodb:Attributes", ()))
        written = ask.action == "dynamodb:UpdateItem" and member.user_id in ask.key
        return written and names <= named

    return fits
