"""A long backlog: read page by page, shared between servers, bounded by what the workers clear."""

import pytest

from broker.flows.refresh_scheduler import RefreshScheduler, Tick
from broker.metrics import STORED_BY_NEWER_VERSION, TICK
from broker.queues import DueMessage
from tests.integration.backlog import by_server, claimed, lay, scheduler, taken
from tests.integration.conftest import World
from tests.unit.metric_lines import counted

NEWER = 99
SHARD = 7


def run(flow: RefreshScheduler, world: World, seconds: float = 55.0) -> Tick:
    return flow.tick(world.run(seconds))


def test_a_shard_is_read_to_its_end(world: World) -> None:
    users = lay(world, "crm", 60)
    assert run(scheduler(world, clears=100), world) == Tick(60, 60)
    assert sorted(message.user_id for message in taken(world)) == users
    assert claimed(world) == set(users)


def test_no_more_pages_are_read_than_are_needed(world: World) -> None:
    lay(world, "crm", 20)
    world.cloud.sent.clear()
    run(scheduler(world), world)
    assert world.cloud.sent.count("Query") == 64


def test_a_servers_backlog_at_the_head_does_not_hide_anothers_few(world: World) -> None:
    lay(world, "flood", 60, since=600)
    few = lay(world, "few", 3, since=5)
    run(scheduler(world, clears=20), world)
    found = taken(world)
    assert by_server(found) == {"flood": 17, "few": 3}
    assert {message.user_id for message in found if message.server_id == "few"} == set(few)


def test_a_backlog_is_passed_by_without_being_sent(world: World) -> None:
    """Once its server has enough, the table leaves it out, and a page is as long as can be."""
    lay(world, "flood", 60, since=600)
    lay(world, "few", 3, since=5)
    world.cloud.sent.clear()
    tick = run(scheduler(world, clears=20), world)
    assert world.cloud.sent.count("Query") == 65
    assert tick == Tick(25 + 3, 20)


def test_the_room_is_shared_alike_and_the_earliest_of_each_go(world: World) -> None:
    laid = {name: lay(world, name, 30, since=since) for name, since in BACKLOGS.items()}
    run(scheduler(world, clears=15), world)
    found = taken(world)
    assert by_server(found) == dict.fromkeys(BACKLOGS, 5)
    for name, users in laid.items():
        got = {message.user_id for message in found if message.server_id == name}
        assert got == set(users[:5])


BACKLOGS = {"oldest": 9000, "older": 900, "old": 90}


def test_the_next_tick_goes_on_where_the_last_one_stopped(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    users = lay(world, "crm", 25)
    flow = scheduler(world, clears=10)
    seen: list[str] = []
    for _ in range(3):
        run(flow, world)
        seen += sorted(message.user_id for message in taken(world))
    assert seen == users
    outcomes = [labels["outcome"] for labels in counted(capsys.readouterr().out, TICK)]
    assert outcomes == ["full", "full", "done"]


def test_what_waits_in_the_queue_takes_room(world: World) -> None:
    lay(world, "crm", 15)
    flow = scheduler(world, clears=10)
    assert [run(flow, world).queued for _ in range(3)] == [10, 0, 0]
    for _ in range(3):
        world.cloud.clients["sqs"].receive_message(
            QueueUrl=world.cloud.physical["DueQueue"], MaxNumberOfMessages=1
        )
    assert run(flow, world).queued == 3


def test_a_long_queue_stops_the_scheduler_and_its_claims(world: World) -> None:
    lay(world, "crm", 5)
    fill(world, 20)
    assert run(scheduler(world, clears=20), world) == Tick(5, 0)
    assert claimed(world) == set()


def test_what_waits_longer_than_its_claim_is_queued_again_within_the_room(world: World) -> None:
    users = lay(world, "crm", 12)
    flow = scheduler(world, clears=20)
    run(flow, world)
    for _ in range(4):  # nobody works on the queue
        world.time.passes(minutes=16)
        run(flow, world)
    found = taken(world)
    assert len(found) == 20
    assert {message.user_id for message in found} == set(users)


def test_rows_of_a_newer_version_hold_nobody_back(world: World) -> None:
    lay(world, "crm", 30, since=600, version=NEWER)
    ours = lay(world, "crm", 5, shard=SHARD + 1, since=5)
    behind = lay(world, "wiki", 5, since=5)
    assert run(scheduler(world), world) == Tick(40, 10)
    assert claimed(world) == {*ours, *behind}


def test_rows_of_a_newer_version_take_room_once_and_are_named_once(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """They stay at the head of their shard: a container that met them passes them by."""
    lay(world, "crm", 30, since=600, version=NEWER)
    ours = lay(world, "crm", 5, shard=SHARD + 1, since=5)
    flow = scheduler(world, clears=30)
    assert [run(flow, world).queued for _ in range(3)] == [0, 5, 0]
    assert claimed(world) == set(ours)
    assert len(counted(capsys.readouterr().out, STORED_BY_NEWER_VERSION)) == 30


def test_how_much_the_workers_clear_is_a_setting(world: World) -> None:
    few = world.container(WORKER_CONCURRENCY="2").flows.refresh_scheduler
    more = world.container(WORKER_CONCURRENCY="20").flows.refresh_scheduler
    assert (few.workers_clear, more.workers_clear) == (1200, 12_000)


def fill(world: World, number: int) -> None:
    body = DueMessage(user_id="nobody", server_id="crm").model_dump_json()
    for _ in range(number):
        world.cloud.clients["sqs"].send_message(
            QueueUrl=world.cloud.physical["DueQueue"], MessageBody=body
        )
