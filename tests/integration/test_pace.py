"""Refreshes ahead of time, held to a pace for each authorization server."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from broker.model import Server, Status
from broker.queues import DueMessage
from broker.storage.authorization_servers import FAILURES, PLEAS, WINDOW
from broker.tokens import Usable
from tests.fakes.services import answers
from tests.integration.conftest import SERVER, World
from tests.integration.consents import complete, consented
from tests.integration.test_ahead import DUE


def crowd(world: World, size: int) -> list[str]:
    """Let so many be connected and due."""
    users = [f"user-{number}" for number in range(size)]
    for user in users:
        world.connect(user)
    world.time.passes(DUE + 100)
    return users


def looks(world: World, user_id: str, server_id: str = "crm") -> None:
    message = DueMessage(user_id=user_id, server_id=server_id)
    world.core.flows.refresh_worker.look(message, world.run(30))


@pytest.fixture
def slow(world: World) -> World:
    """A stack that refreshes one a second ahead of time."""
    world.core = world.container(REFRESHES_PER_SECOND="1")
    return world


def renewed(world: World, users: list[str]) -> list[str]:
    return [user for user in users if world.connection(user).generation > 1]


def test_no_more_than_the_pace_are_refreshed_in_one_window(slow: World) -> None:
    users = crowd(slow, WINDOW + 5)
    for user in users:
        looks(slow, user)
    assert len(slow.login.refreshes) == WINDOW
    slow.time.passes(WINDOW)
    for user in users[WINDOW:]:
        looks(slow, user)
    assert renewed(slow, users) == users


def test_who_is_held_back_is_due_again_soon_and_not_at_once(slow: World) -> None:
    users = crowd(slow, WINDOW + 5)
    for user in users:
        looks(slow, user)
    again = [slow.connection(user).due_at for user in users[WINDOW:]]
    now = slow.time.now()
    assert all(at and timedelta(seconds=9) < at - now < timedelta(seconds=121) for at in again)
    assert len(set(again)) > 1


def test_a_call_is_never_held_back(slow: World) -> None:
    users = crowd(slow, WINDOW + 5)
    for user in users[:WINDOW]:
        looks(slow, user)
    slow.time.passes(30)
    for user in users[WINDOW:]:
        assert isinstance(slow.core.tokens.for_call(slow.server, user, slow.run()), Usable)
    assert renewed(slow, users) == users


def test_two_servers_of_one_authorization_server_share_its_pace(slow: World) -> None:
    again = slow.register(Server("crm-2", "CRM 2", **SERVER))
    users = crowd(slow, WINDOW)
    slow.connect("una", again)
    slow.time.passes(DUE + 100)
    for user in users:
        looks(slow, user)
    looks(slow, "una", "crm-2")
    assert slow.connection("una", "crm-2").generation == 1


def test_another_authorization_server_is_not_held_back(slow: World) -> None:
    users = crowd(slow, WINDOW)
    for user in users:
        looks(slow, user)
    elsewhere = replace(slow.server, token_endpoint="https://Other.example.com:8443/token")
    assert elsewhere.authorization_server == "https://other.example.com:8443"
    assert slow.core.pace.admit(elsewhere, slow.time.now()).again_at is None
    assert slow.core.pace.admit(slow.server, slow.time.now()).again_at is not None


def failing(world: World, users: list[str]) -> None:
    """Let one refresh for each of these users bring no answer."""
    world.login.script += [answers(503)] * len(users)
    for user in users:
        looks(world, user)
    world.login.script.clear()


def test_one_that_does_not_answer_gets_a_single_probe_in_each_window(world: World) -> None:
    users = crowd(world, FAILURES + 12)
    failing(world, users[:FAILURES])
    waiting = users[FAILURES:]
    world.time.passes(WINDOW)
    world.login.script += [answers(503)] * 2
    for user in waiting[:6]:
        looks(world, user)
    assert len(world.login.refreshes) == FAILURES + 1
    again = [world.connection(user).due_at for user in waiting[1:6]]
    now = world.time.now()
    assert all(at and timedelta(seconds=59) < at - now < timedelta(seconds=901) for at in again)
    world.login.script.clear()
    world.time.passes(WINDOW)
    for user in waiting[6:]:
        looks(world, user)
    assert renewed(world, users) == waiting[6:]


def test_nobody_is_flagged_by_an_outage(world: World) -> None:
    users = crowd(world, FAILURES + 5)
    failing(world, users)
    assert {world.connection(user).status for user in users} == {Status.ACTIVE}


def test_a_refusal_is_an_answer_too(world: World) -> None:
    users = crowd(world, FAILURES + 2)
    failing(world, users[: FAILURES - 1])
    world.login.script.append(answers(400, {"error": "invalid_grant"}))
    looks(world, users[FAILURES - 1])
    failing(world, users[FAILURES : FAILURES + 1])
    [row] = [r for r in world.cloud.items("ServerStateTable") if "failures" in r]
    assert row["failures"]["N"] == "1"


def asked_to_wait(world: World, users: list[str]) -> None:
    """Let each be told to come back in five minutes, and the next look for a minute."""
    for user in users:
        world.login.script.append(answers(429, {}, **{"retry-after": "300"}))
        looks(world, user)
        world.time.passes(61)


def test_a_pause_that_one_user_is_asked_for_is_a_short_one_for_the_others(world: World) -> None:
    one, *others = crowd(world, 3)
    world.login.script.append(answers(429, {}, **{"retry-after": "300"}))
    looks(world, one)
    looks(world, others[0])
    again = world.connection(others[0]).due_at
    assert (len(world.login.refreshes), again is not None) == (1, True)
    world.time.passes(61)
    for user in [one, *others]:
        looks(world, user)
    assert [world.connection(user).generation for user in [one, *others]] == [1, 2, 2]


def test_a_server_that_asks_everybody_for_a_pause_gets_it_from_everybody(world: World) -> None:
    users = crowd(world, PLEAS + 1)
    asked_to_wait(world, users[:PLEAS])
    looks(world, users[-1])
    assert len(world.login.refreshes) == PLEAS
    again = world.connection(users[-1]).due_at
    assert again
    assert again > world.time.now() + timedelta(seconds=300 - 61)
    world.time.passes(300 - 61 + 1)
    looks(world, users[-1])
    assert world.connection(users[-1]).generation == 2


def test_a_shorter_wish_does_not_shorten_the_pause(world: World) -> None:
    now, store = world.time.now(), world.core.pace.authorization_servers
    for pause in (*[3600] * PLEAS, 2):
        store.failed("origin", now, now + timedelta(seconds=pause))
    assert store.admit("origin", 1, now + timedelta(seconds=10))[0] is False


def test_an_answer_ends_the_pause(world: World) -> None:
    users = crowd(world, PLEAS + 2)
    asked_to_wait(world, users[:PLEAS])
    world.core.pace.answered(world.server)
    looks(world, users[-1])
    assert world.connection(users[-1]).generation == 2


def test_a_pace_that_cannot_be_noted_keeps_nothing_from_being_stored(world: World) -> None:
    [user] = crowd(world, 1)
    world.login.during.append(
        lambda: world.cloud.unavailable("UpdateItem", table="ServerStateTable")
    )
    world.login.script.append(answers(503))
    looks(world, user)
    assert world.connection(user).attempts == 1


def test_a_new_login_is_not_held_back_by_a_backlog(slow: World) -> None:
    for user in crowd(slow, WINDOW + 3):
        looks(slow, user)
    complete(slow, consented(slow))
    assert slow.connection().generation == 1


def test_the_key_of_the_row_is_no_servers_id(world: World) -> None:
    [user] = crowd(world, 1)
    looks(world, user)
    keys = [row["server_id"]["S"] for row in world.cloud.items("ServerStateTable")]
    assert keys == ["https://login.example.com"]
    assert json.dumps(keys).count("crm") == 0
