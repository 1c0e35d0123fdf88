"""Every way in which an actor's next request can be answered."""

from collections.abc import Iterator

from broker.model import Status
from tests.model import authorization, invariants
from tests.model.actors import Node
from tests.model.authorization import changed
from tests.model.invariants import Invariant, Violation
from tests.model.rows import Put, Row, Written, row_of
from tests.model.stand_ins import CONNECTIONS
from tests.model.state import Actor, State, Waiting
from tests.model.told import (
    BOOTED,
    EPOCH,
    Answer,
    Enqueue,
    OpenKey,
    Poll,
    Read,
    Reply,
    Send,
    Silence,
    Write,
)
from tests.model.world import Step, World

_CLIENT_REFUSED = Reply(400, '{"error": "invalid_client"}')


def successors(world: World, state: State) -> Iterator[Step]:
    """Return every next step of the world."""
    for actor in dict.fromkeys(state.actors):
        if not actor.blocked:
            yield from steps(world, state, actor)
        if state.faults.crashes and _may_crash(actor):
            after = world.crashed(_less(state, "crashes"), actor)
            yield Step(actor.node, "is killed", after)
    yield from world.happenings(state)


def _may_crash(actor: Actor) -> bool:
    """A run that has done nothing, or that only reads, may as well never go on."""
    return actor.waiting is not None or (
        actor.node.acted and not isinstance(actor.node.question, Read | Poll | OpenKey)
    )


def steps(world: World, state: State, actor: Actor) -> Iterator[Step]:
    if actor.waiting:
        yield from _arrivals(world, state, actor, actor.waiting)
        return
    match actor.node.question:
        case Read(table, key):
            row = world.row(state, table, key)
            yield world.told(state, actor, Written(row, done=True, told=row), "reads")
        case Poll():
            yield world.told(state, actor, None, "waits")
        case Write() as write:
            yield from _writes(world, state, actor, write)
        case Send() as sent:
            yield from _sent(world, state, actor, sent)
        case Enqueue(message):
            after = world.queued(state, message)
            yield world.told(after, actor, None, "puts the set on the rescue queue")
            if state.faults.queue:
                after = _less(state, "queue")
                yield world.told(after, actor, Silence.AWAY, "finds the rescue queue away")
        case OpenKey():
            opened = Written(None, done=True, told=None)
            yield world.told(state, actor, opened, "opens a key")
            away = _less(state, "keys")
            yield world.told(away, actor, Silence.AWAY, "finds the key service away")


def _arrivals(world: World, state: State, actor: Actor, waiting: Waiting) -> Iterator[Step]:
    if waiting.sure:
        yield world.told(state, actor, waiting.answer, "gets the answer, late")
    elif state.time >= waiting.until:
        yield world.told(state, actor, Silence.LOST, "gives up waiting for an answer")


# --------------------------------------------------------------------------------- the table


def _writes(world: World, state: State, actor: Actor, write: Write) -> Iterator[Step]:
    before = world.row(state, write.table, write.key)
    said = "writes" if write.table == CONNECTIONS else f"writes to {write.table}"
    if state.outage and write.table == CONNECTIONS:
        yield world.told(state, actor, Silence.AWAY, "finds the table away")
        return
    written = _on(actor.node, write, before)
    after = _with_row(world, state, write, before, written.row)
    if written.done:
        yield _judged(world, state, write, world.told(after, actor, written, said))
    else:
        yield world.told(state, actor, written, f"{said}, and is refused")
    if state.faults.away:
        lost = _excused(world, _less(state, "away"), actor)
        yield world.told(lost, actor, Silence.AWAY, f"{said}: fails")
        if written.row is not before:
            lost = _excused(world, _less(after, "away"), actor)
            step = world.told(lost, actor, Silence.AWAY, f"{said}: done, but the answer is lost")
            yield _judged(world, state, write, step)
    if state.faults.repeated and written.done:
        again = _apart_from_history(write.request.on(written.row))
        once = _less(after, "repeated")
        twice = _with_row(world, once, write, written.row, again.row)
        step = world.told(twice, actor, again, f"{said} twice")
        yield _judged(world, state, write, step)


def _on(node: Node, write: Write, before: Row | None) -> Written:
    if before not in node.written:
        node.written[before] = _apart_from_history(write.request.on(before))
    return node.written[before]


def _apart_from_history(written: Written) -> Written:
    """Leave out moments on which nothing depends for hours, lest each makes another state."""
    row = written.row
    if row is None or not row.item.keys() & _HISTORY:
        return written
    item = {name: EPOCH if name in _HISTORY else value for name, value in row.item.items()}
    same = row_of(item)
    return Written(same, done=written.done, told=same if written.told is row else written.told)


_HISTORY = frozenset(
    {"created_at", "connected_at", "used_at", "due_at", "due_shard", "removing_since"}
)


def _with_row(
    world: World, state: State, write: Write, before: Row | None, after: Row | None
) -> State:
    if write.table != CONNECTIONS or after is before:
        return world.written(state, write.table, write.key, after)
    state = world.written(state, write.table, write.key, after)
    if before is None:
        return state
    if after is None or invariants.held(after).status == Status.REMOVING:
        which = invariants.held(before).grant
        return state._replace(grants=changed(state.grants, which, left=True))
    return state


def _judged(world: World, state: State, write: Write, step: Step) -> Step:
    if write.table != CONNECTIONS or step.violation:
        return step
    before, after = world.row(state), world.row(step.state)
    if before is after:
        return step
    established = isinstance(write.request, Put)
    kind = world.scenario.kind
    found = invariants.of_write(before, after, state.grants, kind, established=established)
    return step._replace(violation=found)


def _excused(world: World, state: State, actor: Actor) -> State:
    """A fault that hits the rescue itself may make it come too late."""
    message = actor.node.argument
    return world.excused(state, message) if message else state


# ------------------------------------------------------------------- the authorization server


def _sent(world: World, state: State, actor: Actor, sent: Send) -> Iterator[Step]:
    if sent.path == "/revoke":
        yield from _revocations(world, state, actor, sent)
    elif sent.form["grant_type"] == "authorization_code":
        done = authorization.consent(state.grants)
        after = state._replace(grants=done.grants)
        yield world.told(after, actor, done.reply, "redeems the code")
    else:
        yield from _refreshes(world, state, actor, sent)


def _refreshes(world: World, state: State, actor: Actor, sent: Send) -> Iterator[Step]:
    token = sent.form["refresh_token"]
    until = int(sent.deadline - BOOTED)
    if state.time >= until:
        yield world.told(state, actor, Silence.NOT_SENT, "has no time left to send")
        return
    done = authorization.refresh(state.grants, world.scenario.kind, token, state.time)
    after = state._replace(grants=done.grants)
    violation = None
    if done.reused:
        violation = Violation(Invariant.PRESENTED_ONCE, f"{token} comes a second time")

    def judged(step: Step) -> Step:
        return step if step.violation else step._replace(violation=violation)

    said = f"sends {token}"
    answered = f"{said}: {done.reply.status}"
    yield judged(world.told(after, actor, done.reply, answered))
    faults = state.faults
    marked = after._replace(grants=authorization.lost(after.grants, token))
    if faults.lost:
        lost = _less(marked, "lost")
        yield judged(world.told(lost, actor, Silence.LOST, f"{said}: the answer is lost"))
        if faults.slow:
            late = _less(lost, "slow")
            yield judged(_waits(late, actor, until, Silence.LOST, f"{said}: no answer comes"))
    if faults.slow:
        slow = _waits(_less(after, "slow"), actor, until, done.reply, f"{said}: answered slowly")
        yield judged(slow)
    if faults.belated:
        grants = authorization.lost(state.grants, token)
        belated = tuple(sorted((*state.belated, token)))
        under_way = _less(state, "belated")._replace(grants=grants, belated=belated)
        yield _waits(under_way, actor, until, Silence.LOST, f"{said}, which gets stuck")
    if faults.broken:
        broken = _less(state, "broken")
        yield world.told(broken, actor, Silence.LOST, f"{said}, which never arrives")
    if faults.refused:
        refused = _less(state, "refused")
        yield world.told(refused, actor, _CLIENT_REFUSED, f"{said}: the client is refused")


def _waits(state: State, actor: Actor, until: int, answer: Answer, what: str) -> Step:
    waiting = Waiting(until, answer, sure=isinstance(answer, Reply))
    actors = list(state.actors)
    actors[actors.index(actor)] = actor._replace(waiting=waiting)
    return Step(actor.node, what, state._replace(actors=tuple(actors)))


def _revocations(world: World, state: State, actor: Actor, sent: Send) -> Iterator[Step]:
    token = sent.form["token"]
    everything = world.scenario.revokes_all
    grants, ended = authorization.revoke(state.grants, token, all_of_user=everything)
    violation = invariants.of_revocation(ended, world.row(state), actor.node.looked)
    after = state._replace(grants=grants)
    step = world.told(after, actor, authorization.revoked(), f"revokes {token}")
    yield step._replace(violation=step.violation or violation)
    if state.faults.unrevoked:
        away = _less(state, "unrevoked")
        yield world.told(away, actor, Silence.LOST, f"revokes {token}, which never arrives")
        lost = _less(after, "unrevoked")
        step = world.told(lost, actor, Silence.LOST, f"revokes {token}: the answer is lost")
        yield step._replace(violation=step.violation or violation)


def _less(state: State, fault: str) -> State:
    left = state.faults._replace(**{fault: getattr(state.faults, fault) - 1})
    return state._replace(faults=left)
