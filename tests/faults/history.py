"""The check after each run: the server's log and the store's form one line rt0 → rt1 → …

First every connection is brought to rest: enough simulated time passes for leases, recoveries and
pauses to end, rescued sets are delivered, and each user calls until the call is served or the user
is asked to reconnect. Then what is stored is held against what the authorization server issued.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from broker.model import Connection, Reason, Status
from tests.faults.crew import Worker
from tests.faults.families import Family, Rotation
from tests.faults.kind import Tally
from tests.faults.world import LIFE, SERVER, World

_PASSES = (0.0, 150.0, LIFE)
_LOOKS, _SENDS = 6.2, 16.0
"""Seconds that a call has: too few to send, so that who finds a lease does not wait; enough."""
_ROUNDS = 24
_AT_ONCE = 40


@dataclass(frozen=True, slots=True)
class Rest:
    """How a user's last call ended."""

    user: str
    token: str = ""
    reason: str = ""
    error: str = ""


def checked(world: World, worker: Worker, users: Iterable[str], runs: int = 1) -> Tally:
    """Bring the users' connections to rest, and count what must not be."""
    users = list(users)
    rested = settled(world, worker, users)
    tally = Tally(runs=runs, refreshes=world.service.requests)
    for user in users:
        tally += judged(world, rested[user])
    flagged = [user for user in users if rested[user].reason]
    return tally + _left_alone(world, worker, flagged)


def settled(world: World, worker: Worker, users: list[str]) -> dict[str, Rest]:
    """Let every user call, also past the end of access tokens, until there is an end to it."""
    rested: dict[str, Rest] = {}
    for passed in _PASSES:
        world.time.passes(passed)
        rested |= _called(world, worker, [user for user in users if not _flagged(rested, user)])
    return rested


def _called(world: World, worker: Worker, users: list[str]) -> dict[str, Rest]:
    rested: dict[str, Rest] = {}
    waiting = users
    for number in range(_ROUNDS):
        world.deliver(worker, "RescueQueue", world.messages("RescueQueue"))
        pauses = [0.0]
        for told in calls(worker, waiting, seconds=_SENDS if number else _LOOKS):
            rested[told["user"]] = _rest(told)
            pauses.append(told.get("retry_after", 0))
        waiting = [user for user in waiting if rested[user].error]
        if not waiting:
            break
        world.time.passes(max(50.0, *pauses))
    return rested


def calls(worker: Worker, users: list[str], **more: Any) -> list[dict[str, Any]]:
    """Let users call at once, so many at a time as a process has threads for."""
    told: list[dict[str, Any]] = []
    for start in range(0, len(users), _AT_ONCE):
        told += worker.ask("call", server=SERVER, users=users[start : start + _AT_ONCE], **more)
    return told


def _rest(told: dict[str, Any]) -> Rest:
    user = told["user"]
    if "token" in told:
        return Rest(user, token=told["token"])
    if told["error"] == "unusable":
        return Rest(user, reason=told["reason"] or "not_connected")
    return Rest(user, error=told["error"])


def _flagged(rested: dict[str, Rest], user: str) -> bool:
    return user in rested and bool(rested[user].reason)


def judged(world: World, rest: Rest) -> Tally:
    """Hold one user's connection against the newest grant, and the earlier ones against theirs."""
    *earlier, family = world.grants[rest.user]
    tally = _spent(world, family, rest.user)
    for old in earlier:
        tally += _spent(world, old, rest.user)
    if rest.error:
        return tally + Tally(stuck=1, note=f"{rest.user}: still {rest.error}")
    connection = world.stored(rest.user)
    if connection is None:
        return tally + Tally(lost=1, note=f"{rest.user}: the connection is gone")
    if connection.status is Status.RECONNECT_REQUIRED:
        return tally + _ended(world, family, connection)
    return tally + _chained(world, family, connection, rest)


def _losses(world: World, family: Family, user: str) -> int:
    return family.losses + world.killed.get(user, 0)


def _spent(world: World, family: Family, user: str) -> Tally:
    excess = family.spent_twice - _losses(world, family, user)
    if excess <= 0:
        return Tally()
    return Tally(double_spends=excess, note=f"{user}: spent again without a lost answer")


def _ended(world: World, family: Family, connection: Connection) -> Tally:
    """A connection that asks for its user: there must have been a cause."""
    user, reason = connection.user_id, connection.reason
    if reason is Reason.AMBIGUOUS_REFRESH and family.ended == "reuse":
        if _losses(world, family, user):
            return Tally(ambiguous=1)
        return Tally(lost=1, note=f"{user}: the grant ended although no answer was lost")
    if reason is Reason.REFRESH_REJECTED and family.ended == "withdrawn":
        return Tally()
    return Tally(
        lost=1, note=f"{user}: flagged with {reason}, the grant: {family.ended or 'alive'}"
    )


def _chained(world: World, family: Family, connection: Connection, rest: Rest) -> Tally:
    """What is stored must be the end of the chain, and counted as such."""
    user, place = connection.user_id, connection.generation - 1
    wrong = []
    if family.ended:
        wrong.append(f"the grant ended ({family.ended}), and the connection is active")
    if world.stored_token(connection) != family.refresh_token(place):
        wrong.append(f"generation {place + 1} does not hold rt{place}")
    unstored = family.newest - place
    if unstored > (_losses(world, family, user) if family.rotation is Rotation.STATIC else 0):
        wrong.append(f"the store holds set {place}, the server issued {family.newest}")
    if rest.token != f"at.{family.number}.{family.newest}":
        wrong.append(f"the call was served with {rest.token}")
    return Tally(lost=len(wrong[:1]), note="".join(f"{user}: {each}" for each in wrong[:1]))


def _left_alone(world: World, worker: Worker, flagged: list[str]) -> Tally:
    """A call of somebody who must reconnect sends nothing."""
    before = world.service.requests
    calls(worker, flagged)
    world.time.passes(LIFE)
    calls(worker, flagged)
    if world.service.requests == before:
        return Tally()
    return Tally(stuck=1, note="a flagged connection was refreshed again")
