"""The next moment at which anybody's judgment of the time would change."""

import functools
from collections.abc import Iterator

from tests.model.actors import Program, Spec, disconnect
from tests.model.authorization import GRACE
from tests.model.rows import Row
from tests.model.state import Actor, State
from tests.model.told import EPOCH

FETCHED_WITHIN = 2
"""Seconds that a visible message of the rescue queue waits at most, unless by a fault."""
APPLIED_WITHIN = 6
"""Seconds that it takes to apply it, at most, unless by a fault."""
ANNOUNCED_WITHIN = 6
"""Seconds from the look at a lease that has run out to the table's taking of its recovery.

These three together are what the 15 s leave that a recovery waits longer than the queue does.
"""
_GIVES_UP: dict[Program, tuple[int, int]] = {disconnect: (21, 6)}
"""When a run waits for another no longer: seconds after its start, and before its deadline."""
_GIVE_UP = (0, 5)


def next_moment(
    state: State, row: Row | None, specs: tuple[Spec, ...], begins_at: int
) -> int | None:
    """Return the next moment that matters; None: nothing changes any more by itself."""
    now = state.time
    return min((m for m in _moments(state, row, specs, begins_at) if m > now), default=None)


def _moments(
    state: State, row: Row | None, specs: tuple[Spec, ...], begins_at: int
) -> Iterator[int]:
    if row:
        yield from _of_row(row, tuple(sorted({0, *(spec.wrong_by for spec in specs)})))
    for spec, left in zip(specs, state.todo, strict=True):
        if left:
            yield from (begins_at + after for after in spec.starts)
    for actor in state.actors:
        yield from _of_actor(actor)
    for message in state.queue:
        yield message.visible_at
    for grant in state.grants:
        if grant.rotated_at:
            yield grant.rotated_at + GRACE + 1


@functools.cache
def _of_row(row: Row, wrong: tuple[int, ...]) -> tuple[int, ...]:
    item = row.item
    found = [item[name] for name in ("lease_until", "recover_at") if name in item]
    life = item["expires_at"] - item["obtained_at"]
    for ahead in wrong:
        found += [item["expires_at"] - margin - ahead for margin in (5, min(300, life // 2))]
        if "retry_at" in item:
            found.append(item["retry_at"] - ahead)
    if "ambiguous_at" in item:
        found.append(item["ambiguous_at"] + GRACE - 2)
    return tuple(moment - EPOCH for moment in found)


def _of_actor(actor: Actor) -> Iterator[int]:
    node = actor.node
    yield from (node.deadline - margin for margin in node.spec.turns)
    if actor.waiting:
        yield actor.waiting.until
    if actor.blocked:
        after, before = _GIVES_UP.get(node.spec.program, _GIVE_UP)
        yield from (node.started + after, node.deadline - before)
