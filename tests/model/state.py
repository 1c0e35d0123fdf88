"""A state of the world, as small as a search needs it: tuples, compared by value."""

from dataclasses import dataclass
from typing import NamedTuple

from broker.model import RevocationScope
from tests.model.actors import Node, Spec
from tests.model.authorization import Grants, Kind
from tests.model.parts import ModelParts
from tests.model.rows import Row
from tests.model.told import Answer


class Faults(NamedTuple):
    """How often each thing may still go wrong."""

    crashes: int = 0
    lost: int = 0
    """Answers of the token endpoint that never arrive, though it has done its part."""
    slow: int = 0
    """Answers that take as long as their reader waits."""
    belated: int = 0
    """Requests that arrive after their sender has given up; an answer is lost as well."""
    broken: int = 0
    """Token requests without an answer, and without an effect."""
    away: int = 0
    """Single requests to the table that fail, before or after they have had their effect."""
    repeated: int = 0
    """Writes that the SDK repeats although the first had succeeded."""
    outages: int = 0
    """Times during which the table takes no write."""
    queue: int = 0
    """Messages that the rescue queue does not take."""
    keys: int = 0
    """Requests that the key service does not answer."""
    late: int = 0
    """Messages of the rescue queue that nobody fetches in time."""
    twice: int = 0
    """Messages that are delivered although they were dealt with."""
    unrevoked: int = 0
    """Revocations without an answer."""
    withdrawn: int = 0
    """Grants that their user withdraws at the service."""
    refused: int = 0
    """Token requests refused for the client's own credentials."""


NONE = Faults()


class Waiting(NamedTuple):
    """An answer on its way: when its reader gives up at the latest, and what it would be."""

    until: int
    answer: Answer
    sure: bool
    """Whether it can still arrive."""


class Actor(NamedTuple):
    """A run under way."""

    number: int
    """The node's, for order."""
    node: Node
    blocked: bool = False
    """It has read what stands there, and reads again when that or the time has changed."""
    waiting: Waiting | None = None


class Message(NamedTuple):
    """A rescued set in its queue."""

    number: int
    visible_at: int
    fetched: bool = False
    """Somebody has it just now."""


class State(NamedTuple):
    """All that a transition may depend on."""

    time: int
    rows: tuple[tuple[int, Row], ...]
    grants: Grants
    queue: tuple[Message, ...]
    actors: tuple[Actor, ...]
    todo: tuple[int, ...]
    """How many runs of each spec have yet to start."""
    faults: Faults
    outage: bool = False
    belated: tuple[str, ...] = ()
    """Refresh tokens on their way to the authorization server, whose senders have given up."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is searched through."""

    name: str
    specs: tuple[Spec, ...]
    faults: Faults = NONE
    kind: Kind = Kind.STRICT
    scope: RevocationScope = RevocationScope.GRANT
    grace: int | None = None
    """The ``reuse_grace_seconds`` that the builder has set."""
    revokes_all: bool = False
    """Whether revoking a token ends all of the user's grants."""
    begins_at: int = 400
    """Seconds after the consent: by then a call refreshes first."""
    lasts: int = 120
    """Seconds that are looked at."""
    parts: type[ModelParts] = ModelParts
    watches_server: bool = False
    """Whether the server's state may change in between, so that reading it is a step of its own."""
