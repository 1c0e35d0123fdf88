"""Services that are away in the middle of a refresh: the table, the key, the event bus.

A service is away from one of its points on until the walk has ended: so the SDK's repetition
meets the same. It may be away before it does what is asked, or only after.
"""

from collections.abc import Callable
from dataclasses import dataclass

from local.demo.journey import Journey
from local.loopback import Reply
from local.permissions import Ask
from local.permissions.guard import AWAY, failure
from tests.faults.gateway.history import BrokenPromiseError, judged, sent_by
from tests.faults.gateway.messages import RESCUE, held_in, send_due
from tests.faults.gateway.place import ENDED, INVOKE, WORKER, Member, Place, place_of
from tests.faults.gateway.points import Path, watched
from tests.faults.kind import Tally
from tests.faults.stage import Stage

LATER = 3600
"""Seconds after which no lease and no pause between attempts is left."""

type PassOn = Callable[[], Reply]
type Goes = Callable[[Place, Journey, Member], None]


@dataclass(frozen=True, slots=True)
class Outage:
    """A service that is away, how it says so, and whether it does what is asked all the same."""

    actions: str
    """The beginning of the actions that it has."""
    reply: Reply
    applied: bool = False
    anew: bool = False
    """Whether each walk is a new user's, whose keys nobody holds open."""

    def acts(self, pass_on: PassOn) -> Reply:
        """Be away for one request."""
        if self.applied:
            pass_on()
        return self.reply


_THROTTLED = failure(
    400, "ProvisionedThroughputExceededException", "The level of configured throughput is exceeded."
)
THROTTLED = Outage("dynamodb:", _THROTTLED)
TOO_LATE = Outage("dynamodb:", AWAY, applied=True)
REFUSED = Outage("kms:", failure(400, "DisabledException", "The key is disabled."), anew=True)


def by_a_call(stage: Stage, outage: Outage) -> Tally:
    """Let it be away from each of its points on the path of a call."""
    return _away_everywhere(stage, outage, INVOKE, _calls)


def by_the_worker(stage: Stage, outage: Outage) -> Tally:
    """Let it be away from each of its points on the path of the worker."""
    return _away_everywhere(stage, outage, WORKER, _looks)


def _calls(place: Place, journey: Journey, member: Member) -> None:
    journey.invoke(member.user_id)


def _looks(place: Place, journey: Journey, member: Member) -> None:
    send_due(place, journey, member)
    place.deployment.clockwork.drain()


def _away_everywhere(stage: Stage, outage: Outage, function: str, goes: Goes) -> Tally:
    place = place_of(stage)
    with place.server() as journey:
        for _ in range(2):  # the second time, nothing of the server is to be opened any more
            member = place.connect(journey)
            clean = Path()
            _walked(place, journey, member, function=function, goes=goes, path=clean)
        theirs = len(clean.those(outage.actions))
        if not theirs:
            raise BrokenPromiseError(f"Nothing of {outage.actions} is asked for on this path.")
        total = judged(place, journey, member)
        for at in range(theirs):
            path = Path(at, of=outage.actions, act=outage.acts)
            member = place.connect(journey) if outage.anew else member
            _walked(place, journey, member, function=function, goes=goes, path=path)
            if not path.acted:
                raise BrokenPromiseError(f"It was not away at point {at}.")
            _all_are_back(place, journey, member)
            total += judged(place, journey, member)
        return total + sent_by(journey) + Tally(note=f"from each of {theirs} points on")


def _walked(
    place: Place, journey: Journey, member: Member, *, function: str, goes: Goes, path: Path
) -> None:
    place.age(ENDED, member.user_id)
    place.open_a_window()
    with watched(place, journey, function, path):
        goes(place, journey, member)


def _all_are_back(place: Place, journey: Journey, member: Member) -> None:
    """A rescued set is applied; then a worker finds what was left, and later acts upon it."""
    place.deployment.clockwork.drain(redeliver=True)
    if held_in(place, RESCUE):
        raise BrokenPromiseError("A rescued set still waits.")
    for _ in range(2):
        place.age(LATER, member.user_id)
        _looks(place, journey, member)


def without_the_bus(stage: Stage) -> Tally:
    """Nobody can be told that a refresh failed, nor that a grant was withdrawn."""
    place = place_of(stage)
    with place.server() as journey, place.stack.guard.failing(_publishes):
        failing, withdrawn = place.connect(journey), place.connect(journey)
        place.age(ENDED, journey.server_id)
        journey.app.switch(token_endpoint_mode="500", mode_count=1)
        _looks(place, journey, failing)
        _all_are_back(place, journey, failing)
        tally = judged(place, journey, failing)
        journey.app.revoke("alice")
        _looks(place, journey, withdrawn)
        state = journey.connection(withdrawn.user_id).json()
        if (state["status"], state["reason"]) != ("reconnect_required", "refresh_rejected"):
            raise BrokenPromiseError(f"The withdrawn grant is not flagged: {state}")
        return tally + Tally(1) + sent_by(journey)


def _publishes(_: str, ask: Ask) -> bool:
    return ask.action == "events:PutEvents"
