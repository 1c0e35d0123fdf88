"""Ahead of time: what was queued is refreshed under the same lease."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from broker.flows.refresh_scheduler import Tick
from broker.model import Connection, Reason, Status
from broker.queues import DueMessage
from tests.fakes.services import answers
from tests.integration.conftest import World
from tests.integration.test_lease import DEAD, STALE, lease

DUE = 3600 - 300 - 120
"""Seconds after which the worker may look at a token of an hour."""


def tick(world: World, seconds: float = 60.0) -> Tick:
    return world.container().flows.refresh_scheduler.tick(world.run(seconds))


def queued(world: World) -> list[str]:
    return [json.loads(body)["user_id"] for body in world.cloud.messages("DueQueue")]


def looks(world: World, user_id: str = "jo", server_id: str = "crm") -> None:
    message = DueMessage(user_id=user_id, server_id=server_id)
    world.container().flows.refresh_worker.look(message, world.run(30))


def due(world: World) -> Connection:
    """Return a connection whose moment has come and which the scheduler has claimed."""
    world.connect()
    world.time.passes(DUE + 10)
    tick(world)
    world.cloud.messages("DueQueue")
    return world.connection()


def test_the_worker_refreshes_what_is_due(world: World) -> None:
    due(world)
    looks(world)
    stands = world.connection()
    assert (stands.generation, stands.lease) == (2, None)
    assert stands.due_at
    assert stands.due_at > world.time.now() + timedelta(minutes=45)


def test_a_duplicate_message_refreshes_once(world: World) -> None:
    due(world)
    for _ in range(3):
        looks(world)
    assert world.login.refreshes == ["canary-refresh-1"]


def test_a_late_message_for_a_removed_connection_changes_nothing(world: World) -> None:
    world.core.connections.remove(due(world))
    looks(world)
    assert world.login.refreshes == []


def test_the_worker_leaves_a_held_lease_alone(world: World) -> None:
    lease(world, due(world))
    looks(world)
    assert world.login.refreshes == []


def test_a_transient_failure_is_processed_and_tried_again_after_its_backoff(world: World) -> None:
    due(world)
    world.login.script.append(answers(429, {}, **{"retry-after": "60"}))
    looks(world)
    stands = world.connection()
    assert stands.retry_at
    assert stands.due_at == stands.retry_at


def test_an_ambiguous_refresh_is_due_again_when_the_token_has_run_out(world: World) -> None:
    due(world)
    world.login.script.append(answers(500))
    looks(world)
    stands = world.connection()
    assert stands.due_at == stands.tokens.expires_at


def test_the_worker_flags_a_dead_grant(world: World) -> None:
    due(world)
    world.login.script.append(answers(400, {"error": "invalid_grant"}))
    looks(world)
    stands = world.connection()
    assert (stands.status, stands.reason) == (Status.RECONNECT_REQUIRED, Reason.REFRESH_REJECTED)
    assert stands.due_at is None


def test_a_flagged_connection_is_never_due(world: World) -> None:
    due(world)
    world.login.script.append(answers(400, {"error": "invalid_grant"}))
    looks(world)
    world.time.passes(days=2)
    assert tick(world) == Tick(0, 0)


def test_an_unused_connection_is_let_go_stale(world: World) -> None:
    world.connect(used_at=world.time.now() - timedelta(minutes=23 * 60 + 30))
    world.time.passes(DUE + 10)
    looks(world)
    assert world.connection().due_at is None


def test_an_idle_connection_is_kept_alive_before_its_refresh_token_dies(world: World) -> None:
    world.server = world.register(replace(world.server, refresh_idle_days=30))
    made = world.connect(used_at=world.time.now() - timedelta(hours=30))
    assert made.due_at == world.time.now() + timedelta(days=27)
    world.time.passes(days=27, minutes=1)
    tick(world)
    looks(world)
    stands = world.connection()
    assert stands.generation == 2
    assert stands.due_at == world.time.now() + timedelta(days=27)


def test_a_connection_without_a_refresh_token_is_never_due(world: World) -> None:
    world.login.omits.add("refresh_token")
    assert world.connect().due_at is None


def test_a_call_marks_the_connection_as_in_use(world: World) -> None:
    world.connect(used_at=world.time.now() - timedelta(days=3), due_at=None)
    world.core.tokens.for_call(world.server, "jo", world.run())
    stands = world.connection()
    assert stands.used_at == world.time.now()
    assert stands.due_at


def test_a_second_call_does_not_write_that_again(world: World) -> None:
    world.connect()
    world.core.tokens.for_call(world.server, "jo", world.run())
    world.cloud.sent.clear()
    world.core.tokens.for_call(world.server, "jo", world.run())
    assert "UpdateItem" not in world.cloud.sent


def test_a_connection_of_another_configuration_does_not_come_back_every_minute(
    world: World,
) -> None:
    """Else those of one changed server are always the earliest, and starve all others."""
    world.connect()
    world.register(replace(world.server, token_endpoint="https://evil.example.com/token"))
    world.time.passes(DUE + 100)
    tick(world)
    looks(world)
    world.cloud.messages("DueQueue")
    world.time.passes(60)
    assert tick(world) == Tick(0, 0)
    assert world.services.elsewhere == []


def test_a_refused_client_does_not_bring_its_connections_back_every_minute(world: World) -> None:
    due(world)
    world.login.script.append(answers(401, {"error": "invalid_client"}))
    looks(world)
    times = 0
    for _ in range(4):
        world.time.passes(60)
        times += tick(world).queued
        looks(world)
    assert times <= 1
    assert len(world.login.refreshes) == 1


def test_a_table_outage_is_not_a_poison_message(world: World) -> None:
    due(world)
    world.cloud.unavailable("GetItem")
    looks(world)


def test_a_worker_that_finds_an_expired_lease_announces_and_sends_nothing(world: World) -> None:
    world.connect()
    world.time.passes(STALE)
    lease(world, world.connection())
    world.time.passes(40)
    looks(world)
    stands = world.connection()
    assert stands.recover_at is not None
    assert stands.due_at is not None
    assert stands.due_at.timestamp() == stands.recover_at
    assert world.login.refreshes == []


def test_after_a_dead_worker_the_next_one_refreshes(world: World) -> None:
    world.connect()
    world.time.passes(DEAD)
    lease(world, world.connection())
    world.time.passes(40)
    looks(world)
    world.time.passes(50)
    looks(world)
    assert world.connection().generation == 2


def batch(world: World, *bodies: str, queue: str = "DueQueue") -> dict[str, Any]:
    """Hand a batch to the worker's door."""
    from broker.inbound.batch import process

    worker = world.container().flows.refresh_worker
    run = world.run(30)
    records = [
        {"messageId": str(n), "body": body, "eventSourceARN": f"arn:aws:sqs:us-east-1:1:{queue}"}
        for n, body in enumerate(bodies)
    ]
    handlers = {
        world.core.settings.due_queue_url: lambda body: worker.look(
            DueMessage.model_validate_json(body), run
        )
    }
    return process({"Records": records}, handlers)


def test_one_poisonous_message_does_not_fail_the_others(world: World) -> None:
    due(world)
    good = json.dumps({"user_id": "jo", "server_id": "crm"})
    assert batch(world, "not json", good) == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    assert world.connection().generation == 2
