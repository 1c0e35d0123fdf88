"""Users who leave or connect again, and builders who edit, in the middle of a refresh.

The middle is one of three moments: the token endpoint is asked and has not yet done anything, it
has issued the next set and the answer is on its way, the next set is about to be stored.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from threading import Event

import httpx

from local.demo.journey import Journey
from local.loopback import Reply
from local.permissions import Ask
from tests.faults.gateway.history import BrokenPromiseError, judged, sent_by
from tests.faults.gateway.place import ENDED, Member, Place, place_of
from tests.faults.gateway.points import stores_set
from tests.faults.kind import Tally
from tests.faults.stage import Stage

_AT_MOST = 60.0

type PassOn = Callable[[], Reply]
type Meanwhile = Callable[[Callable[[], object]], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Middle:
    """A user whose refresh is about to begin, and helpers that act in the middle of it."""

    place: Place
    journey: Journey
    member: Member
    threads: ThreadPoolExecutor

    def moments(self) -> tuple[Meanwhile, ...]:
        """Return the three: each has an action done when it comes."""
        return (self._asked, self._answered, self._storing)

    def act(self, meanwhile: Meanwhile, action: Callable[[], object]) -> None:
        """Call as the user, with the action in the middle; return when both have ended.

        The call may end first: a store that does not answer for so long is asked again.
        """
        acted = Event()

        def all_of_it() -> None:
            try:
                action()
            finally:
                acted.set()

        with meanwhile(all_of_it):
            self.journey.invoke(self.member.user_id)
            if not acted.wait(_AT_MOST):
                raise BrokenPromiseError("The middle of the refresh never came, or never ended.")

    @contextmanager
    def _asked(self, action: Callable[[], object]) -> Iterator[None]:
        def act(pass_on: PassOn) -> Reply:
            action()
            return pass_on()

        with self.place.door.interrupted(self.journey.app.client_id, act):
            yield

    @contextmanager
    def _answered(self, action: Callable[[], object]) -> Iterator[None]:
        def act(pass_on: PassOn) -> Reply:
            reply = pass_on()
            action()
            return reply

        with self.place.door.interrupted(self.journey.app.client_id, act):
            yield

    @contextmanager
    def _storing(self, action: Callable[[], object]) -> Iterator[None]:
        with self.place.stack.guard.meanwhile(stores_set(self.member), action):
            yield

    def disconnecting(self) -> Future[httpx.Response]:
        """Begin to disconnect; return as soon as the connection says so."""
        begun = Event()

        def act(_: Ask, pass_on: PassOn) -> Reply:
            reply = pass_on()
            begun.set()
            return reply

        with self.place.stack.guard.interrupted(self._removes, act):
            answer = self.threads.submit(self.journey.disconnect, self.member.user_id)
            if not begun.wait(_AT_MOST):
                raise BrokenPromiseError("The removal never began.")
        return answer

    def _removes(self, _: str, ask: Ask) -> bool:
        named = ask.context.get("dynamodb:Attributes", ())
        return "removing_since" in named and self.member.user_id in ask.key


@contextmanager
def _middle(place: Place, journey: Journey) -> Iterator[Middle]:
    member = place.connect(journey)
    place.age(ENDED, member.user_id)
    with ThreadPoolExecutor() as threads:
        yield Middle(place, journey, member, threads)


def _in_each_middle(stage: Stage, run: Callable[[Middle, Meanwhile], Tally]) -> Tally:
    place, total = place_of(stage), Tally()
    for number in range(3):
        with place.server() as journey, _middle(place, journey) as middle:
            total += run(middle, middle.moments()[number]) + sent_by(journey)
    return total


def disconnected(stage: Stage) -> Tally:
    """Disconnect: the newest token is the one revoked, and nothing is left."""
    return _in_each_middle(stage, _disconnected)


def _disconnected(middle: Middle, meanwhile: Meanwhile) -> Tally:
    left: list[Future[httpx.Response]] = []
    journey, user_id = middle.journey, middle.member.user_id
    middle.act(meanwhile, lambda: left.append(middle.disconnecting()))
    [answer] = left
    said = answer.result(_AT_MOST).json()
    alive = [grant["refresh_tokens"] for grant in journey.app.grants() if grant["alive"]]
    gone = middle.place.connections.get(user_id, journey.server_id)[0] is None
    asked = journey.invoke(user_id).json().get("reason")
    seen = (said.get("revocation"), alive, gone, asked)
    if seen != ("confirmed", [], True, "not_connected"):
        raise BrokenPromiseError(f"Revoked, alive at the service, gone, and asked for: {seen}")
    return Tally(1)


def connected_again(stage: Stage) -> Tally:
    """Disconnect and connect again: the new grant stands, whatever the old refresh brings."""
    return _in_each_middle(stage, _connected_again)


def _connected_again(middle: Middle, meanwhile: Meanwhile) -> Tally:
    left: list[Future[httpx.Response]] = []
    new: list[Member] = []

    def leave_and_come_back() -> None:
        left.append(middle.disconnecting())
        new.append(middle.place.again(middle.journey, middle.member))

    middle.act(meanwhile, leave_and_come_back)
    if left[0].result(_AT_MOST).status_code >= 500:
        raise BrokenPromiseError(f"Disconnecting: {left[0].result().text}")
    return _only_the_new_one_stands(middle, new)


def reconnected(stage: Stage) -> Tally:
    """Connect again in place, without leaving: the new grant stands."""
    return _in_each_middle(stage, _reconnected)


def _reconnected(middle: Middle, meanwhile: Meanwhile) -> Tally:
    new: list[Member] = []
    middle.act(meanwhile, lambda: new.append(middle.place.again(middle.journey, middle.member)))
    return _only_the_new_one_stands(middle, new)


def _only_the_new_one_stands(middle: Middle, new: list[Member]) -> Tally:
    """Check the new grant now, and once more after a refresh of its own."""
    [member] = new
    fresh = judged(middle.place, middle.journey, member)
    middle.place.age(ENDED, member.user_id)
    renewed = judged(middle.place, middle.journey, member)
    return fresh + renewed


def edited(stage: Stage) -> Tally:
    """Move the server elsewhere: nothing more is sent, and going back restores the newest set."""
    return _in_each_middle(stage, _edited)


def _edited(middle: Middle, meanwhile: Meanwhile) -> Tally:
    journey, user_id = middle.journey, middle.member.user_id
    origin = journey.app.endpoints(middle.place.door.origin)
    stands = journey.configuration(**origin)
    moved = stands | {"mcp_url": f"{journey.tenant.origin}/moved/mcp"}
    middle.act(meanwhile, lambda: journey.put(**moved).raise_for_status())
    sent = sent_by(journey)
    middle.place.age(ENDED, user_id)
    failure = journey.invoke(user_id).json().get("failure", {})
    if (failure.get("code"), sent_by(journey)) != ("server_changed", sent):
        raise BrokenPromiseError(f"After the edit: {failure}, {sent_by(journey)}")
    journey.put(**stands).raise_for_status()
    return judged(middle.place, journey, middle.member)
