"""What people do in the middle of a refresh: disconnect, connect again, reconnect, edit."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

from broker.model import RevocationScope
from tests.faults.families import Rotation
from tests.faults.history import calls, checked
from tests.faults.kind import Kind, Tally
from tests.faults.kinds.answers import minute
from tests.faults.kinds.kills_elsewhere import removed, rescued
from tests.faults.misbehaviour import killed_after, killed_before, meanwhile
from tests.faults.proxy import Asked
from tests.faults.scenes import Run, advancing, leasing, named, opened
from tests.faults.stage import Stage
from tests.faults.world import LIFE, SERVER, World

_USERS = 4
_ELSEWHERE = "https://elsewhere.example.com/mcp"

type Moment = str
"""``lease``: right before it is taken; ``answer``: between the server's processing and its answer;
``write``: right before the new set is written."""
MOMENTS: tuple[Moment, ...] = ("lease", "answer", "write")


def interrupted(
    world: World, users: list[str], moment: Moment, act: Callable[[str], object]
) -> list[dict[str, Any]]:
    """Let users call whose token has run out, and somebody act at a moment of each refresh."""
    worker = world.crew.healthy(1)[0]
    told = []
    for user in users:
        if moment == "answer":
            world.grants[user][-1].script.append(meanwhile(partial(act, user)))
            told += calls(worker, [user])
            continue
        kind = leasing if moment == "lease" else advancing

        def fits(asked: Asked, user: str = user, kind: Any = kind) -> bool:
            return asked.user == user and bool(kind(asked))

        def before(_: Asked, user: str = user) -> None:
            act(user)

        with world.proxy.rule(fits, before=before, times=1):
            told += calls(worker, [user])
    return told


def _disconnected(rotation: Rotation, moment: Moment) -> Run:
    """A user disconnects: the removal waits for the refresh, and revokes what it brought."""

    def run(stage: Stage) -> Tally:
        users = list(named("u", _USERS))
        world = opened(stage, users, rotation)
        world.time.passes(LIFE + 1)
        other = world.crew.healthy(2)[1]
        begun: list[Future[Any]] = []

        def disconnect(user: str) -> None:
            begun.append(other.begin("disconnect", server=SERVER, user=user))
            _until(lambda: _removing(world, user))

        interrupted(world, users, moment, disconnect)
        assert {each.result(60) for each in begun} == {"confirmed"}
        for user in users:
            family = world.grants[user][-1]
            newest = family.refresh_token(family.newest)
            assert newest in world.service.revoked, f"{user}: {newest} was not revoked"
        return removed(world, users, runs=len(users))

    return run


def _removing(world: World, user: str) -> bool:
    stands = world.stored(user)
    return stands is None or stands.removing_since is not None


def _until(true: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(1_000):
        if true():
            return
        pause.wait(0.01)
    raise AssertionError("it never came to that")


def _connected_again(rotation: Rotation, moment: Moment, scope: RevocationScope) -> Run:
    """Disconnected and connected again while the refresh of the old grant is under way."""

    def run(stage: Stage) -> Tally:
        users = list(named("u", _USERS))
        world = opened(stage, users, rotation, revocation_scope=scope)
        world.time.passes(LIFE + 1)
        other = world.crew.healthy(2)[1]

        def again(user: str) -> None:
            # Nobody waits for the lease: the removal has no more time than that.
            other.ask("disconnect", server=SERVER, user=user, seconds=7.2)
            assert world.stored(user) is None
            world.connect(user, rotation)

        told = interrupted(world, users, moment, again)
        for user, each in zip(users, told, strict=True):
            assert each.get("token") == f"at.{world.grants[user][-1].number}.0", each
        return checked(world, other, users, runs=len(users))

    return run


def _reconnected(rotation: Rotation, moment: Moment, scope: RevocationScope) -> Run:
    """Connected anew in place while the refresh of the old grant is under way."""

    def run(stage: Stage) -> Tally:
        users = list(named("u", _USERS))
        world = opened(stage, users, rotation, revocation_scope=scope)
        world.time.passes(LIFE + 1)
        told = interrupted(world, users, moment, lambda user: world.connect(user, rotation))
        for user, each in zip(users, told, strict=True):
            old, new = world.grants[user]
            assert each.get("token") == f"at.{new.number}.0", each
            ended = moment != "lease" and scope is RevocationScope.TOKEN
            assert old.ended == ("revoked" if ended else ""), f"the old grant: {old.ended}"
        return checked(world, world.crew.healthy(1)[0], users, runs=len(users))

    return run


def _edited(moment: Moment) -> Run:
    """The builder moves the server in the middle of a refresh, and back."""

    def run(stage: Stage) -> Tally:
        users = list(named("u", _USERS))
        world = opened(stage, users, Rotation.STRICT)
        before = world.desk.servers.get(SERVER)
        assert before
        world.time.passes(LIFE + 1)
        worker = world.crew.healthy(1)[0]
        for user in users:
            interrupted(world, [user], moment, lambda _: world.register(mcp_url=_ELSEWHERE))
            sent = world.service.requests
            world.time.passes(LIFE)
            [told] = calls(worker, [user])
            assert told.get("reason") == "server_changed", told
            assert world.service.requests == sent, "refreshed for a server that was moved"
            world.register(mcp_url=before.mcp_url)
        return checked(world, worker, users, runs=len(users))

    return run


def _disconnected_after_a_kill(*, after: bool) -> Run:
    """The holder was killed mid-lease when the user disconnects."""

    def run(stage: Stage) -> Tally:
        users = list(named("u", _USERS))
        world = opened(stage, users, Rotation.STRICT)
        world.time.passes(LIFE + 1)
        other = world.crew.healthy(1)[0]
        for user in users:
            victim = world.crew.worker()
            wrong = killed_after if after else killed_before
            world.grants[user][-1].script.append(wrong(victim.kill))
            victim.begin("call", server=SERVER, users=[user]).exception(60)
            world.time.passes(31)
            other.ask("disconnect", server=SERVER, user=user)
        return removed(world, users, runs=len(users))

    return run


def _disconnected_with_a_rescue(stage: Stage) -> Tally:
    """The newest set lies in the rescue queue when the user disconnects."""
    users = list(named("u", _USERS))
    world = opened(stage, users, Rotation.STRICT)
    messages = rescued(world, users)
    worker = world.crew.healthy(1)[0]
    world.time.passes(33)
    for user in users:
        worker.ask("disconnect", server=SERVER, user=user)
    failed = world.deliver(worker, "RescueQueue", list(messages.values()))
    assert failed == 0
    for user in users:
        family = world.grants[user][-1]
        assert family.refresh_token(family.newest) in world.service.revoked
    return removed(world, users, runs=len(users))


def _revocation_down(stage: Stage) -> Tally:
    """The service cannot be reached for half an hour when users disconnect."""
    users = list(named("u", _USERS))
    world = opened(stage, users, Rotation.STRICT)
    worker = world.crew.healthy(1)[0]
    world.service.goes_down()
    told = {worker.ask("disconnect", server=SERVER, user=user) for user in users}
    assert told == {"pending"}
    for _ in range(3):
        world.time.passes(10 * 60)
        minute(world, worker)
    world.service.comes_back()
    return removed(world, users, runs=len(users))


_AT = {
    "lease": "right before the lease is taken",
    "answer": "between the server's processing and its answer",
    "write": "right before the new set is written",
}

KINDS = (
    *(
        Kind(
            f"disconnected at the {moment}, {rotation}",
            f"the user disconnects in the middle of a refresh: {_AT[moment]}",
            "the removal waits for the refresh; the newest refresh token is revoked, all is erased",
            _disconnected(rotation, moment),
        )
        for moment, rotation in (
            ("lease", Rotation.STRICT),
            ("answer", Rotation.STRICT),
            ("answer", Rotation.STATIC),
        )
    ),
    *(
        Kind(
            f"disconnected and connected again at the {moment}, {scope} scope",
            f"the user disconnects and connects again in the middle of a refresh: {_AT[moment]}",
            "the late set touches nothing of the new grant, and the call is served with that",
            _connected_again(Rotation.STRICT, moment, scope),
        )
        for moment, scope in (
            ("lease", RevocationScope.GRANT),
            ("write", RevocationScope.GRANT),
            ("write", RevocationScope.TOKEN),
        )
    ),
    *(
        Kind(
            f"reconnected at the {moment}, {scope} scope",
            f"the user reconnects in place in the middle of a refresh: {_AT[moment]}",
            "the late set is dropped, and revoked only where that cannot end the new grant",
            _reconnected(Rotation.STRICT, moment, scope),
            short=moment == "answer",
        )
        for moment, scope in (
            ("lease", RevocationScope.GRANT),
            ("answer", RevocationScope.GRANT),
            ("write", RevocationScope.GRANT),
            ("write", RevocationScope.TOKEN),
        )
    ),
    *(
        Kind(
            f"server edited at the {moment}",
            f"the builder moves the server in the middle of a refresh: {_AT[moment]}",
            "no refresh for the moved server; moved back, the connections serve again",
            _edited(moment),
        )
        for moment in MOMENTS
    ),
    *(
        Kind(
            f"disconnected after a kill {'after' if after else 'before'} the server",
            "the user disconnects from a connection whose holder was killed mid-lease",
            "revoked and erased",
            _disconnected_after_a_kill(after=after),
        )
        for after in (False, True)
    ),
    Kind(
        "disconnected while a set lies in the rescue queue",
        "the user disconnects while the newest set waits to be applied",
        "the waiting set is revoked when it comes, too",
        _disconnected_with_a_rescue,
    ),
    Kind(
        "disconnected while the service is away",
        "the service cannot be reached for half an hour when the user disconnects",
        "the worker goes on trying: revoked and erased",
        _revocation_down,
    ),
)
