"""The schedule: what is due is claimed, then queued, earliest first and once."""

import json
from datetime import timedelta
from itertools import count

import pytest
from botocore.exceptions import EndpointConnectionError

from broker.errors import TemporarilyUnavailable
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


def test_what_was_claimed_before_the_table_went_away_is_queued(world: World) -> None:
    for number in range(3):
        world.connect(f"user-{number}")
    world.time.passes(DUE + 1)
    claims = count()

    def third_fails() -> None:
        if next(claims) < 2:
            world.cloud.before("UpdateItem", third_fails)
        else:
            raise EndpointConnectionError(endpoint_url="https://example.com")

    world.cloud.before("UpdateItem", third_fails)
    with pytest.raises(TemporarilyUnavailable):
        tick(world)
    assert len(queued(world)) == 2
    assert tick(world) == Tick(1, 1)


def test_two_schedulers_at_once_queue_it_once(world: World) -> None:
    world.connect()
    world.time.passes(DUE + 1)
    world.cloud.before("UpdateItem", lambda: void(tick(world)))
    tick(world)
    assert queued(world) == ["jo"]


def void(_: object) -> None:
    """Forget a value."""


def test_the_earliest_are_queued_first_over_all_shards(world: World) -> None:
    users = [f"user-{number}" for number in range(12)]
    for number, user in enumerate(reversed(users)):
        world.connect(user, due_at=world.time.now() - timedelta(minutes=number))
    tick(world)
    assert queued(world) == users


def test_connections_lie_in_many_shards_and_all_of_them_are_looked_at(world: World) -> None:
    users = [f"user-{number}" for number in range(40)]
    for user in users:
        world.connect(user, due_at=world.time.now())
    shards = {item["due_shard"]["N"] for item in world.cloud.items("ConnectionsTable")}
    assert len(shards) > 20
    tick(world)
    assert sorted(queued(world)) == sorted(users)


def test_a_long_queue_stops_the_scheduler(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.connect(due_at=world.time.now())
    monkeypatch.setattr("broker.flows.refresh_scheduler.WAITING_AT_MOST", 1)
    world.cloud.clients["sqs"].send_message(
        QueueUrl=world.cloud.physical["DueQueue"], MessageBody="{}"
    )
    assert tick(world).queued == 0
    assert world.connection().due_at == world.time.now()
