"""SIGKILL and SIGSTOP of who delivers, removes, schedules, or holds a lease too long."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from tests.faults.crew import Worker
from tests.faults.failures import failing
from tests.faults.families import Rotation
from tests.faults.fuse import Fuse, Point, lit, points_of, recorded
from tests.faults.history import calls, checked
from tests.faults.kind import Kind, Tally
from tests.faults.kinds.kills import burn, call
from tests.faults.kinds.storms import THREADS, Runner, storm
from tests.faults.misbehaviour import killed_after, killed_before
from tests.faults.scenes import Run, advancing, named, opened
from tests.faults.stage import Stage
from tests.faults.world import LIFE, SERVER, World, event_of


def rescued(world: World, users: list[str]) -> dict[str, str]:
    """Let users' sets be refreshed and not stored; return each one's message."""
    world.time.passes(LIFE + 1)
    worker = world.crew.healthy(1)[0]
    with world.proxy.rule(advancing, before=failing):
        calls(worker, users)
    messages = world.messages("RescueQueue")
    found = {user: body for body in messages for user in users if f'"{user}"' in body}
    assert len(found) == len(users), f"{len(found)} of {len(users)} sets were rescued"
    return found


def _rescue_killed(stage: Stage) -> Tally:
    world = opened(stage, named("clean", 1), Rotation.STRICT)
    [body] = rescued(world, ["clean0"]).values()
    scout = world.crew.worker()

    def deliver(worker: Worker, user: str) -> Future[Any]:
        return worker.begin("deliver", event=event_of("RescueQueue", [bodies[user]]))

    bodies = {"clean0": body}
    clean = recorded(world, scout, "clean0", lambda: deliver(scout, "clean0").result(60))
    points = points_of(clean)
    assert len(points) >= 6, points
    users = list(named("u", len(points)))
    world.connect_all(users, Rotation.STRICT)
    bodies |= rescued(world, users)
    burn(world, points, users, deliver)
    for user in users:  # nobody deleted it: the queue delivers it again
        family = world.grants[user][-1]
        family.losses = 0
        world.clients["sqs"].send_message(
            QueueUrl=world.physical["RescueQueue"], MessageBody=bodies[user]
        )
    return checked(world, world.crew.healthy(1)[0], users, runs=len(points))


def _removal_killed(stage: Stage) -> Tally:
    world = opened(stage, ["clean"], Rotation.STRICT)
    scout = world.crew.worker()

    def remove(worker: Worker, user: str) -> Future[Any]:
        return worker.begin("disconnect", server=SERVER, user=user)

    points = points_of(recorded(world, scout, "clean", lambda: remove(scout, "clean").result(60)))
    assert len(points) >= 12, points
    users = list(named("u", len(points)))
    world.connect_all(users, Rotation.STRICT)
    burn(world, points, users, remove)
    return removed(world, users, runs=len(points))


def removed(world: World, users: list[str], runs: int) -> Tally:
    """See that each removal that began is brought to its end, and that the others did nothing."""
    worker = world.crew.healthy(1)[0]
    for _ in range(3):
        world.time.passes(16 * 60)
        worker.ask("tick")
        world.deliver(worker, "DueQueue", world.messages("DueQueue"))
    left = [user for user in users if world.stored(user)]
    gone = [user for user in users if user not in left]
    assert gone, "no removal came to its end"
    tally = checked(world, worker, left, runs=runs)
    for user in gone:
        family = world.grants[user][-1]
        if family.ended != "revoked":
            tally += Tally(stuck=1, note=f"{user}: removed, and the grant lives on")
    return tally


def _frozen_at_every_point(rotation: Rotation) -> Run:
    def run(stage: Stage) -> Tally:
        world = opened(stage, ["clean"], rotation)
        world.time.passes(LIFE + 1)
        scout = world.crew.worker()
        clean = recorded(world, scout, "clean", lambda: call(scout, "clean").result(60))
        points = [Point(number, True, what) for number, what in enumerate(clean)]
        users = list(named("u", len(points)))
        world.connect_all(users, rotation)
        world.time.passes(LIFE + 1)
        fuses = [
            Fuse(world, world.crew.worker(), user, point, Worker.freeze, kills=False)
            for user, point in zip(users, points, strict=True)
        ]
        with lit(world, fuses):
            begun = [call(fuse.worker, fuse.user) for fuse in fuses]
            for fuse in fuses:
                fuse.wait()
        other = world.crew.healthy(1)[0]
        for seconds in (6.2, 20.0):  # the first finds a lease that ran out, the second takes it
            world.time.passes(50)
            calls(other, users, seconds=seconds)
        for fuse, done in zip(fuses, begun, strict=True):
            fuse.worker.thaw()
            done.result(60)
            fuse.worker.kill()
        return checked(world, other, users, runs=len(points))

    return run


def _killed_among_a_hundred(rotation: Rotation, *, after: bool) -> Runner:
    def run(stage: Stage) -> Tally:
        world = opened(stage, ["jo"], rotation)
        family = world.grants["jo"][-1]
        world.time.passes(LIFE + 1)

        def kill() -> None:
            world.crew.named(world.proxy.holders["jo"]).kill()
            world.time.passes(40)  # so that those who wait need not

        family.script.append(killed_after(kill) if after else killed_before(kill))
        told = storm(world, ["jo"] * THREADS, forsaken=True)
        errors = {str(each.get("error")) for each in told}
        assert len(told) == 3 * THREADS, "the calls of one process died with it"
        assert errors <= {"refresh_in_progress", "temporarily_unavailable"}, errors
        calls(world.crew.healthy(1)[0], ["jo"], seconds=6.2)  # finds a lease that ran out
        world.time.passes(50)
        storm(world, ["jo"] * THREADS)
        ended = after and rotation is Rotation.STRICT
        assert family.requests == 2, f"{family.requests} refresh requests"
        tally = checked(world, world.crew.healthy(1)[0], ["jo"])
        assert tally.ambiguous == ended, tally
        return tally

    return run


def _scheduler_killed(stage: Stage) -> Tally:
    users = list(named("u", 12))
    world = opened(stage, users, Rotation.STRICT)
    runs = 0
    for write in range(1, 12, 2):
        world.time.passes(LIFE - 100)
        victim = world.crew.worker()
        count = iter(range(1_000))

        def kill(
            _: object, count: Any = count, write: int = write, victim: Worker = victim
        ) -> None:
            if next(count) == write:
                victim.kill()

        with world.proxy.rule(_of_scheduler(victim), after=kill):
            victim.begin("tick").exception(60)
        runs += 1
        worker = world.crew.healthy(1)[0]
        for _ in range(2):  # at once those who were not claimed, after 15 minutes the others
            worker.ask("tick")
            world.deliver(worker, "DueQueue", world.messages("DueQueue"))
            world.time.passes(15 * 60 + 1)
        behind = [user for user in users if world.grants[user][-1].newest != runs]
        assert not behind, f"never looked at: {behind}"
    return checked(world, world.crew.healthy(1)[0], users, runs=runs)


def _of_scheduler(victim: Worker) -> Callable[[Any], bool]:
    writes = {"UpdateItem", "SendMessageBatch"}
    return lambda asked: asked.worker == victim.name and asked.operation in writes


_FROZEN = "SIGSTOP of the container that refreshes, at every await point, until its lease has run"
KINDS = (
    Kind(
        "rescue killed at every await point",
        "SIGKILL of the worker that applies a rescued set, before and after each of its requests",
        "the queue delivers it again, and the set is applied once",
        _rescue_killed,
    ),
    Kind(
        "removal killed at every await point",
        "SIGKILL of the container that disconnects a user, before and after each of its requests",
        "the worker brings the removal to its end: revoked and erased",
        _removal_killed,
    ),
    Kind(
        "scheduler killed between claim and send",
        "SIGKILL of the scheduler after some of its claims and sends",
        "the next tick queues the others, and the claimed come again after 15 minutes",
        _scheduler_killed,
    ),
    *(
        Kind(
            f"container frozen past its lease, {rotation}",
            f"{_FROZEN} out and another container has refreshed; then SIGCONT",
            "it sends nothing and stores nothing any more",
            _frozen_at_every_point(rotation),
        )
        for rotation in Rotation
    ),
    *(
        Kind(
            f"holder killed {'after' if after else 'before'} the answer, {rotation}",
            "SIGKILL of the process that refreshes while 100 calls wait, "
            + ("between answer and write" if after else "mid-lease, as its request arrives"),
            "the waiting calls get a stated 503, and one of the next refreshes",
            _killed_among_a_hundred(rotation, after=after),
        )
        for rotation in (Rotation.STRICT, Rotation.GRACE)
        for after in (False, True)
    ),
)
