"""A refresh whose answer comes when its connection has moved on."""

import json
from dataclasses import replace

import pytest

from broker.errors import TemporarilyUnavailable
from broker.model import RevocationScope, Status
from broker.tokens import Unusable
from tests.fakes.services import answers
from tests.integration.conftest import World
from tests.integration.test_lease import DEAD
from tests.integration.test_refresh import token
from tests.integration.test_rescue import apply


def test_a_late_refresh_of_a_removed_connection_is_revoked(world: World) -> None:
    seen = world.connect()
    world.time.passes(DEAD)
    world.login.during.append(lambda: world.core.connections.remove(world.connection()))
    found = world.core.tokens.for_call(world.server, "jo", world.run())
    assert found == Unusable(None)
    assert world.login.revoked == ["canary-refresh-2"]
    assert world.core.connections.get(seen.user_id, "crm")[0] is None


def test_its_revocation_is_tried_again_where_the_service_does_not_answer(world: World) -> None:
    grant = world.connect().grant_id
    world.time.passes(DEAD)
    world.login.during.append(lambda: world.core.connections.remove(world.connection()))
    world.login.revocation_script.append(answers(503))
    world.core.tokens.for_call(world.server, "jo", world.run())
    [message] = world.cloud.messages("RescueQueue")
    apply(world, message)
    assert [json.loads(message)["grant_id"], world.cloud.messages("RescueQueue")] == [grant, []]
    assert world.login.revoked == ["canary-refresh-2"] * 2


def test_such_a_revocation_is_given_up_after_an_hour(world: World) -> None:
    world.connect()
    world.time.passes(DEAD)
    world.login.during.append(lambda: world.core.connections.remove(world.connection()))
    world.login.revocation_script += [answers(503)] * 4
    world.core.tokens.for_call(world.server, "jo", world.run())
    [message] = world.cloud.messages("RescueQueue")
    for _ in range(2):
        with pytest.raises(TemporarilyUnavailable):
            apply(world, message)
        world.time.passes(minutes=29)
    world.time.passes(minutes=5)
    apply(world, message)
    assert len(world.login.revocations) == 4


@pytest.mark.parametrize("scope", RevocationScope)
def test_a_late_refresh_of_a_replaced_grant_is_dropped(
    world: World, scope: RevocationScope
) -> None:
    world.server = world.register(replace(world.server, revocation_scope=scope))
    world.connect()
    world.time.passes(DEAD)

    def reconnects() -> None:
        world.core.connections.remove(world.connection())
        world.connect()

    world.login.during.append(reconnects)
    assert token(world) == "canary-access-2"
    stands = world.connection()
    assert (stands.generation, stands.lease) == (1, None)
    late = ["canary-refresh-3"] if scope is RevocationScope.TOKEN else []
    assert world.login.revoked == late


def test_a_losers_invalid_grant_does_not_touch_the_winners_set(world: World) -> None:
    world.connect()
    world.time.passes(DEAD)

    def somebody_else_moves() -> None:
        sealed = world.connection().tokens
        world.core.connections.advance(world.connection(), sealed, None)

    world.login.during.append(somebody_else_moves)
    world.login.script.append(answers(400, {"error": "invalid_grant"}))
    with pytest.raises(Exception):  # noqa: B017 - the copied set does not open: not our point
        token(world)
    stands = world.connection()
    assert (stands.status, stands.generation) == (Status.ACTIVE, 2)
