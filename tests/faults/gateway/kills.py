"""A container is killed at every await point of a path: before the request, and after it."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from local.demo.journey import Journey
from tests.faults.gateway.history import BrokenPromiseError, judged, sent_by
from tests.faults.gateway.messages import send_due
from tests.faults.gateway.place import (
    ENDED,
    ENDING,
    INVOKE,
    LEASE_OVER,
    RECOVERED,
    WORKER,
    Member,
    Mode,
    Place,
    place_of,
)
from tests.faults.gateway.points import Moment, Path, must_reach, watched
from tests.faults.gateway.victims import Victim, Victims, callees, workers
from tests.faults.kind import Tally
from tests.faults.stage import Stage


@dataclass(frozen=True, slots=True)
class Walk:
    """One walk along a path: who is on it, and whom it is made to end for."""

    place: Place
    journey: Journey
    member: Member


@dataclass(frozen=True, slots=True)
class Way:
    """A path through the product, and how others take up what was left on it."""

    function: str
    victims: Callable[[Stage], AbstractContextManager[Victims]]
    goes: Callable[[Walk, Victim], Callable[[], object]]
    """Sends the victim on its way; what is returned is how others go on afterwards, until a
    call by the user must work."""


def killed_everywhere(
    stage: Stage, way: Way, mode: Mode, moments: Callable[[Path], Iterable[Moment]] = Path.moments
) -> Tally:
    """Walk once to learn the points, then once for each of these moments."""
    place, victims = place_of(stage), stage.shared(way.victims)
    with place.server(mode) as journey:
        walk = Walk(place, journey, place.connect(journey))
        clean = Path()
        total = _walked(walk, way, victims, clean)
        for at, applied in moments(clean):
            lost = mode.rotates and clean.loses(at, applied=applied)
            path = Path(at=at, applied=applied)
            total += _walked(walk, way, victims, path, lost=lost)
            must_reach(path, clean)
            if lost:  # its line has a gap now, or has ended
                walk = Walk(place, journey, place.connect(journey))
        note = f"{len(clean.points)} points, {total.runs - 1} kills"
        return total + sent_by(journey) + Tally(note=note)


def killed_with_the_answer(stage: Stage, way: Way, mode: Mode) -> Tally:
    """Walk once for each moment at which who dies takes the only copy of a set with it."""
    return killed_everywhere(stage, way, mode, Path.losing)


def _walked(walk: Walk, way: Way, victims: Victims, path: Path, *, lost: bool = False) -> Tally:
    walk.place.open_a_window()
    walk.place.age(ENDING, walk.member.user_id)
    with victims.next() as victim:
        path.act = victim.dies_after if path.applied else victim.dies_before
        with watched(walk.place, walk.journey, way.function, path):
            go_on = way.goes(walk, victim)
    go_on()
    return judged(walk.place, walk.journey, walk.member, answer_lost=lost)


def _a_call(walk: Walk, victim: Victim) -> Callable[[], object]:
    with victim.called():
        walk.journey.invoke(walk.member.user_id)

    def another() -> None:
        """The old access token serves who finds the lease over; then it has ended as well."""
        walk.place.age(LEASE_OVER, walk.member.user_id)
        answer = walk.journey.invoke(walk.member.user_id)
        if answer.json().get("status") != "completed":
            raise BrokenPromiseError(f"The old access token did not serve: {answer.text}")
        walk.place.age(ENDED, walk.member.user_id)

    return another


def _a_look(walk: Walk, victim: Victim) -> Callable[[], object]:
    send_due(walk.place, walk.journey, walk.member)
    clock = victim.clockwork()
    clock.drain()

    def another() -> None:
        """The message comes again, to another worker: once to find the lease over, once to act."""
        walk.place.age(ENDED, walk.member.user_id)
        clock.sources = walk.place.deployment.clockwork.sources
        clock.drain(redeliver=True)
        walk.place.age(RECOVERED, walk.member.user_id)
        send_due(walk.place, walk.journey, walk.member)
        clock.drain()

    return another


BY_A_CALL = Way(INVOKE, callees, _a_call)
BY_THE_WORKER = Way(WORKER, workers, _a_look)
