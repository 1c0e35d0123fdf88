"""The lease: who may send a refresh token, and who may not."""

import secrets
from dataclasses import replace
from datetime import timedelta

import pytest

from broker.errors import RefreshInProgress
from broker.model import Connection, Lease, Reason, Status
from broker.storage.connections import Moved
from broker.tokens import Usable
from tests.integration.conftest import World

STALE = 3500
"""Seconds after which a token of an hour is within the buffer."""
DEAD = 3700
RUNS = 29.0


def lease(world: World, seen: Connection, lease_id: str = "") -> Connection:
    _, time = world.core.connections.get(seen.user_id, seen.server_id)
    taken = Lease(lease_id or secrets.token_hex(4), time.now() + RUNS)
    return world.core.connections.lease(seen, taken, time)


def abandoned(world: World) -> Connection:
    """Return a connection whose holder died: the lease ran out, nobody gave it back."""
    seen = world.connect()
    world.time.passes(DEAD)
    held = lease(world, seen)
    world.time.passes(RUNS + 2)
    return held


def test_a_free_lease_is_taken_by_one(world: World) -> None:
    seen = world.connect()
    lease(world, seen)
    with pytest.raises(Moved):
        lease(world, seen)


def test_a_lease_write_that_the_sdk_repeated_is_recognised_as_ours(world: World) -> None:
    seen = world.connect()
    first = lease(world, seen, "mine")
    assert lease(world, seen, "mine") == first


def test_a_lease_whose_answer_got_lost_on_the_wire_is_held(world: World) -> None:
    world.connect()
    world.time.passes(STALE)
    world.cloud.repeated.append("UpdateItem")
    found = world.core.tokens.for_call(world.server, "jo", world.run())
    assert isinstance(found, Usable)
    assert found.access_token.reveal() == "canary-access-2"
    assert world.cloud.repeated == []


def test_a_new_set_whose_write_was_repeated_is_recognised_as_ours(world: World) -> None:
    world.connect()
    world.time.passes(STALE)
    world.login.during.append(lambda: world.cloud.repeated.append("UpdateItem"))
    found = world.core.tokens.for_call(world.server, "jo", world.run())
    assert isinstance(found, Usable)
    assert (found.connection.generation, world.login.revoked) == (2, [])


@pytest.mark.parametrize("status", [Status.RECONNECT_REQUIRED, Status.REMOVING])
def test_only_an_active_connection_is_leased(world: World, status: Status) -> None:
    seen = world.connect(status=Status.ACTIVE)
    if status is Status.REMOVING:
        world.core.connections.begin_removal(seen, world.time.now(), None)
    else:
        world.flag()
    with pytest.raises(Moved):
        lease(world, seen)


def test_no_lease_is_taken_before_retry_at(world: World) -> None:
    seen = world.connect()
    held = lease(world, seen)
    assert held.lease
    later = world.time.now() + timedelta(seconds=60)
    world.core.connections.release(replace(held, retry_at=later), held.lease, None)
    with pytest.raises(Moved):
        lease(world, seen)
    world.time.passes(61)
    assert lease(world, seen).lease


def test_no_lease_is_taken_for_another_configuration(world: World) -> None:
    seen = world.connect()
    with pytest.raises(Moved):
        lease(world, replace(seen, config_digest="another"))


def test_a_lease_is_taken_only_on_the_generation_that_was_read(world: World) -> None:
    seen = world.connect()
    with pytest.raises(Moved):
        lease(world, replace(seen, generation=2))


def test_a_lease_is_taken_only_on_the_grant_that_was_read(world: World) -> None:
    seen = world.connect()
    world.connect()
    with pytest.raises(Moved):
        lease(world, seen)


def test_a_lease_outlives_its_holder(world: World) -> None:
    world.connect()
    world.time.passes(STALE)
    run = world.run(20)
    seen: list[Connection] = []
    world.login.during.append(lambda: seen.append(world.connection()))
    world.core.tokens.for_call(world.server, "jo", run)
    holder_ends = world.time.now().timestamp() + (run.deadline - 1000 - world.time.elapsed)
    assert seen[0].lease
    assert seen[0].lease.until >= holder_ends + 3


@pytest.mark.parametrize("wrong_by", [timedelta(hours=-2), timedelta(minutes=3)])
def test_a_containers_wrong_clock_does_not_end_anothers_lease(
    world: World, wrong_by: timedelta
) -> None:
    world.connect()
    world.time.passes(DEAD if wrong_by > timedelta(0) else DEAD + 7200)
    other = world.container(wrong_by)

    def call_elsewhere() -> None:
        with pytest.raises(RefreshInProgress):
            other.tokens.for_call(world.server, "jo", world.run(10))

    world.login.during.append(call_elsewhere)
    found = world.core.tokens.for_call(world.server, "jo", world.run())
    assert isinstance(found, Usable)
    assert world.login.refreshes == ["canary-refresh-1"]


def test_a_container_whose_clock_runs_ahead_leases_no_longer_than_it_lives(world: World) -> None:
    world.connect()
    world.time.passes(STALE)
    seen: list[Connection] = []
    world.login.during.append(lambda: seen.append(world.connection()))
    ahead = world.container(timedelta(minutes=30))
    ahead.tokens.for_call(world.server, "jo", world.run(20))
    assert seen[0].lease
    assert seen[0].lease.until <= world.time.now().timestamp() + 20 + 4


def test_an_expired_lease_is_not_simply_taken(world: World) -> None:
    held = abandoned(world)
    with pytest.raises(Moved):
        lease(world, held)


def test_the_first_to_find_an_expired_lease_announces_the_recovery(world: World) -> None:
    abandoned(world)
    now = world.time.now().timestamp()
    with pytest.raises(RefreshInProgress):
        world.core.tokens.for_call(world.server, "jo", world.run(7))
    found = world.connection().recover_at
    assert found is not None
    assert now + 45 <= found <= now + 47


def test_a_recovery_is_announced_once(world: World) -> None:
    abandoned(world)
    for _ in range(2):
        with pytest.raises(RefreshInProgress):
            world.core.tokens.for_call(world.server, "jo", world.run(7))
        world.time.passes(10)
    announced = world.connection().recover_at
    assert announced is not None
    assert announced < world.time.now().timestamp() + 35


def test_nobody_sends_before_the_recovery_is_over(world: World) -> None:
    abandoned(world)
    for _ in range(3):
        with pytest.raises(RefreshInProgress):
            world.core.tokens.for_call(world.server, "jo", world.run(10))
    assert world.login.refreshes == []


def test_the_old_token_serves_during_a_recovery_while_it_is_valid(world: World) -> None:
    seen = world.connect()
    world.time.passes(STALE)
    lease(world, seen)
    world.time.passes(RUNS + 2)
    found = world.core.tokens.for_call(world.server, "jo", world.run())
    assert isinstance(found, Usable)
    assert (found.access_token.reveal(), world.login.refreshes) == ("canary-access-1", [])
    assert world.connection().recover_at is not None


def test_after_the_recovery_the_lease_is_taken_as_ambiguous(world: World) -> None:
    held = abandoned(world)
    with pytest.raises(RefreshInProgress):
        world.core.tokens.for_call(world.server, "jo", world.run(7))
    world.time.passes(50)
    taken = lease(world, world.connection())
    assert taken.ambiguous
    assert taken.recover_at is None
    assert taken.lease != held.lease


def test_after_the_recovery_the_connection_is_refreshed_and_whole_again(world: World) -> None:
    abandoned(world)
    with pytest.raises(RefreshInProgress):
        world.core.tokens.for_call(world.server, "jo", world.run(7))
    world.time.passes(50)
    found = world.core.tokens.for_call(world.server, "jo", world.run())
    assert isinstance(found, Usable)
    stands = world.connection()
    assert (stands.generation, stands.ambiguous, stands.lease) == (2, False, None)


def test_a_holder_that_died_after_it_sent_ends_as_an_ambiguous_refresh(world: World) -> None:
    abandoned(world)
    world.login.grants[0].alive = False
    with pytest.raises(RefreshInProgress):
        world.core.tokens.for_call(world.server, "jo", world.run(7))
    world.time.passes(50)
    world.core.tokens.for_call(world.server, "jo", world.run())
    stands = world.connection()
    assert (stands.status, stands.reason) == (Status.RECONNECT_REQUIRED, Reason.AMBIGUOUS_REFRESH)


def test_a_recovery_that_cannot_be_announced_does_not_stop_a_valid_token(world: World) -> None:
    seen = world.connect()
    world.time.passes(STALE)
    lease(world, seen)
    world.time.passes(RUNS + 2)
    world.cloud.unavailable("UpdateItem")
    found = world.core.tokens.for_call(world.server, "jo", world.run())
    assert isinstance(found, Usable)
    assert found.access_token.reveal() == "canary-access-1"


def test_a_stale_holder_cannot_release_a_newer_lease(world: World) -> None:
    held = abandoned(world)
    with pytest.raises(RefreshInProgress):
        world.core.tokens.for_call(world.server, "jo", world.run(7))
    world.time.passes(50)
    newer = lease(world, world.connection())
    assert held.lease
    with pytest.raises(Moved):
        world.core.connections.release(held, held.lease, None)
    assert world.connection().lease == newer.lease


def test_two_containers_in_turn_send_one_refresh(world: World) -> None:
    world.connect()
    world.time.passes(DEAD)
    other, found = world.container(), []

    def call_elsewhere() -> None:
        world.time.meanwhile.append(lambda: None)
        with pytest.raises(RefreshInProgress):
            other.tokens.for_call(world.server, "jo", world.run(8))

    world.login.during.append(call_elsewhere)
    found.append(world.core.tokens.for_call(world.server, "jo", world.run()))
    found.append(other.tokens.for_call(world.server, "jo", world.run()))
    assert [f.access_token.reveal() for f in found if isinstance(f, Usable)] == [
        "canary-access-2",
        "canary-access-2",
    ]
    assert (world.login.refreshes, world.login.reused) == (["canary-refresh-1"], [])


def test_a_reconnect_clears_lease_recovery_and_flags(world: World) -> None:
    held = abandoned(world)
    with pytest.raises(RefreshInProgress):
        world.core.tokens.for_call(world.server, "jo", world.run(7))
    fresh = world.connect()
    stands = world.connection()
    assert stands.grant_id == fresh.grant_id != held.grant_id
    assert (stands.lease, stands.recover_at, stands.ambiguous) == (None, None, False)


def test_a_repeated_consent_does_not_undo_a_refresh_since(world: World) -> None:
    consented = world.connect()
    world.time.passes(DEAD)
    world.core.tokens.for_call(world.server, "jo", world.run())
    world.core.connections.establish(consented, None)
    assert (world.connection().generation, world.refresh_token()) == (2, "canary-refresh-2")


def test_a_repeated_consent_does_not_undo_a_disconnect_since(world: World) -> None:
    consented = world.connect()
    world.core.connections.begin_removal(consented, world.time.now(), None)
    world.core.connections.establish(consented, None)
    assert world.connection().status is Status.REMOVING
