"""Containers that stop in the middle of a refresh, and go on when others have moved."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from threading import Event
from typing import Any

import httpx

from local.demo.journey import Journey
from local.loopback import Reply
from tests.faults.gateway.history import BrokenPromiseError, judged, ledger_of, sent_by
from tests.faults.gateway.place import (
    ENDED,
    ENDING,
    INVOKE,
    LEASE_OVER,
    Member,
    Place,
    place_of,
)
from tests.faults.gateway.points import takes_lease
from tests.faults.gateway.victims import NO_BODY, Victim, Victims
from tests.faults.kind import Tally
from tests.faults.stage import Stage

_TIMEOUT = 24.0
"""Seconds that these functions have; a refresh is begun with at least 14 of them left."""
_TOO_LATE = _TIMEOUT - 14
_AT_MOST = 60.0

type PassOn = Callable[[], Reply]


@dataclass(frozen=True, slots=True)
class Frozen:
    """A call whose container has stopped in the middle of it."""

    victim: Victim
    answer: Future[httpx.Response]
    since: float

    def thaw(self) -> httpx.Response:
        """Let it go on; return what it answers."""
        self.victim.thaw()
        return self.answer.result(_AT_MOST)


@contextmanager
def hurried(stage: Stage, ahead: int = 2, **changes: Any) -> Iterator[Victims]:
    """Victims with less time than the template gives them, and other changes."""
    changes = {"timeout": _TIMEOUT, **changes}
    with Victims(place_of(stage), INVOKE, NO_BODY, ahead, **changes) as victims:
        yield victims


def frozen_with_the_lease(stage: Stage) -> Tally:
    """Two stop with the lease: one goes on when it is too late to send, one never does."""
    place, victims = place_of(stage), stage.shared(hurried)
    with place.server() as journey, ThreadPoolExecutor() as threads:
        members = [place.connect(journey) for _ in range(2)]
        place.age(ENDING, journey.server_id)
        with victims.next() as one, victims.next() as other:
            pairs = zip((one, other), members, strict=True)
            stopped = [
                _stopped(place, journey, member, victim, threads) for victim, member in pairs
            ]
            for member in members:
                _taken_over(place, journey, member)
            first, never = stopped
            time.sleep(max(0.0, first.since + _TOO_LATE - time.monotonic()))
            thawed = first.thaw()
            ended = never.answer.result(_AT_MOST)
        if thawed.json().get("status") != "completed" or ended.status_code != 500:
            raise BrokenPromiseError(f"Thawed: {thawed.text}; never thawed: {ended.text}")
        return _refreshed_once_each(place, journey, members)


def frozen_with_the_answer(
    stage: Stage, those: Callable[[Stage], AbstractContextManager[Victims]] = hurried
) -> Tally:
    """The lease runs out while the answer is on its way; nobody else moved, so it is stored."""
    place, victims = place_of(stage), stage.shared(those)
    with place.server() as journey, ThreadPoolExecutor() as threads, victims.next() as victim:
        member = place.connect(journey)
        place.age(ENDING, member.user_id)
        answered = Event()

        def freeze(pass_on: PassOn) -> Reply:
            reply = pass_on()
            victim.freeze()
            answered.set()
            return reply

        with place.door.interrupted(journey.app.client_id, freeze), victim.called():
            answer = threads.submit(journey.invoke, member.user_id)
            _happened(answered)
        place.age(LEASE_OVER, member.user_id)
        if journey.invoke(member.user_id).json().get("status") != "completed":
            raise BrokenPromiseError("The old access token did not serve.")
        thawed = Frozen(victim, answer, 0).thaw()
        ledger = ledger_of(place, journey, member.user_id)
        if thawed.json().get("status") != "completed" or not ledger:
            raise BrokenPromiseError(f"Thawed: {thawed.text}")
        if ledger.connection.generation != 2 or ledger.connection.lease:
            raise BrokenPromiseError(f"What was answered is not stored: {ledger}")
        return _refreshed_once_each(place, journey, [member])


def _stopped(
    place: Place, journey: Journey, member: Member, victim: Victim, threads: ThreadPoolExecutor
) -> Frozen:
    """Send a call; return when its container has the lease and stands still."""
    leased, since = Event(), time.monotonic()

    def freeze(_: object, pass_on: PassOn) -> Reply:
        reply = pass_on()
        victim.freeze()
        leased.set()
        return reply

    with place.stack.guard.interrupted(takes_lease(member), freeze), victim.called():
        answer = threads.submit(journey.invoke, member.user_id)
        _happened(leased)
    return Frozen(victim, answer, since)


def _taken_over(place: Place, journey: Journey, member: Member) -> None:
    """Others find the lease over, wait for its holder, and then refresh."""
    place.age(LEASE_OVER, member.user_id)
    journey.invoke(member.user_id).raise_for_status()
    place.age(ENDED, member.user_id)
    if journey.invoke(member.user_id).json().get("status") != "completed":
        raise BrokenPromiseError("Nobody took over.")


def _happened(event: Event) -> None:
    if not event.wait(_AT_MOST):
        raise BrokenPromiseError("The container never came to the point where it was to stop.")


def _refreshed_once_each(place: Place, journey: Journey, members: list[Member]) -> Tally:
    sent = sent_by(journey)
    if sent.refreshes != len(members):
        raise BrokenPromiseError(f"{sent.refreshes} refreshes for {len(members)} connections.")
    return sum((judged(place, journey, member) for member in members), sent)
