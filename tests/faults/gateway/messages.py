"""What lies in the queues: twice, in another order, unreadable, or with who dies over it."""

import json
from concurrent.futures import ThreadPoolExecutor

from broker.queues import DueMessage
from local.clockwork import Delivery
from local.demo.journey import Journey
from tests.faults.gateway.history import BrokenPromiseError, judged, sent_by
from tests.faults.gateway.place import (
    ENDED,
    ENDING,
    RECOVERED,
    Member,
    Place,
    place_of,
)
from tests.faults.gateway.points import stores_set
from tests.faults.gateway.victims import workers
from tests.faults.kind import Tally
from tests.faults.stage import Stage

DUE, RESCUE, DEAD = "DueQueue", "RescueQueue", "DueDeadLetterQueue"
_TIMES = 10
_BATCH = 5
_RECEIVED_AT_MOST = 5
"""How often the due queue hands a message out before it is set aside."""


def send_due(place: Place, journey: Journey, member: Member, times: int = 1) -> None:
    """Put a connection on the due queue, as the scheduler does."""
    message = DueMessage(user_id=member.user_id, server_id=journey.server_id)
    for _ in range(times):
        _send(place, DUE, message.model_dump_json())


def held_in(place: Place, queue: str) -> int:
    """Return how many messages a queue holds, those under way included."""
    attributes = place.queues.get_queue_attributes(
        QueueUrl=place.deployment.physical_id(queue), AttributeNames=["All"]
    )["Attributes"]
    counted = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    return sum(int(attributes[name]) for name in counted)


def duplicates(stage: Stage) -> Tally:
    """The same message ten times, to two workers at once."""
    place, victims = place_of(stage), stage.shared(workers)
    with place.server() as journey, victims.next() as second:
        member = place.connect(journey)
        place.age(ENDING, member.user_id)
        send_due(place, journey, member, _TIMES)
        clocks = (place.deployment.clockwork, second.clockwork())
        with ThreadPoolExecutor() as threads:
            turns = [threads.submit(clock.drain) for clock in clocks]
            _all_taken([one for turn in turns for one in turn.result()], _TIMES)
        return _refreshed_once(place, journey, member)


def reordered(stage: Stage) -> Tally:
    """A rescued set comes once more when two further generations stand, and after a reconnect."""
    place = place_of(stage)
    with place.server() as journey:
        member = place.connect(journey)
        letter = _rescued(place, journey, member)
        for _ in range(2):
            place.age(ENDED, member.user_id)
            journey.invoke(member.user_id).raise_for_status()
        late = _delivered_late(place, journey, member, letter)
        again = place.again(journey, member)
        return late + _delivered_late(place, journey, again, letter) + sent_by(journey)


def _rescued(place: Place, journey: Journey, member: Member) -> str:
    """Have a call's set rescued and applied; return the message that did it."""
    place.age(ENDED, member.user_id)
    with place.stack.guard.failing(stores_set(member)):
        journey.invoke(member.user_id).raise_for_status()
    [letter] = _waiting(place, RESCUE)
    place.deployment.clockwork.drain()
    if held_in(place, RESCUE):
        raise BrokenPromiseError("The rescued set was not applied.")
    return letter


def _delivered_late(place: Place, journey: Journey, member: Member, letter: str) -> Tally:
    """Deliver a message that is out of date, twice, with one that is due in between."""
    for body in (letter, letter):
        _send(place, RESCUE, body)
        send_due(place, journey, member)
    _all_taken(place.deployment.clockwork.drain(), 4)
    return judged(place, journey, member)


def poison(stage: Stage) -> Tally:
    """What no worker can read is set aside, and the others of its batch are not held up."""
    place = place_of(stage)
    with place.server() as journey:
        member, before = place.connect(journey), held_in(place, DEAD)
        place.age(ENDING, member.user_id)
        bad = ("no JSON", json.dumps({"user_id": 7}), json.dumps([]))
        for body in bad:
            _send(place, DUE, body)
        send_due(place, journey, member)
        for _ in range(_RECEIVED_AT_MOST + 1):
            place.deployment.clockwork.drain(redeliver=True)
        set_aside = held_in(place, DEAD) - before
        if (set_aside, held_in(place, DUE)) != (len(bad), 0):
            raise BrokenPromiseError(f"{set_aside} of {len(bad)} messages were set aside.")
        place.queues.purge_queue(QueueUrl=place.deployment.physical_id(DEAD))
        return _refreshed_once(place, journey, member)


def killed_over_a_batch(stage: Stage) -> Tally:
    """A worker dies while it works on five messages: they come again, to another."""
    place, victims = place_of(stage), stage.shared(workers)
    with place.server() as journey:
        members = [place.connect(journey) for _ in range(_BATCH)]
        for member in members:
            place.age(ENDED, member.user_id)
            send_due(place, journey, member)
        with victims.next() as victim:
            clock = victim.clockwork()
            with place.door.interrupted(journey.app.client_id, victim.dies_before, _BATCH):
                [delivery] = clock.drain()
        if (delivery.error, delivery.failed) != ("Runtime.ExitError", _BATCH):
            raise BrokenPromiseError(f"The batch was not failed by its end: {delivery}")
        clock.sources = place.deployment.clockwork.sources
        for seconds in (RECOVERED, RECOVERED):
            place.age(seconds, journey.server_id)
            _all_taken(clock.drain(redeliver=True), _BATCH)
            for member in members:
                send_due(place, journey, member)
        clock.drain()
        tallies = [judged(place, journey, member) for member in members]
        return sum(tallies, Tally()) + sent_by(journey)


def _refreshed_once(place: Place, journey: Journey, member: Member) -> Tally:
    sent = sent_by(journey)
    if sent.refreshes != 1:
        raise BrokenPromiseError(f"{sent.refreshes} refreshes were sent, not one.")
    return judged(place, journey, member) + sent


def _all_taken(deliveries: list[Delivery], messages: int) -> None:
    taken = sum(one.messages - one.failed for one in deliveries)
    if taken != messages:
        raise BrokenPromiseError(f"{taken} of {messages} messages were taken: {deliveries}")


def _waiting(place: Place, queue: str) -> list[str]:
    """Return what waits in a queue, and leave it there."""
    url = place.deployment.physical_id(queue)
    found = place.queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
    return [message["Body"] for message in found.get("Messages", [])]


def _send(place: Place, queue: str, body: str) -> None:
    place.queues.send_message(QueueUrl=place.deployment.physical_id(queue), MessageBody=body)
