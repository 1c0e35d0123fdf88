"""Who acts: programs that run the real code, and where in its run each of them stands.

A run's place is a node of a tree: the answers that it had, and when. The code runs once for each
node, however many states of the world contain it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from broker.errors import BrokerError
from broker.model import Invocation, PendingAuthorization, Purpose, Secret, Server, Ticket
from broker.queues import DueMessage, RescueMessage
from broker.tokens import Unusable, Usable
from tests.model.parts import ModelParts
from tests.model.rows import Row, Update, Written
from tests.model.stand_ins import CONNECTIONS
from tests.model.told import (
    BOOTED,
    EPOCH,
    Answer,
    Cut,
    Draws,
    Enqueue,
    Poll,
    Question,
    Read,
    Reply,
    Send,
    Told,
    Turn,
    Write,
)

USER, SERVER_ID = "jo", "crm"
KEY = (USER, SERVER_ID)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended, in a word, and with which access token."""

    word: str
    token: str | None = None
    error: str | None = None
    """The type of an exception that no caller expects."""


type Program = Callable[[ModelParts, Invocation, Any], Outcome]


def call(parts: ModelParts, invocation: Invocation, _: Any) -> Outcome:
    """Want a token for a call."""
    return _found(parts.tokens.for_call(parts.server, USER, invocation))


def refused_call(parts: ModelParts, invocation: Invocation, _: Any) -> Outcome:
    """Want a token, have it refused by the tools' server, want another."""
    found = parts.tokens.for_call(parts.server, USER, invocation)
    if isinstance(found, Usable):
        refused = found.connection
        found = parts.tokens.for_call(parts.server, USER, invocation, refused=refused)
    return _found(found)


def look(parts: ModelParts, invocation: Invocation, _: Any) -> Outcome:
    """Look at a connection that is due: refresh it, or go on removing it."""
    parts.worker.look(DueMessage(user_id=USER, server_id=SERVER_ID), invocation)
    return Outcome("looked")


def rescue(parts: ModelParts, _: Invocation, message: RescueMessage) -> Outcome:
    """Apply a rescued set."""
    parts.worker.rescue(message)
    return Outcome("rescued")


def disconnect(parts: ModelParts, invocation: Invocation, _: Any) -> Outcome:
    """End the connection, as its user asked."""
    ended = parts.remover.disconnect(USER, SERVER_ID, parts.server, invocation)
    return Outcome(ended.value if ended else "not connected")


def connect(parts: ModelParts, invocation: Invocation, _: Any) -> Outcome:
    """Turn a consent into a connection."""
    long_ago = datetime.fromtimestamp(EPOCH, UTC) - timedelta(minutes=1)
    later = long_ago + timedelta(days=1)
    ticket = Ticket("c", Purpose.CONNECT, USER, SERVER_ID, long_ago, later)
    digest = parts.server.config_digest
    pending = PendingAuthorization("s", "c", SERVER_ID, "https://b.example.com", digest, "", later)
    parts.grants.connect(parts.server, ticket, pending, Secret("code"), invocation)
    return Outcome("connected")


def _found(found: Usable | Unusable) -> Outcome:
    if isinstance(found, Usable):
        return Outcome("usable", found.access_token.reveal())
    return Outcome(found.connection.status.value if found.connection else "not connected")


OF_A_CALL = (13, 11, 0)
"""Seconds before a call's deadline: too late to send, too late to store once more, over."""


@dataclass(frozen=True, slots=True)
class Spec:
    """One actor of a scenario."""

    name: str
    program: Program
    seconds: int = 29
    """How long its invocation may take."""
    wrong_by: int = 0
    """Seconds that its container's wall clock is ahead."""
    number: int = 1
    """How many of the same kind there are."""
    starts: tuple[int, ...] = (0,)
    """Moments at which it may start, in seconds after the beginning."""
    turns: tuple[int, ...] = ()
    """Seconds before its deadline to which it may be held up, besides all moments that matter."""


@dataclass(eq=False, slots=True)
class Node:
    """A place in a run: what was answered so far, and what is asked next, or the outcome."""

    spec: Spec
    argument: Any
    started: int
    parent: "Node | None"
    turn: Turn | None
    depth: int
    number: int
    question: Question | None = None
    outcome: Outcome | None = None
    head: "Node | None" = None
    """Where a poll goes on."""
    drawn: frozenset[str] = frozenset()
    """Ids that the run has drawn or seen."""
    holding: str | None = None
    """The refresh token that was sent, while nothing written says what came of it."""
    looked: Row | None = None
    """The connection as the run last saw it."""
    acted: bool = False
    """Whether the run has done anything that others can see."""
    children: dict[tuple[Answer, int, str | None], "Node"] = field(default_factory=dict)
    draws: set[tuple[Answer, int]] = field(default_factory=set)
    written: dict[Row | None, Written] = field(default_factory=dict)

    @property
    def deadline(self) -> int:
        """The moment at which the invocation is over."""
        return self.started + self.spec.seconds

    @property
    def since(self) -> int:
        """The moment at which the run came here."""
        return self.turn.time if self.turn else self.started

    @property
    def announces(self) -> bool:
        """Whether it is about to say when others may send again, by the time it came here."""
        match self.question:
            case Write(table, _, Update(assign=assign)):
                return table == CONNECTIONS and bool(assign.get("recover_at"))
        return False


class Runner:
    """Runs the code up to the next question, once for each node."""

    def __init__(
        self, parts: type[ModelParts], server: Server, current: list[Told], *, keys: bool
    ) -> None:
        self._parts = parts
        self._server = server
        self._current = current
        self._keys = keys
        self._roots: dict[tuple[Spec, int, int], Node] = {}
        self.runs = 0

    def start(self, spec: Spec, argument: Any, time: int) -> Node:
        """Return where a program stands that starts now."""
        key = (spec, id(argument), time)
        if key not in self._roots:
            self.runs += 1
            root = Node(spec, argument, time, None, None, 0, self.runs)
            self._run(root)
            self._roots[key] = root
        return self._roots[key]

    def after(self, node: Node, answer: Answer, time: int, draw: Callable[[], str]) -> Node:
        """Return where a run stands after an answer."""
        drawn = draw() if (answer, time) in node.draws else None
        child = node.children.get((answer, time, drawn))
        if child is None:
            child = self._child(node, Turn(answer, time, drawn))
            try:
                self._run(child)
            except Draws:
                node.draws.add((answer, time))
                return self.after(node, answer, time, draw)
            node.children[answer, time, drawn] = child
        return child

    def _child(self, node: Node, turn: Turn) -> Node:
        self.runs += 1
        child = Node(node.spec, node.argument, node.started, node, turn, node.depth + 1, self.runs)
        child.drawn, child.looked = node.drawn, node.looked
        child.holding, child.acted = node.holding, node.acted
        if turn.drawn:
            child.drawn |= {turn.drawn}
        question, answer = node.question, turn.answer
        if isinstance(answer, Written):
            if answer.told:
                child.drawn |= answer.told.drawn
            if isinstance(question, Read | Write) and question.table == CONNECTIONS:
                child.looked = answer.row
        if not isinstance(question, Read):
            child.acted = True
        child.holding = _holding(node.holding, question, answer)
        return child

    def _run(self, node: Node) -> None:
        turns: list[Turn] = []
        path = node
        while path.turn and path.parent:
            turns.append(path.turn)
            path = path.parent
        turns.reverse()
        told = Told(turns, node.started, None, asks_for_keys=self._keys)
        self._current[0] = told
        parts = self._parts(told, node.spec.wrong_by, self._server)
        deadline = BOOTED + node.started + node.spec.seconds
        try:
            node.outcome = node.spec.program(parts, Invocation("run", deadline), node.argument)
        except Cut:
            node.question = told.question
        except BrokerError as failed:
            node.outcome = Outcome(failed.error)
        except Exception as failed:  # noqa: BLE001 - it is judged, and found unexpected
            node.outcome = Outcome("crashed", error=f"{type(failed).__name__}: {failed}")
        if isinstance(node.question, Poll):
            head = node
            while head.depth > node.question.read and head.parent:
                head = head.parent
            node.head = head


def _holding(before: str | None, question: Question | None, answer: Answer) -> str | None:
    match question, answer:
        case Send(path="/token", form={"refresh_token": str(sent)}), Reply():
            return sent
        case Write(table, _, Update()), Written(done=True) if table == CONNECTIONS:
            return None
        case Enqueue(), None:
            return None
    return before
