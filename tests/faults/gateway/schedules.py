"""Schedulers: two at once, and one that dies before or after it has queued what it claimed."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from local.demo.journey import Journey
from local.loopback import Reply
from local.permissions import Ask
from local.permissions.guard import PassOn
from tests.faults.gateway.history import BrokenPromiseError, judged, sent_by
from tests.faults.gateway.messages import DUE, held_in
from tests.faults.gateway.place import ENDING, SCHEDULER, Member, Place, place_of
from tests.faults.kind import Tally
from tests.faults.stage import Stage

_MANY = 11
"""More than one request to the queue takes."""
_FEW = 3
_CLAIM_OVER = 15 * 60 + 5


def two_at_once(stage: Stage) -> Tally:
    """Two ticks at the same time, and a third: each connection is queued once."""
    place = place_of(stage)
    with place.server() as journey:
        members = _due(place, journey, _MANY)
        with ThreadPoolExecutor() as threads:
            ticks = [threads.submit(_tick, place) for _ in range(2)]
            queued = sum(tick.result() for tick in ticks)
        seen = (queued, _tick(place), held_in(place, DUE))
        if seen != (_MANY, 0, _MANY):
            raise BrokenPromiseError(f"Queued by two, by a third, and held: {seen}")
        place.deployment.clockwork.drain()
        return _each_refreshed_once(place, journey, members)


def killed_before_queueing(stage: Stage) -> Tally:
    """The claims outlive the scheduler, and bring the connections back when they are over."""
    place = place_of(stage)
    with place.server() as journey:
        members = _due(place, journey, _FEW)
        _tick_and_die(place, applied=False)
        if held_in(place, DUE) or place.deployment.tick().deliveries:
            raise BrokenPromiseError("What was claimed was queued.")
        place.age(_CLAIM_OVER, journey.server_id)
        place.deployment.tick()
        return _each_refreshed_once(place, journey, members)


def killed_after_queueing(stage: Stage) -> Tally:
    """What it has queued is done once, also when its claims are over."""
    place = place_of(stage)
    with place.server() as journey:
        members = _due(place, journey, _FEW)
        _tick_and_die(place, applied=True)
        place.deployment.tick()
        place.age(_CLAIM_OVER, journey.server_id)
        place.deployment.tick()
        return _each_refreshed_once(place, journey, members)


def _due(place: Place, journey: Journey, how_many: int) -> list[Member]:
    members = [place.connect(journey) for _ in range(how_many)]
    place.age(ENDING, journey.server_id)
    return members


def _tick(place: Place) -> int:
    """Have one scheduler run; return how many connections it queued."""
    answer = place.deployment.invoke(SCHEDULER, {})
    return int(answer.json()["queued"])


def _tick_and_die(place: Place, *, applied: bool) -> None:
    """Kill the scheduler when it queues what it has claimed, or when that has been taken."""

    def die(_: Ask, pass_on: PassOn) -> Reply:
        if applied:
            pass_on()
        for container in place.deployment.containers(SCHEDULER):
            container.kill()
        raise ConnectionAbortedError

    with place.stack.guard.interrupted(_queues, die):
        answer = place.deployment.invoke(SCHEDULER, {})
    if answer.error != "Runtime.ExitError":
        raise BrokenPromiseError(f"The scheduler did not die: {answer}")


def _queues(function: str, ask: Ask) -> bool:
    return (function, ask.action) == (SCHEDULER, "sqs:SendMessage")


def _each_refreshed_once(place: Place, journey: Journey, members: Sequence[Member]) -> Tally:
    sent = sent_by(journey)
    if sent.refreshes != len(members):
        raise BrokenPromiseError(f"{sent.refreshes} refreshes for {len(members)} connections.")
    return sum((judged(place, journey, member) for member in members), sent)
