"""Between the authorization server's answer and our write: no refreshed set is lost."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from broker.errors import TemporarilyUnavailable
from broker.model import Reason, RevocationScope, Status
from broker.queues import RescueMessage
from broker.tokens import Unusable, Usable
from broker.wiring.edges import _AWS
from tests.integration.conftest import World
from tests.integration.test_lease import DEAD, STALE
from tests.integration.test_refresh import NEW, OLD, token

HANGS = 2 * (_AWS.connect_timeout + _AWS.read_timeout) + 1  # type: ignore[attr-defined]
"""Seconds that a call of the SDK takes at an endpoint that hangs: two tries, and a pause."""


def after_the_answer(world: World, act: Callable[[], None]) -> None:
    """Do something once the authorization server has answered the next refresh."""
    world.login.during.append(act)


def rescued(world: World) -> str:
    """Refresh while the table takes no write; return the one rescue message."""
    world.connect()
    world.time.passes(STALE)
    after_the_answer(world, lambda: world.cloud.unavailable("UpdateItem"))
    assert token(world) == NEW
    world.cloud.recovers()
    [message] = world.cloud.messages("RescueQueue")
    return message


def apply(world: World, body: str) -> None:
    """Deliver a rescue message to a worker."""
    message = RescueMessage.model_validate_json(body)
    world.container().flows.refresh_worker.rescue(message)


def test_a_call_is_served_with_the_new_token_that_the_table_would_not_take(world: World) -> None:
    rescued(world)
    assert world.login.refreshes == ["canary-refresh-1"]


def test_a_write_that_fails_once_is_tried_again(world: World) -> None:
    world.connect()
    world.time.passes(STALE)
    after_the_answer(world, lambda: world.cloud.unavailable("UpdateItem", times=1))
    assert token(world) == NEW
    assert (world.connection().generation, world.cloud.messages("RescueQueue")) == (2, [])


def test_a_rescued_set_is_applied_by_the_worker(world: World) -> None:
    apply(world, rescued(world))
    stands = world.connection()
    assert (stands.generation, stands.lease, stands.status) == (2, None, Status.ACTIVE)
    assert (world.access_token(), world.refresh_token()) == (NEW, "canary-refresh-2")


def test_a_rescued_set_is_applied_however_late(world: World) -> None:
    message = rescued(world)
    world.time.passes(days=13)
    apply(world, message)
    assert world.refresh_token() == "canary-refresh-2"


def test_a_rescue_message_delivered_twice_changes_nothing(world: World) -> None:
    message = rescued(world)
    apply(world, message)
    before = world.connection()
    apply(world, message)
    assert (world.connection(), world.login.revoked) == (before, [])


def test_nobody_sends_while_a_set_lies_in_the_rescue_queue(world: World) -> None:
    message = rescued(world)
    world.time.passes(60)
    assert token(world) == OLD
    apply(world, message)
    world.time.passes(60)
    assert token(world) == NEW
    assert (world.login.refreshes, world.login.reused) == (["canary-refresh-1"], [])


def test_a_connection_flagged_meanwhile_becomes_active_again(world: World) -> None:
    message = rescued(world)
    world.flag(reason=Reason.AMBIGUOUS_REFRESH)
    apply(world, message)
    stands = world.connection()
    assert (stands.status, stands.reason, stands.failure) == (Status.ACTIVE, None, None)
    assert token(world) == NEW


def test_a_connection_active_again_by_a_rescue_is_announced_as_recovered(world: World) -> None:
    message = rescued(world)
    world.flag(reason=Reason.AMBIGUOUS_REFRESH)
    world.cloud.sent.clear()
    apply(world, message)
    assert "PutEvents" in world.cloud.sent


def test_a_rescued_set_of_a_removed_connection_is_revoked(world: World) -> None:
    message = rescued(world)
    world.core.connections.remove(world.connection())
    apply(world, message)
    assert world.login.revoked == ["canary-refresh-2"]
    assert world.core.connections.get("jo", "crm")[0] is None


@pytest.mark.parametrize("scope", RevocationScope)
def test_a_rescued_set_of_a_replaced_grant_is_dropped(world: World, scope: RevocationScope) -> None:
    world.server = world.register(replace(world.server, revocation_scope=scope))
    message = rescued(world)
    world.connect()
    apply(world, message)
    stands = world.connection()
    assert stands.generation == 1
    assert world.refresh_token() == "canary-refresh-3"
    late = ["canary-refresh-2"] if scope is RevocationScope.TOKEN else []
    assert world.login.revoked == late


def test_a_rescued_set_never_goes_to_an_endpoint_set_since(world: World) -> None:
    message = rescued(world)
    world.core.connections.remove(world.connection())
    world.register(replace(world.server, revocation_endpoint="https://evil.example.com/revoke"))
    apply(world, message)
    assert world.services.elsewhere == []


def test_a_worker_without_a_table_leaves_the_message_on_the_queue(world: World) -> None:
    message = rescued(world)
    world.cloud.unavailable("UpdateItem")
    with pytest.raises(TemporarilyUnavailable):
        apply(world, message)


def test_a_table_that_hangs_leaves_time_for_the_rescue(world: World) -> None:
    world.connect()
    world.time.passes(STALE)
    run = world.run()
    queued_at: list[float] = []
    world.cloud.after("SendMessage", lambda: queued_at.append(1000 + world.time.elapsed))
    after_the_answer(world, lambda: world.cloud.unavailable("UpdateItem", takes=HANGS))
    world.core.tokens.for_call(world.server, "jo", run)
    assert len(world.cloud.messages("RescueQueue")) == 1
    assert queued_at[0] <= run.deadline


def test_a_late_answer_before_a_table_that_hangs_leaves_time_for_the_rescue(world: World) -> None:
    world.connect()
    world.time.passes(STALE)
    run = world.run(20)
    queued_at: list[float] = []
    world.cloud.after("SendMessage", lambda: queued_at.append(1000 + world.time.elapsed))

    def answers_late() -> None:
        world.time.passes(7)
        world.cloud.unavailable("UpdateItem", takes=HANGS)

    after_the_answer(world, answers_late)
    world.core.tokens.for_call(world.server, "jo", run)
    assert queued_at[0] <= run.deadline


def test_when_table_and_queue_fail_the_call_is_served_and_the_loss_is_counted(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.connect()
    world.time.passes(STALE)

    def all_is_lost() -> None:
        world.cloud.unavailable("UpdateItem")
        world.cloud.unavailable("SendMessage")

    after_the_answer(world, all_is_lost)
    assert token(world) == NEW
    assert '"TokenSetLost":[1.0]' in capsys.readouterr().out


def test_after_a_loss_the_user_is_asked_to_reconnect_and_told_why(world: World) -> None:
    world.connect()
    world.time.passes(STALE)

    def all_is_lost() -> None:
        world.cloud.unavailable("UpdateItem")
        world.cloud.unavailable("SendMessage")

    after_the_answer(world, all_is_lost)
    token(world)
    world.cloud.recovers()
    world.time.passes(40)
    assert token(world) == OLD
    world.time.passes(DEAD)
    found = world.core.tokens.for_call(world.server, "jo", world.run())
    assert isinstance(found, Unusable)
    assert found.connection
    assert found.connection.reason is Reason.AMBIGUOUS_REFRESH


def test_a_removal_under_way_takes_the_rescued_set_and_revokes_it(world: World) -> None:
    message = rescued(world)
    world.core.connections.begin_removal(world.connection(), world.time.now(), None)
    apply(world, message)
    stands = world.connection()
    assert (stands.status, stands.generation) == (Status.REMOVING, 2)
    world.core.remover.resume(stands, world.server, world.run())
    assert world.login.revoked[0] == "canary-refresh-2"


def test_a_rescue_message_holds_no_token_in_the_clear(world: World) -> None:
    assert "canary" not in rescued(world).replace("canary-client", "")


def test_a_call_that_was_rescued_can_be_made_again_with_the_same_token(world: World) -> None:
    rescued(world)
    found = world.core.tokens.for_call(world.server, "jo", world.run())
    assert isinstance(found, Usable)
    assert len(world.login.refreshes) == 1
