"""A hundred requests at once, on a token that has run out."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx

from local.demo.journey import Journey
from tests.faults.gateway.history import BrokenPromiseError, judged, sent_by
from tests.faults.gateway.place import (
    CONTAINERS,
    ENDED,
    INVOKE,
    Member,
    Mode,
    Place,
    place_of,
)
from tests.faults.kind import Tally
from tests.faults.stage import Stage

REQUESTS = 100
_MOST_REPETITIONS = 3


def storm(stage: Stage, mode: Mode) -> Tally:
    """Send them all at once; each that is told when to come again comes again."""
    place = place_of(stage)
    _warm(place)
    with place.server(mode) as journey:
        member = place.connect(journey)
        place.age(ENDED, member.user_id)
        answers = _at_once(journey, member)
        tally, sent = judged(place, journey, member), sent_by(journey)
        if tally.held and sent.refreshes != 1:
            raise BrokenPromiseError(f"{REQUESTS} requests sent {sent.refreshes} refreshes.")
    again = sum(repeated > 0 for repeated in answers)
    note = f"all {REQUESTS} completed, {again} of them after a 503 that said when"
    return tally + sent + Tally(note=note)


def _at_once(journey: Journey, member: Member) -> list[int]:
    """Return how often each request had to be repeated before it was completed."""
    together = threading.Barrier(REQUESTS)

    def one() -> int:
        together.wait()
        for repeated in range(_MOST_REPETITIONS):
            answer = journey.invoke(member.user_id)
            if answer.status_code == 200 and answer.json()["status"] == "completed":
                return repeated
            time.sleep(_when(answer))
        raise BrokenPromiseError(f"Not completed in the end: {answer.text}")

    with ThreadPoolExecutor(REQUESTS) as threads:
        sent = [threads.submit(one) for _ in range(REQUESTS)]
        return [each.result() for each in sent]


def _when(answer: httpx.Response) -> float:
    """Return what the answer says; one that is no 503 with Retry-After breaks the promise."""
    if answer.status_code != 503 or "retry-after" not in answer.headers:
        raise BrokenPromiseError(f"{answer.status_code} {answer.text}")
    return float(answer.headers["retry-after"])


def _warm(place: Place) -> None:
    """Have as many containers as one function may have."""
    with ThreadPoolExecutor(CONTAINERS) as threads:
        while len(place.deployment.containers(INVOKE)) < CONTAINERS:
            list(threads.map(lambda _: _nothing(place), range(4 * CONTAINERS)))


def _nothing(place: Place) -> None:
    """Ask for a tool without naming one: that is refused before anything is looked up."""
    place.callers.chat.post("/v1/invoke", json={})
