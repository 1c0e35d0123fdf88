"""The transitions: an actor's next request and each way of answering it, and what happens besides.

A request is answered at one moment, and the run goes on to its next one. Between any two of them
anything else can happen, and time can pass: a container may be slow, or frozen and thawed.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from broker.queues import RescueMessage
from tests.model import authorization
from tests.model.actors import KEY, Node, Outcome, Runner, Spec, rescue
from tests.model.authorization import Kind, changed
from tests.model.invariants import Invariant, Violation
from tests.model.moments import ANNOUNCED_WITHIN, APPLIED_WITHIN, FETCHED_WITHIN, next_moment
from tests.model.rows import Row, Written
from tests.model.stand_ins import CONNECTIONS, server
from tests.model.state import Actor, Message, Scenario, State
from tests.model.told import Answer, OpenKey, Read, Reply, Silence, Told, Write

VISIBILITY = 30
_RESCUE = Spec("the rescue worker", rescue, seconds=30)


class Step(NamedTuple):
    """What happened, and where it led."""

    who: Node | None
    what: str
    state: State
    violation: Violation | None = None
    outcome: Outcome | None = None
    """How the run ended, if it did."""


class World:
    """One scenario, and everything that was learned of the code in it."""

    def __init__(self, scenario: Scenario, current: list[Told]) -> None:
        self.scenario = scenario
        self.server = server(scenario.scope, scenario.grace)
        keys = scenario.faults.keys > 0
        self.runner = Runner(scenario.parts, self.server, current, keys=keys)
        self.slots: dict[tuple[str, tuple[str, ...]], int] = {(CONNECTIONS, KEY): 0}
        self.messages: list[RescueMessage] = []
        self._numbers: dict[str, int] = {}
        self._message_ids: list[frozenset[str]] = []

    # ------------------------------------------------------------------------- reading

    def row(self, state: State, table: str = CONNECTIONS, key: tuple[str, ...] = KEY) -> Row | None:
        """Return what stands in a table."""
        slot = self.slots.setdefault((table, key), len(self.slots))
        return next((row for number, row in state.rows if number == slot), None)

    def ids(self, state: State) -> Iterator[str]:
        """Return ids that nobody holds or has seen."""
        taken: set[str] = set()
        for _, row in state.rows:
            taken |= row.drawn
        for actor in state.actors:
            taken |= actor.node.drawn
        for message in state.queue:
            taken |= self._message_ids[message.number]
        return (name for name in (f"L{n}" for n in range(1000)) if name not in taken)

    # ------------------------------------------------------------------------- changing

    def written(self, state: State, table: str, key: tuple[str, ...], row: Row | None) -> State:
        """Put a row in its place; whoever waits for a change looks again."""
        slot = self.slots.setdefault((table, key), len(self.slots))
        kept = tuple((number, other) for number, other in state.rows if number != slot)
        rows = tuple(sorted((*kept, (slot, row)))) if row else kept
        if rows == state.rows:
            return state
        actors = tuple(a._replace(blocked=False) if a.blocked else a for a in state.actors)
        return state._replace(rows=rows, actors=actors)

    def queued(self, state: State, message: RescueMessage) -> State:
        """Put a rescued set into its queue."""
        body = message.model_dump_json()
        number = self._numbers.setdefault(body, len(self.messages))
        if number == len(self.messages):
            self.messages.append(message)
            sealed = message.tokens().access
            drawn = sealed.nonce.decode().partition(".")[0]
            self._message_ids.append(frozenset({message.grant_id, drawn}))
        return state._replace(queue=_sorted((*state.queue, Message(number, state.time))))

    def told(self, state: State, actor: Actor, answer: Answer, what: str) -> Step:
        """Let a run go on with an answer; ``state`` has the actor as it was."""
        draw = _drawing(self, state)
        node = self.runner.after(actor.node, answer, state.time, draw)
        while (known := self._known(state, node)) is not None:
            answer, state = known
            node = self.runner.after(node, answer, state.time, draw)
        rest = _without(state, actor)
        if node.outcome:
            return self._ended(rest, node, what)
        blocked = node.head is not None
        node = node.head or node
        return Step(actor.node, what, _with(rest, Actor(node.number, node, blocked)))

    def _known(self, state: State, node: Node) -> tuple[Answer, State] | None:
        """Answer at once what no other run in this scenario minds."""
        match node.question:
            case Read(table, key) if table != CONNECTIONS and not self.scenario.watches_server:
                row = self.row(state, table, key)
                return Written(row, done=True, told=row), state
            case Write(table, key, request) if (
                table != CONNECTIONS and not self.scenario.watches_server
            ):
                written = request.on(self.row(state, table, key))
                return written, self.written(state, table, key, written.row)
            case OpenKey() if not state.faults.keys:
                return Written(None, done=True, told=None), state
        return None

    def _ended(self, state: State, node: Node, what: str) -> Step:
        outcome = node.outcome or Outcome("")
        if node.holding and node.turn and node.turn.answer is Silence.AWAY:
            state = state._replace(grants=authorization.lost(state.grants, node.holding))
        if node.spec is _RESCUE:
            state = self._returned(state, node, done=outcome.word == "rescued")
        said = f"{what}; it ends: {outcome.word} {outcome.token or ''}"
        violation = None
        if outcome.error:
            violation = Violation(Invariant.NO_SURPRISE, outcome.error)
        return Step(node.parent or node, said, state, violation, outcome)

    def _returned(self, state: State, node: Node, *, done: bool) -> State:
        number = self.messages.index(node.argument)
        mine = Message(number, node.started + VISIBILITY)
        queue = list(state.queue)
        queue.remove(next(m for m in queue if m.number == number and m.fetched))
        if not done:
            queue.append(mine)
        elif state.faults.twice:
            queue.append(mine)
            state = state._replace(faults=state.faults._replace(twice=state.faults.twice - 1))
        return state._replace(queue=_sorted(queue))

    def crashed(self, state: State, actor: Actor) -> State:
        """Let a run die where it stands."""
        node, grants = actor.node, state.grants
        sent = node.holding
        if actor.waiting and isinstance(actor.waiting.answer, Reply):
            sent = node.question.form.get("refresh_token")  # type: ignore[union-attr] # it waits
        if sent:
            grants = authorization.lost(grants, sent)
        state = _without(state, actor)._replace(grants=grants)
        if node.spec is _RESCUE:
            state = self.excused(self._returned(state, node, done=False), node.argument)
        return state

    def excused(self, state: State, message: RescueMessage) -> State:
        """Note that a rescued set comes too late by a fault."""
        sealed = message.refresh
        if sealed is None or self.scenario.kind is Kind.STATIC:
            return state
        token = sealed.sealed().ciphertext.partition(b"|")[2].decode()
        which, number = authorization.token_of(token)
        return state._replace(grants=authorization.lost(state.grants, f"r{which}.{number - 1}"))

    # ------------------------------------------------------------------- what happens besides

    def happenings(self, state: State) -> Iterator[Step]:
        """Everything but an actor's next step."""
        yield from self._starts(state)
        yield from self.deliveries(state)
        yield from self._troubles(state)
        for step in self.passes(state):
            if step.state.time <= self.scenario.begins_at + self.scenario.lasts:
                yield step

    def _starts(self, state: State) -> Iterator[Step]:
        for number, left in enumerate(state.todo):
            spec = self.scenario.specs[number]
            if not left or state.time - self.scenario.begins_at not in spec.starts:
                continue
            todo = (*state.todo[:number], left - 1, *state.todo[number + 1 :])
            yield self.started(state._replace(todo=todo), spec, None)

    def started(self, state: State, spec: Spec, argument: object) -> Step:
        """Start a program; its first read comes with it."""
        node = self.runner.start(spec, argument, state.time)
        actor = Actor(node.number, node)
        state = _with(state, actor)
        match node.question:
            case Read(table, key):
                row = self.row(state, table, key)
                return self.told(
                    state, actor, Written(row, done=True, told=row), "starts and reads"
                )
        return Step(node, "starts", state)

    def deliveries(self, state: State) -> Iterator[Step]:
        for message in set(state.queue):
            if message.fetched or message.visible_at > state.time:
                continue
            queue = list(state.queue)
            queue[queue.index(message)] = message._replace(fetched=True)
            fetched = state._replace(queue=_sorted(queue))
            yield self.started(fetched, _RESCUE, self.messages[message.number])

    def _troubles(self, state: State) -> Iterator[Step]:
        faults = state.faults
        if state.outage:
            yield Step(None, "the table takes writes again", state._replace(outage=False))
        elif faults.outages and state.actors:
            fewer = faults._replace(outages=faults.outages - 1)
            over = state._replace(outage=True, faults=fewer)
            yield Step(None, "the table takes no write from now on", over)
        for number, token in enumerate(state.belated):
            others = (*state.belated[:number], *state.belated[number + 1 :])
            kind = self.scenario.kind
            done = authorization.refresh(state.grants, kind, token, state.time)
            after = state._replace(grants=done.grants, belated=others)
            yield Step(None, f"{token} arrives after all", after)
        for which, grant in enumerate(state.grants):
            if faults.withdrawn and grant.alive:
                gone = changed(state.grants, which, alive=False, withdrawn=True)
                fewer = faults._replace(withdrawn=faults.withdrawn - 1)
                after = state._replace(grants=gone, faults=fewer)
                yield Step(None, f"the user withdraws grant {which} at the service", after)

    def passes(self, state: State) -> Iterator[Step]:
        then = next_moment(state, self.row(state), self.scenario.specs, self.scenario.begins_at)
        if then is None:
            return
        for actor in state.actors:
            until = actor.waiting.until if actor.waiting else actor.node.deadline
            if actor.node.spec is _RESCUE:
                until = actor.node.started + APPLIED_WITHIN
            if actor.node.announces:
                until = min(until, actor.node.since + ANNOUNCED_WITHIN)
            if until < then:
                return
        for message in state.queue:
            in_time = message.fetched or message.visible_at + FETCHED_WITHIN >= then
            if not in_time and not state.outage:
                if not state.faults.late:
                    return
                fewer = state.faults._replace(late=state.faults.late - 1)
                late = self.excused(state, self.messages[message.number])
                later = message._replace(visible_at=state.time + 2 * VISIBILITY)
                queue = list(late.queue)
                queue[queue.index(message)] = later
                yield Step(
                    None,
                    "nobody fetches the rescued set for a minute",
                    late._replace(faults=fewer, queue=_sorted(queue)),
                )
                return
        actors = tuple(a._replace(blocked=False) if a.blocked else a for a in state.actors)
        after = state._replace(time=then, actors=actors)
        yield Step(None, f"{then - state.time} s pass, until {then}", after)


def _drawing(world: World, state: State) -> Callable[[], str]:
    return lambda: next(world.ids(state))


def _without(state: State, actor: Actor) -> State:
    actors = list(state.actors)
    actors.remove(actor)
    return state._replace(actors=tuple(actors))


def _with(state: State, actor: Actor) -> State:
    actors = sorted((*state.actors, actor), key=_order)
    return state._replace(actors=tuple(actors))


def _order(actor: Actor) -> tuple[int, bool, int]:
    return actor.number, actor.blocked, actor.waiting.until if actor.waiting else -1


def _sorted(queue: list[Message] | tuple[Message, ...]) -> tuple[Message, ...]:
    return tuple(sorted(queue))
