"""What one run of the real code has been told so far; the first question without an answer ends it.

A run is repeated from its start with one answer more each time, so that it can be cut off at every
request, and continued in as many ways as there are answers.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from types import FrameType
from typing import Any

from broker.clock import Clock
from broker.queues import RescueMessage
from tests.model.rows import Request, Written

EPOCH = 1_900_000_000
"""The table's time at the beginning, in seconds since 1970."""
BOOTED = 1000.0
"""A container's monotonic clock at that moment."""
_FRAMES_OF_A_READ = frozenset({"read", "get"})


class Cut(BaseException):
    """The run ends here: nobody has answered this yet."""


class Draws(BaseException):
    """The run ends here: it wants a random id and was given none."""


class Silence(Enum):
    """What comes instead of an answer."""

    AWAY = "is not available"
    LOST = "never answers"
    NOT_SENT = "cannot be reached"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a service answered."""

    status: int
    body: str


type Answer = Written | Reply | Silence | None


@dataclass(frozen=True, slots=True)
class Read:
    """A consistent read of one item."""

    table: str
    key: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Write:
    """A conditional write to one item."""

    table: str
    key: tuple[str, ...]
    request: Request


@dataclass(frozen=True, slots=True)
class Send:
    """A request to the authorization server."""

    path: str
    form: Mapping[str, str]
    deadline: float


@dataclass(frozen=True, slots=True)
class OpenKey:
    """A request to the key service."""


@dataclass(frozen=True, slots=True)
class Enqueue:
    """A set on its way to the rescue queue."""

    message: RescueMessage


@dataclass(frozen=True, slots=True)
class Poll:
    """A pause before the same is read again: the run stands where it stood at that read."""

    read: int


type Question = Read | Write | Send | OpenKey | Enqueue | Poll


@dataclass(frozen=True, slots=True)
class Turn:
    """An answer, the true time at which it came, and the id drawn before the next question."""

    answer: Answer
    time: int
    drawn: str | None


@dataclass(slots=True)
class Told:
    """The answers so far, handed out one after another."""

    turns: list[Turn]
    time: int
    drawn: str | None
    asks_for_keys: bool = False
    position: int = 0
    question: Question | None = None
    identity: str = "first"
    sealed: int = 0
    reads: dict[str, tuple[FrameType, int, dict[str, Any]]] = field(default_factory=dict)

    def ask(self, question: Question) -> Answer:
        """Return the answer, or end the run."""
        if self.question is not None or self.position == len(self.turns):
            self.question = self.question or question
            raise Cut
        turn = self.turns[self.position]
        self.position += 1
        self.time, self.drawn = turn.time, turn.drawn
        return turn.answer

    def read(self, table: str, key: tuple[str, ...]) -> Answer:
        """Ask for an item, and remember where in the code that was."""
        frame = _outside(sys._getframe(1), _FRAMES_OF_A_READ)
        name = frame.f_code.co_name
        if name not in self.reads or self.reads[name][0] is not frame:
            self.reads[name] = (frame, self.position, dict(frame.f_locals))
        return self.ask(Read(table, key))

    def sleep(self, frame: FrameType) -> None:
        """End the run at a poll; any other pause is too short to matter."""
        reader, head, known = self.reads.get(frame.f_code.co_name, (None, 0, {}))
        if reader is not frame:
            return
        now = frame.f_locals
        assert all(now[name] is value for name, value in known.items()), "the poll remembers"
        self.ask(Poll(head))

    def draw(self) -> str:
        """Return a random id that nobody else has."""
        if self.drawn is None:
            raise Draws
        self.identity, self.drawn = self.drawn, None
        return self.identity

    def nonce(self) -> bytes:
        """Return what no other seal has."""
        self.sealed += 1
        return f"{self.identity}.{self.sealed}".encode()


@dataclass(frozen=True, slots=True)
class ToldClock(Clock):
    """A container's clock: monotonic seconds are true, the wall clock may be wrong."""

    told: Told
    wrong_by: int

    def now(self) -> datetime:
        moment = datetime.fromtimestamp(EPOCH + self.told.time, UTC)
        return moment + timedelta(seconds=self.wrong_by)

    def monotonic(self) -> float:
        return BOOTED + self.told.time

    def sleep(self, seconds: float) -> None:
        self.told.sleep(sys._getframe(1))


def _outside(frame: FrameType, names: frozenset[str]) -> FrameType:
    while frame.f_code.co_name in names:
        assert frame.f_back
        frame = frame.f_back
    return frame
