"""A removal that begins in the middle of something else still comes to its end."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from botocore.exceptions import ConnectionClosedError

from broker.errors import BrokerError
from broker.model import RevocationScope, Status
from tests.fakes.services import answers
from tests.integration.conftest import World
from tests.integration.test_ahead import DUE, due, looks, tick
from tests.integration.test_lease import DEAD, STALE


def call(world: World) -> None:
    """Call as the user, whatever comes of it."""
    try:
        world.core.tokens.for_call(world.server, "jo", world.run())
    except BrokerError:
        return


def begins(world: World) -> None:
    """Begin to remove, as the deletion of a server does: the worker is to end it."""
    now = world.time.now()
    world.core.connections.begin_removal(world.connection(), now, now)


def minutes_pass(world: World, times: int = 3) -> None:
    """Let the schedule and the worker do their part for a while."""
    for _ in range(times):
        world.time.passes(minutes=16)
        tick(world)
        for body in world.cloud.messages("DueQueue"):
            message = json.loads(body)
            looks(world, message["user_id"], message["server_id"])


def gone(world: World) -> bool:
    return world.core.connections.get("jo", "crm")[0] is None


@pytest.mark.parametrize("status", [429, 503])
def test_a_refresh_that_fails_meanwhile_does_not_put_a_removal_off(
    world: World, status: int
) -> None:
    world.connect()
    world.time.passes(days=3)  # idle: nothing is due ahead of time
    world.login.during.append(lambda: begins(world))
    world.login.script.append(answers(status))
    call(world)
    assert world.connection().status is Status.REMOVING
    minutes_pass(world)
    assert gone(world)


def test_a_look_that_is_late_does_not_put_a_removal_off(world: World) -> None:
    world.connect()
    world.time.passes(60)
    world.cloud.before("UpdateItem", lambda: begins(world))
    looks(world)
    due_at = world.connection().due_at
    assert due_at
    assert due_at <= world.time.now() + timedelta(minutes=3)
    minutes_pass(world)
    assert gone(world)


def test_a_look_that_is_late_leaves_a_flag_alone(world: World) -> None:
    seen = due(world)
    world.cloud.before("UpdateItem", world.flag, table="ConnectionsTable")
    world.core.tokens._reschedule(seen, world.time.now())
    assert world.connection().due_at is None


def test_a_server_that_is_gone_is_asked_to_revoke_for_an_hour(world: World) -> None:
    world.connect()
    server = world.core.servers.get("crm")
    assert server
    world.core.servers.delete(server)
    world.login.revocation_script += [answers(503)] * 500
    looks(world)
    assert not gone(world)
    minutes_pass(world, 6)
    assert gone(world)


def test_a_set_that_another_followed_is_not_revoked_when_its_write_is_repeated(
    world: World,
) -> None:
    world.server = world.register(replace(world.server, revocation_scope=RevocationScope.TOKEN))
    world.login.rotates = False
    world.connect()
    world.login.extra = {"refresh_token": world.refresh_token()}
    world.time.passes(DEAD)

    def another_refreshes() -> None:
        other = world.container()
        stored, _ = other.connections.get("jo", "crm")
        assert stored
        other.tokens.for_call(world.server, "jo", world.run(), refused=stored)
        assert world.connection().generation == stored.generation + 1

    def answer_is_lost() -> None:
        world.time.meanwhile.append(another_refreshes)
        raise ConnectionClosedError(endpoint_url="https://dynamodb.example.com")

    world.login.during.append(lambda: world.cloud.after("UpdateItem", answer_is_lost))
    call(world)
    assert world.connection().generation == 3
    assert world.login.revoked == []


def test_a_lease_is_given_back_although_the_server_cannot_be_flagged(world: World) -> None:
    world.connect()
    world.time.passes(STALE)
    world.login.script.append(answers(400, {"error": "invalid_client"}))
    world.cloud.unavailable("UpdateItem", table="ServerStateTable")
    call(world)
    world.cloud.recovers()
    stands = world.connection()
    assert (stands.lease, stands.ambiguous) == (None, False)


def test_a_pause_does_not_use_up_the_probe_of_a_refused_client(world: World) -> None:
    world.connect()
    world.time.passes(DUE + 10)
    now, core = world.time.now(), world.core
    core.server_states.flag_misconfigured("crm", "invalid_client", now - timedelta(minutes=6))
    origin = world.server.authorization_server
    core.pace.authorization_servers.failed(origin, now, now + timedelta(minutes=1))
    looks(world)
    assert world.login.refreshes == []
    assert core.server_states.get("crm").probed_at is None


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"message": "Bad Request"}),
        (403, {"message": "Forbidden"}),
        (403, {"error": "access_denied"}),
        (404, {"detail": "Not Found"}),
        (409, {"message": "Conflict"}),
        (421, {"message": "Misdirected Request"}),
        (425, {"message": "Too Early"}),
    ],
)
def test_what_a_gateway_refuses_costs_no_grant(
    world: World, status: int, body: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The longest backoff; after the shortest, the same call would send again.
    monkeypatch.setattr("broker.tokens.timing.random.random", lambda: 0.99)
    world.connect()
    world.time.passes(DEAD)
    world.login.script += [answers(status, body)] * 6
    for _ in range(6):
        call(world)
        world.time.passes(minutes=10)
    assert len(world.login.refreshes) == 6
    assert world.connection().status is Status.ACTIVE
