"""A hundred calls at once at the moment an access token has run out, from four processes."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from tests.faults.crew import WorkerGone
from tests.faults.families import Rotation
from tests.faults.history import checked
from tests.faults.kind import Kind, Tally
from tests.faults.stage import Stage
from tests.faults.world import LIFE, SERVER, World, world

PROCESSES, THREADS = 4, 25
type Runner = Callable[[Stage], Tally]


def storm(
    given: World, users: Sequence[str], *, refused: bool = False, forsaken: bool = False
) -> list[dict[str, Any]]:
    """Let each process call as 25 users at once, all at one moment; return all answers.

    ``forsaken``: a process may die over it.
    """
    workers = given.crew.healthy(PROCESSES)
    for worker in workers:
        worker.ask("warm", server=SERVER)
    at = time.monotonic() + 0.1
    begun = [
        worker.begin("call", server=SERVER, users=list(users), at=at, refused=refused)
        for worker in workers
    ]
    dead = (WorkerGone,) if forsaken else ()
    return [
        told
        for each in begun
        if not isinstance(each.exception(100), dead)
        for told in each.result()
    ]


def _at_expiry(rotation: Rotation, passed: float) -> Runner:
    def run(stage: Stage) -> Tally:
        given = stage.shared(world)
        given.empty()
        given.register()
        family = given.connect("jo", rotation)
        given.time.passes(passed)
        answers = storm(given, ["jo"] * THREADS)
        served = {str(told.get("token", told.get("error"))) for told in answers}
        assert len(answers) == PROCESSES * THREADS
        assert family.requests == 1, f"{family.requests} refresh requests"
        if passed > LIFE:
            assert served == {f"at.{family.number}.1"}, served
        return checked(given, given.crew.healthy(1)[0], ["jo"])

    return run


def _after_a_401(stage: Stage) -> Tally:
    given = stage.shared(world)
    given.empty()
    given.register()
    family = given.connect("jo", Rotation.STRICT)
    answers = storm(given, ["jo"] * THREADS, refused=True)
    assert {told.get("token") for told in answers} == {f"at.{family.number}.1"}, answers
    assert family.requests == 1, f"{family.requests} refresh requests"
    return checked(given, given.crew.healthy(1)[0], ["jo"])


def _clocks_apart(rotation: Rotation) -> Runner:
    def run(stage: Stage) -> Tally:
        given = stage.shared(world)
        given.empty()
        given.register()
        users = [f"u{number}" for number in range(5)]
        given.connect_all(users, rotation)
        workers = [given.crew.worker(wrong_by=seconds) for seconds in (-120.0, 0.0, 60.0, 120.0)]
        rounds = 4
        for number in range(1, rounds + 1):
            given.time.passes(LIFE + 121)  # run out by everybody's clock
            at = time.monotonic() + 0.1
            begun = [w.begin("call", server=SERVER, users=users * 5, at=at) for w in workers]
            for each in begun:
                each.result(100)
            asked = {given.grants[user][-1].requests for user in users}
            assert asked == {number}, f"{asked} refresh requests after {number} rounds"
        for worker in workers:
            worker.kill()
        return checked(given, given.crew.healthy(1)[0], users, runs=rounds)

    return run


KINDS = (
    *(
        Kind(
            f"100 calls at expiry, {rotation}",
            "100 calls at once, of 4 processes, on an access token that has run out",
            "one refresh request, and all 100 calls are served with the new token",
            _at_expiry(rotation, LIFE + 1),
            short=True,
        )
        for rotation in Rotation
    ),
    Kind(
        "100 calls shortly before expiry, strict",
        "100 calls at once, of 4 processes, on an access token that is about to run out",
        "one refresh request; nobody waits, the old token serves meanwhile",
        _at_expiry(Rotation.STRICT, LIFE - 100),
    ),
    Kind(
        "100 calls after a 401, strict",
        "the MCP server answers 401 to 100 calls at once, of 4 processes",
        "one refresh request, and all 100 calls are served with the new token",
        _after_a_401,
    ),
    *(
        Kind(
            f"clocks 2 minutes apart, {rotation}",
            "100 calls at once, of 4 processes whose clocks are wrong by -120, 0, 60 and 120 s",
            "one refresh request each time the token has run out",
            _clocks_apart(rotation),
            short=rotation is Rotation.STRICT,
        )
        for rotation in Rotation
    ),
)
