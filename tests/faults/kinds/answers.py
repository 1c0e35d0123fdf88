"""Answers of the authorization server: lost, late, cut, refused; and a server that is away."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.faults.crew import Worker
from tests.faults.families import Misbehaviour, Rotation
from tests.faults.history import calls, checked
from tests.faults.kind import Kind, Tally
from tests.faults.misbehaviour import (
    broken,
    broken_after,
    busy,
    client_refused,
    closed,
    cut,
    half,
    hanging,
    late,
    lost,
    page,
)
from tests.faults.scenes import Run, named, opened
from tests.faults.simulated import SharedTime
from tests.faults.stage import Stage
from tests.faults.world import LIFE, World

_USERS = 6
_BACK_WITHIN = 17
"""Minutes: the longest pause is 15."""

type Wrong = Callable[[SharedTime], Misbehaviour]


def _once(wrong: Wrong, rotation: Rotation, *, passed: float = LIFE + 1, times: int = 1) -> Run:
    """The next answers of each of a few grants go wrong, one after the other."""

    def run(stage: Stage) -> Tally:
        users = list(named("u", _USERS))
        world = opened(stage, users, rotation)
        world.time.passes(passed)
        worker = world.crew.healthy(1)[0]
        for user in users:
            family = world.grants[user][-1]
            family.script.extend([wrong(world.time)] * times)
            [told] = calls(worker, [user], seconds=20.0)
            assert family.requests >= 1, "the fault was not met"
            assert "token" in told or passed > LIFE, told
        tally = checked(world, worker, users, runs=len(users))
        lost = any(world.grants[user][-1].losses for user in users)
        expected = len(users) if lost and rotation is Rotation.STRICT else 0
        assert tally.ambiguous == expected, tally
        return tally

    return run


def _slow_beyond_the_lease(rotation: Rotation) -> Run:
    """An answer comes when the lease has run out and another container has refreshed."""

    def run(stage: Stage) -> Tally:
        users = list(named("u", 3))
        world = opened(stage, users, rotation)
        world.time.passes(LIFE + 1)
        first, other = world.crew.healthy(2)
        for user in users:
            done = threading.Event()

            def another(user: str = user, done: threading.Event = done) -> None:
                time.sleep(0.1)  # so that the first waits for its answer already
                for seconds in (6.2, 20.0):
                    world.time.passes(50)
                    calls(other, [user], seconds=seconds)
                done.set()

            family = world.grants[user][-1]
            family.script.append(Misbehaviour(during=another, loses=True))
            calls(first, [user])
            assert done.wait(60)
            assert family.requests == 2, family.log
        tally = checked(world, first, users, runs=len(users))
        assert tally.ambiguous == (len(users) if rotation is Rotation.STRICT else 0), tally
        return tally

    return run


def _retry_after(stage: Stage) -> Tally:
    users = list(named("u", _USERS))
    world = opened(stage, users, Rotation.STRICT)
    world.time.passes(LIFE + 1)
    worker = world.crew.healthy(1)[0]
    for user in users:
        world.grants[user][-1].script.append(busy(120))
    calls(worker, users)
    world.time.passes(100)
    told = calls(worker, users)
    assert {each["error"] for each in told} == {"temporarily_unavailable"}, told
    assert {world.grants[user][-1].requests for user in users} == {1}, "asked again too early"
    world.time.passes(30)
    assert all("token" in each for each in calls(worker, users))
    return checked(world, worker, users, runs=len(users))


def _refuses_our_client(stage: Stage) -> Tally:
    users = list(named("u", _USERS))
    world = opened(stage, users, Rotation.STRICT)
    world.time.passes(LIFE + 1)
    worker = world.crew.healthy(1)[0]
    world.service.everybody = lambda _: client_refused()
    for _ in range(6):
        for user in users:
            calls(worker, [user])
        world.time.passes(60)
    asked = world.service.requests
    assert 2 <= asked <= 6, f"{asked} requests in six minutes: half-open is every five"
    world.service.everybody = None
    world.time.passes(300)
    return checked(world, worker, users, runs=1)


def _away(leaves: Callable[[World], object], returns: Callable[[World], object]) -> Run:
    """Away for three simulated hours, with the schedule running: nobody has to reconnect."""

    def run(stage: Stage) -> Tally:
        users = list(named("u", 24))
        world = opened(stage, users, Rotation.STRICT)
        worker, other = world.crew.healthy(2)
        world.time.passes(LIFE - 100)
        leaves(world)
        for pause in (*[20 * 60] * 8, *[60] * 16):  # by minutes where it matters
            minute(world, worker, other)
            world.time.passes(pause)
            if pause > 60:
                calls(other, users[:3])
        returns(world)
        before = {user: world.grants[user][-1].newest for user in users}
        asked: list[int] = []
        while len(asked) < _BACK_WITHIN:
            asked.append(_asked_within_a_minute(world, worker, other))
            if all(world.grants[user][-1].newest > before[user] for user in users):
                break
        else:
            raise AssertionError(f"not all were back after {_BACK_WITHIN} minutes: {asked}")
        assert max(asked) <= len(users) // 2, f"a stampede: {asked}"
        tally = checked(world, worker, users)
        assert tally.ambiguous == 0, tally
        return tally

    return run


def minute(world: World, *workers: Worker) -> None:
    """Let the schedule's minute pass: a tick, and what it queued."""
    workers[0].ask("tick")
    bodies = world.messages("DueQueue")
    with ThreadPoolExecutor(len(workers)) as pool:
        shares = [bodies[number :: len(workers)] for number in range(len(workers))]
        list(
            pool.map(
                lambda one: world.deliver(one[0], "DueQueue", one[1]),
                zip(workers, shares, strict=True),
            )
        )


def _asked_within_a_minute(world: World, *workers: Worker) -> int:
    before = world.service.requests
    minute(world, *workers)
    world.time.passes(60)
    return world.service.requests - before


def _refused(world: World) -> None:
    world.service.everybody = lambda _: broken()


def _answers_again(world: World) -> None:
    world.service.everybody = None


def _at(wrong: Callable[[], Misbehaviour]) -> Wrong:
    return lambda _: wrong()


_HALVED = "the new refresh token is stored, and sent after a pause; nobody has to reconnect"
_BACKED_OFF = "backed off and tried again; nobody has to reconnect"
_FLAGGED = "flagged once with ambiguous_refresh, then left alone"
_AGAIN = "asked again, the server gives the same set"
_REFRESHED = "asked again, the server gives another access token"
_AFTER = {Rotation.STRICT: _FLAGGED, Rotation.GRACE: _AGAIN, Rotation.STATIC: _REFRESHED}

_LOSING: tuple[tuple[str, str, Wrong], ...] = (
    ("answer lost", "the server processes the refresh and closes without an answer", _at(lost)),
    ("answer late", "the answer comes after the 8 s that it may take", lambda t: late(t, 9)),
    ("answer cut", "the answer ends in the middle", _at(cut)),
    (
        "answer broken on its way",
        "the server processes it, a gateway answers 502",
        _at(broken_after),
    ),
)
_HARMLESS: tuple[tuple[str, str, Wrong], ...] = (
    ("connection closed", "the connection is closed before the server processes", _at(closed)),
    ("server hangs", "the server neither processes nor answers", hanging),
    ("server broken", "the server answers 500, unprocessed", _at(broken)),
    ("a page answers", "a firewall answers 200 with a page, unprocessed", _at(page)),
)

KINDS = (
    *(
        Kind(
            f"{name}, {rotation}",
            fault,
            _AFTER[rotation],
            _once(wrong, rotation),
            short=name == "answer lost" and rotation is not Rotation.STATIC,
        )
        for name, fault, wrong in _LOSING
        for rotation in Rotation
    ),
    *(
        Kind(
            f"answer without an access token, {rotation}",
            "the server answers with a new refresh token alone",
            _HALVED,
            _once(_at(half), rotation),
            short=rotation is Rotation.STRICT,
        )
        for rotation in (Rotation.STRICT, Rotation.GRACE)
    ),
    Kind(
        "answer without an access token while the token serves, strict",
        "the server answers with a new refresh token alone, while the old access token is valid",
        f"the old access token serves to its end; {_HALVED}",
        _once(_at(half), Rotation.STRICT, passed=LIFE - 100),
    ),
    Kind(
        "answers lost three times, grace",
        "three answers in a row are lost",
        _AGAIN,
        _once(_at(lost), Rotation.GRACE, times=2),
    ),
    Kind(
        "answer lost while the token serves, strict",
        "the answer is lost while the old access token is valid",
        "the old token serves to its end, nothing is sent before; then " + _FLAGGED,
        _once(_at(lost), Rotation.STRICT, passed=LIFE - 100),
    ),
    *(
        Kind(
            f"answer slower than the lease, {rotation}",
            "the answer comes when the lease has run out and another container has refreshed",
            f"the late answer changes nothing; {_AFTER[rotation]}",
            _slow_beyond_the_lease(rotation),
        )
        for rotation in Rotation
    ),
    *(
        Kind(f"{name}, strict", fault, _BACKED_OFF, _once(wrong, Rotation.STRICT))
        for name, fault, wrong in _HARMLESS
    ),
    Kind(
        "server too busy",
        "the server answers 429 with Retry-After: 120",
        "nothing is sent for 120 s; then refreshed",
        _retry_after,
        short=True,
    ),
    Kind(
        "server refuses our client",
        "the server answers invalid_client to everybody for six minutes",
        "asked again every five minutes; no connection is flagged",
        _refuses_our_client,
    ),
    Kind(
        "server down for three hours",
        "the server refuses connections for three hours, with the schedule running",
        "nobody has to reconnect; all come back within 17 minutes, spread, none at once",
        _away(lambda world: world.service.goes_down(), lambda world: world.service.comes_back()),
    ),
    Kind(
        "server broken for three hours",
        "the server answers 500 for three hours, with the schedule running",
        "nobody has to reconnect; all come back within 17 minutes, spread, none at once",
        _away(_refused, _answers_again),
    ),
)
