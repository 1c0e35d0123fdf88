"""The schedule: what is due is claimed, then queued, earliest first and once."""

import json
from datetime import timedelta
from itertools import batched

from broker.flows.refresh_scheduler import Tick
from tests.integration.conftest import World
from tests.integration.test_ahead import DUE, queued, tick


def test_what_is_due_is_queued_as_ids_alone(world: World) -> None:
    world.connect()
    world.time.passes(DUE + 1)
    assert tick(world) == Tick(1, 1)
    [body] = world.cloud.messages("DueQueue")
    assert json.loads(body) == {"v": 1, "user_id": "jo", "server_id": "crm"}


def test_what_is_not_due_is_not_queued(world: World) -> None:
    world.connect()
    world.time.passes(DUE - 60)
    assert tick(world) == Tick(0, 0)


def test_a_claimed_connection_is_not_queued_again_for_fifteen_minutes(world: World) -> None:
    world.connect()
    world.time.passes(DUE + 1)
    tick(world)
    world.time.passes(14 * 60)
    assert tick(world) == Tick(0, 0)
    world.time.passes(62)
    assert tick(world).queued == 1


def test_two_schedulers_at_once_queue_it_once(world: World) -> None:
    world.connect()
    world.time.passes(DUE + 1)
    world.cloud.before("UpdateItem", lambda: void(tick(world)))
    tick(world)
    assert queued(world) == ["jo"]


def void(_: object) -> None:
    """Forget a value."""


def test_the_earliest_are_queued_first_over_all_shards(world: World) -> None:
    """In batches of ten, each in its order; which batch is there first, nobody can say."""
    users = [f"user-{number:02}" for number in range(24)]
    for number, user in enumerate(reversed(users)):
        world.connect(user, due_at=world.time.now() - timedelta(minutes=number))
    tick(world)
    found = queued(world)
    assert sorted(found) == users
    for batch in batched(users, 10, strict=False):
        assert [user for user in found if user in batch] == list(batch)


def test_connections_lie_in_many_shards_and_all_of_them_are_looked_at(world: World) -> None:
    users = [f"user-{number}" for number in range(40)]
    for user in users:
        world.connect(user, due_at=world.time.now())
    shards = {item["due_shard"]["N"] for item in world.cloud.items("ConnectionsTable")}
    assert len(shards) > 20
    tick(world)
    assert sorted(queued(world)) == sorted(users)
