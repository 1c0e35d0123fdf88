"""Ticks that fail in parts, end early or are killed: what is claimed is queued, or returns."""

import pytest

from broker.errors import TemporarilyUnavailable
from broker.flows.refresh_scheduler import Tick
from broker.metrics import OLDEST_DUE, TICK, TICK_FAILURE
from tests.integration.backlog import claimed, lay, scheduler, taken
from tests.integration.conftest import World
from tests.integration.test_ahead import tick
from tests.unit.metric_lines import counted, emitted

type Printed = pytest.CaptureFixture[str]

THROTTLED, SOUND = 7, 8


def queued(world: World) -> set[str]:
    return {message.user_id for message in taken(world)}


def of_shard(shard: int) -> str:
    return f'{{"N": "{shard}"}}'


def test_a_shard_that_cannot_be_read_does_not_stop_the_others(
    world: World, capsys: Printed
) -> None:
    lay(world, "crm", 3, shard=THROTTLED)
    sound = lay(world, "crm", 3, shard=SOUND)
    world.cloud.unavailable("Query", saying=of_shard(THROTTLED))
    assert tick(world) == Tick(3, 3)
    assert queued(world) == set(sound)
    printed = capsys.readouterr().out
    assert emitted(printed, TICK_FAILURE) == [([1.0], {"step": "read"})]
    assert counted(printed, TICK) == [{"outcome": "failed"}]


def test_a_later_page_that_cannot_be_read_leaves_the_rest_of_its_shard(
    world: World, capsys: Printed
) -> None:
    first = lay(world, "crm", 40, shard=THROTTLED)
    sound = lay(world, "crm", 3, shard=SOUND)
    world.cloud.unavailable("Query", saying="ExclusiveStartKey")
    scheduler(world, clears=100).tick(world.run(55))
    assert queued(world) == {*first[:28], *sound}
    printed = capsys.readouterr().out
    assert emitted(printed, TICK_FAILURE) == [([1.0], {"step": "read"})]
    assert emitted(printed, OLDEST_DUE) == [([60.0], {})]


def test_how_old_the_oldest_is_nobody_says_who_could_not_read_all(
    world: World, capsys: Printed
) -> None:
    lay(world, "crm", 1, shard=SOUND)
    world.cloud.unavailable("Query", saying=of_shard(THROTTLED))
    tick(world)
    assert emitted(capsys.readouterr().out, OLDEST_DUE) == []


def test_a_tick_that_can_read_nothing_fails(world: World, capsys: Printed) -> None:
    world.cloud.unavailable("Query")
    with pytest.raises(TemporarilyUnavailable):
        tick(world)
    printed = capsys.readouterr().out
    assert emitted(printed, TICK_FAILURE) == [([64.0], {"step": "read"})]
    assert emitted(printed, OLDEST_DUE) == []


def test_what_cannot_be_claimed_is_left_and_the_others_are_queued(
    world: World, capsys: Printed
) -> None:
    users = lay(world, "crm", 12)
    world.cloud.unavailable("UpdateItem", saying=users[3])
    assert tick(world) == Tick(12, 11)
    assert queued(world) == set(users) - {users[3]}
    assert emitted(capsys.readouterr().out, TICK_FAILURE) == [([1.0], {"step": "claim"})]
    world.cloud.recovers()
    assert tick(world) == Tick(1, 1)


def test_what_cannot_be_queued_is_given_back(world: World, capsys: Printed) -> None:
    users = lay(world, "crm", 3)
    before = due_moments(world)
    world.cloud.unavailable("SendMessageBatch")
    assert tick(world) == Tick(3, 0)
    assert due_moments(world) == before
    assert emitted(capsys.readouterr().out, TICK_FAILURE) == [([1.0], {"step": "queue"})]
    world.cloud.recovers()
    tick(world)
    assert queued(world) == set(users)


def test_what_can_be_neither_queued_nor_given_back_returns_when_its_claim_ends(
    world: World,
) -> None:
    users = lay(world, "crm", 3)
    world.cloud.unavailable("SendMessageBatch")
    world.cloud.after("UpdateItem", lambda: world.cloud.unavailable("UpdateItem"))
    tick(world)
    world.cloud.recovers()
    world.time.passes(minutes=15, seconds=1)
    tick(world)
    assert queued(world) == set(users)


def test_a_tick_stops_in_time_and_all_that_it_claimed_is_queued(world: World) -> None:
    users = lay(world, "crm", 40)
    world.cloud.slow("UpdateItem", 1.0)
    stopped = tick(world, 25)
    assert 0 < stopped.queued < 40
    assert claimed(world) == queued(world)
    world.cloud.recovers()
    first = claimed(world)
    tick(world)
    assert queued(world) == set(users) - first


def test_reading_leaves_time_to_queue_what_was_read(world: World, capsys: Printed) -> None:
    read = lay(world, "crm", 3, shard=0)
    lay(world, "crm", 3, shard=63)
    world.cloud.slow("Query", 2.0)
    assert tick(world, 55) == Tick(3, 3)
    assert queued(world) == set(read)
    assert counted(capsys.readouterr().out, TICK) == [{"outcome": "failed"}]


class Killed(BaseException):
    """The container is gone."""


def test_a_tick_killed_between_claim_and_queue_loses_nothing(world: World) -> None:
    users = lay(world, "crm", 20)

    def die() -> None:
        raise Killed

    world.cloud.before("SendMessageBatch", die)
    with pytest.raises(Killed):
        tick(world)
    world.cloud.recovers()
    tick(world)
    before = queued(world)
    assert len(set(users) - before) == 10
    world.time.passes(minutes=15, seconds=1)
    tick(world)
    assert queued(world) | before == set(users)


def test_a_claim_whose_answer_was_lost_is_queued_all_the_same(world: World) -> None:
    [user] = lay(world, "crm", 1)
    world.cloud.repeated.append("UpdateItem")
    assert tick(world) == Tick(1, 1)
    assert queued(world) == {user}


def test_a_queue_that_does_not_say_how_long_it_is_stops_the_tick(world: World) -> None:
    lay(world, "crm", 1)
    world.cloud.unavailable("GetQueueAttributes")
    with pytest.raises(TemporarilyUnavailable):
        tick(world)
    assert claimed(world) == set()


def due_moments(world: World) -> dict[str, str]:
    rows = world.cloud.items("ConnectionsTable")
    return {row["user_id"]["S"]: row["due_at"]["N"] for row in rows}
