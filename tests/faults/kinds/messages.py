"""Messages that come twice, out of order, late or spoilt; two schedulers at once."""

from concurrent.futures import Future
from typing import Any

from tests.faults.failures import failing
from tests.faults.families import Rotation
from tests.faults.history import calls, checked
from tests.faults.kind import Kind, Tally
from tests.faults.kinds.answers import minute
from tests.faults.kinds.kills import due_message
from tests.faults.kinds.kills_elsewhere import rescued
from tests.faults.misbehaviour import lost
from tests.faults.scenes import Run, each_asked, named, of, opened
from tests.faults.stage import Stage
from tests.faults.world import LIFE, SERVER, World, event_of

_SPOILT = ("", "{", "[]", '{"user_id":1}', '{"v":99,"user_id":"u0","server_id":"crm"}', '"\\ud800"')


def _at_once(world: World, queue: str, batches: list[list[str]]) -> list[Any]:
    """Hand batches to workers of their own, at the same time."""
    workers = world.crew.healthy(len(batches))
    begun: list[Future[Any]] = [
        worker.begin("deliver", event=event_of(queue, bodies))
        for worker, bodies in zip(workers, batches, strict=True)
    ]
    return [each.result(100) for each in begun]


def _duplicates(rotation: Rotation) -> Run:
    def run(stage: Stage) -> Tally:
        users = list(named("u", 5))
        world = opened(stage, users, rotation)
        world.time.passes(LIFE - 100)
        bodies = [due_message(user) for user in users]
        _at_once(world, "DueQueue", [bodies * 2] * 4)
        each_asked(world, users, 1)
        _at_once(world, "DueQueue", [bodies * 2] * 4)
        each_asked(world, users, 1)
        return checked(world, world.crew.healthy(1)[0], users)

    return run


def _reordered(stage: Stage) -> Tally:
    """Messages of three rounds, delivered in the wrong order and again."""
    users = list(named("u", 5))
    world = opened(stage, users, Rotation.STRICT)
    worker = world.crew.healthy(1)[0]
    kept: list[str] = []
    for _ in range(3):
        world.time.passes(LIFE - 100)
        worker.ask("tick")
        kept += world.messages("DueQueue")
        stage.random("reordered").shuffle(kept)
        world.deliver(worker, "DueQueue", kept)
    each_asked(world, users, 3)
    return checked(world, worker, users)


def _poison(stage: Stage) -> Tally:
    users = list(named("u", 4))
    world = opened(stage, users, Rotation.STRICT)
    world.time.passes(LIFE - 100)
    bodies = [*_SPOILT, *(due_message(user) for user in users), due_message("nobody")]
    worker = world.crew.healthy(1)[0]
    told = worker.ask("deliver", event=event_of("DueQueue", bodies))
    failed = {each["itemIdentifier"] for each in told["batchItemFailures"]}
    assert failed == {str(number) for number in range(len(_SPOILT))}, failed
    told = worker.ask("deliver", event=event_of("RescueQueue", list(_SPOILT)))
    assert len(told["batchItemFailures"]) == len(_SPOILT)
    each_asked(world, users, 1)
    return checked(world, worker, users)


def _two_schedulers(stage: Stage) -> Tally:
    users = list(named("u", 30))
    world = opened(stage, users, Rotation.STRICT)
    world.time.passes(LIFE - 100)
    ticks = [worker.begin("tick") for worker in world.crew.healthy(2)]
    queued = sum(tick.result(60)["queued"] for tick in ticks)
    bodies = world.messages("DueQueue")
    assert (queued, len(bodies), len(set(bodies))) == (30, 30, 30), "each is queued once"
    half = len(bodies) // 2
    for start in range(0, half, 5):
        batches = [bodies[start : start + 5], bodies[half + start : half + start + 5]]
        _at_once(world, "DueQueue", batches)
    each_asked(world, users, 1)
    return checked(world, world.crew.healthy(1)[0], users)


def _queue_away(stage: Stage) -> Tally:
    users = list(named("u", 12))
    world = opened(stage, users, Rotation.STRICT)
    world.time.passes(LIFE - 100)
    worker = world.crew.healthy(1)[0]
    with world.proxy.rule(of("SendMessageBatch"), before=failing):
        worker.begin("tick").exception(60)
    minute(world, worker)
    each_asked(world, users, 1)
    return checked(world, worker, users)


def _rescued_twice_at_once(stage: Stage) -> Tally:
    users = list(named("u", 4))
    world = opened(stage, users, Rotation.STRICT)
    messages = rescued(world, users)
    for user in users:
        _at_once(world, "RescueQueue", [[messages[user]]] * 4)
    return checked(world, world.crew.healthy(1)[0], users)


def _rescued_late(stage: Stage) -> Tally:
    """Another container refreshed meanwhile, and the grant was flagged: the set saves it."""
    users = list(named("u", 4))
    world = opened(stage, users, Rotation.GRACE)
    messages = rescued(world, users)
    world.time.passes(LIFE)  # past the grace: the server has given up on nobody yet
    worker = world.crew.healthy(1)[0]
    calls(worker, users, seconds=6.2)
    for user in users:
        world.deliver(worker, "RescueQueue", [messages[user]])
    each_asked(world, users, 1)
    return checked(world, worker, users)


def _rescued_after_the_next(stage: Stage) -> Tally:
    """The next generation is stored already when the set of the one before it comes again."""
    users = list(named("u", 4))
    world = opened(stage, users, Rotation.STRICT)
    messages = rescued(world, users)
    worker = world.crew.healthy(1)[0]
    for _ in range(3):
        world.deliver(worker, "RescueQueue", list(messages.values()))
        world.time.passes(LIFE + 50)
        calls(worker, users)
    return checked(world, worker, users)


def _call_and_worker(stage: Stage) -> Tally:
    """Calls, due messages and ticks all at once, round after round."""
    users = list(named("u", 10))
    world = opened(stage, users, Rotation.STRICT)
    first, second, third = world.crew.healthy(3)
    for _ in range(4):
        world.time.passes(LIFE - 60)
        bodies = [due_message(user) for user in users]
        begun = [
            first.begin("call", server=SERVER, users=users * 2),
            second.begin("deliver", event=event_of("DueQueue", bodies)),
            third.begin("tick"),
        ]
        for each in begun:
            each.result(100)
        world.deliver(third, "DueQueue", world.messages("DueQueue"))
    each_asked(world, users, 4)
    return checked(world, first, users)


def _ambiguous_then_worker(stage: Stage) -> Tally:
    """A worker's answer is lost: the schedule alone finds out, once the token has run out."""
    users = list(named("u", 4))
    world = opened(stage, users, Rotation.STRICT)
    world.time.passes(LIFE - 100)
    worker = world.crew.healthy(1)[0]
    for user in users:
        world.grants[user][-1].script.append(lost())
    for _ in range(20):
        minute(world, worker)
        world.time.passes(60)
    each_asked(world, users, 2)
    tally = checked(world, worker, users)
    assert tally.ambiguous == len(users)
    return tally


KINDS = (
    *(
        Kind(
            f"duplicate messages, {rotation}",
            "each due message is delivered eight times, to four workers at once, and again later",
            "one refresh request",
            _duplicates(rotation),
            short=rotation is Rotation.STRICT,
        )
        for rotation in Rotation
    ),
    Kind(
        "reordered messages",
        "messages of earlier minutes are delivered again, in any order",
        "one refresh request each time it is due",
        _reordered,
    ),
    Kind(
        "poison messages",
        "messages that are no messages, and one of a newer version, lie among the others",
        "they alone are left in the queue; the others are looked at",
        _poison,
        short=True,
    ),
    Kind(
        "two schedulers at once",
        "two schedulers run at the same moment",
        "each due connection is queued once",
        _two_schedulers,
        short=True,
    ),
    Kind(
        "due queue away",
        "the queue takes nothing of what the scheduler has claimed",
        "given back: the next tick queues it",
        _queue_away,
    ),
    Kind(
        "rescue delivered to four workers at once",
        "a rescued set is delivered four times at the same moment",
        "applied once",
        _rescued_twice_at_once,
    ),
    Kind(
        "rescue an hour late",
        "a rescued set is delivered after an hour, with calls in between",
        "nobody sends before it is applied",
        _rescued_late,
    ),
    Kind(
        "rescue delivered after the next generation",
        "a rescued set comes again when later generations are stored",
        "it changes nothing",
        _rescued_after_the_next,
    ),
    Kind(
        "calls, workers and schedule at once",
        "calls, due messages and a tick meet at the same connections",
        "one refresh request each time it is due",
        _call_and_worker,
    ),
    Kind(
        "worker's answer lost, strict",
        "the answer to a refresh ahead of time is lost",
        "nothing is sent while the old token serves; then flagged once with ambiguous_refresh",
        _ambiguous_then_worker,
    ),
)
