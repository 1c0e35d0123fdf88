"""SIGKILL at every await point: enumerated from one clean run, before and after each request."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from tests.faults.crew import Worker, WorkerGone
from tests.faults.families import Rotation
from tests.faults.fuse import Fuse, Point, lit, points_of, recorded
from tests.faults.history import checked
from tests.faults.kind import Kind, Tally
from tests.faults.scenes import Run, named, opened
from tests.faults.stage import Stage
from tests.faults.world import LIFE, SERVER, World, event_of

_AT_ONCE = 4
_WINDOW = 11.0
"""Seconds apart, workers count their refreshes for the pace in windows of their own."""

type Deed = Callable[[Worker, str], Future[Any]]
"""Begins what a worker does for a user."""


def call(worker: Worker, user: str) -> Future[Any]:
    """Call as a user, with time for one refresh."""
    return worker.begin("call", server=SERVER, users=[user], seconds=20.0)


def look(worker: Worker, user: str) -> Future[Any]:
    """Deliver the message that a user's connection is due, to a worker that is alone."""
    return worker.begin("deliver", event=event_of("DueQueue", [due_message(user)]))


def due_message(user: str) -> str:
    """Return a message of the due queue."""
    return f'{{"v":1,"user_id":"{user}","server_id":"{SERVER}"}}'


def burn(
    world: World, points: list[Point], users: list[str], deed: Deed, *, pause: float = 0.0
) -> None:
    """Let one worker for each point act for its user, and die there.

    ``pause``: one after the other, so many seconds apart.
    """
    workers = [world.crew.worker() for _ in points]
    fuses = [
        Fuse(world, worker, user, point, Worker.kill)
        for worker, user, point in zip(workers, users, points, strict=True)
    ]

    def one(fuse: Fuse) -> None:
        world.time.passes(pause)
        done = deed(fuse.worker, fuse.user)
        fuse.wait()
        try:
            done.result(60)
        except WorkerGone:
            return
        raise AssertionError(f"{fuse.user} survived {fuse.point}")

    with lit(world, fuses), ThreadPoolExecutor(1 if pause else _AT_ONCE) as pool:
        list(pool.map(one, fuses))


def _at_every_point(
    rotation: Rotation, deed: Deed, passed: float, least: int, pause: float = 0.0
) -> Run:
    def run(stage: Stage) -> Tally:
        world = opened(stage, ["clean"], rotation)
        world.time.passes(passed)
        scout = world.crew.worker()
        points = points_of(recorded(world, scout, "clean", lambda: deed(scout, "clean").result(60)))
        assert len(points) >= least, points
        users = list(named("u", len(points)))
        world.connect_all(users, rotation)
        world.time.passes(passed)
        burn(world, points, users, deed, pause=pause)
        world.time.passes(40)
        tally = checked(world, world.crew.healthy(1)[0], users, runs=len(points))
        lost = sum(world.grants[user][-1].losses for user in users)
        assert lost > 0, "no kill fell between answer and write"
        expected = lost if rotation is Rotation.STRICT else 0
        assert tally.ambiguous == expected, f"{tally.ambiguous} ended, {lost} answers were lost"
        return tally

    return run


_OUTCOME = {
    Rotation.STRICT: "another container takes over after the recovery; where the answer had been"
    " given and not stored, the grant is flagged once with ambiguous_refresh",
    Rotation.GRACE: "another container takes over after the recovery and gets the same set again",
    Rotation.STATIC: "another container takes over after the recovery and refreshes",
}

KINDS = (
    *(
        Kind(
            f"call killed at every await point, {rotation}",
            "SIGKILL of the container that refreshes for a call, before and after each of its"
            " requests",
            _OUTCOME[rotation],
            _at_every_point(rotation, call, LIFE + 1, 14),
            short=rotation is Rotation.STRICT,
        )
        for rotation in Rotation
    ),
    *(
        Kind(
            f"worker killed at every await point, {rotation}",
            "SIGKILL of the worker that refreshes ahead of time, before and after each of its"
            " requests",
            _OUTCOME[rotation],
            _at_every_point(rotation, look, LIFE - 400, 14, _WINDOW),
        )
        for rotation in Rotation
    ),
)
