"""A server whose client was refused: one goes to see, every five minutes."""

import pytest

from broker.errors import ServerMisconfigured
from broker.storage.server_state import HALF_OPEN_AFTER
from tests.fakes.services import answers
from tests.integration.conftest import World
from tests.integration.test_lease import DEAD, STALE, lease

FIVE_MINUTES = HALF_OPEN_AFTER.total_seconds()
USERS = [f"user-{number}" for number in range(4)]
REFUSED = answers(401, {"error": "invalid_client"})


def refused(world: World) -> None:
    """Let everybody be connected, and the first of them find that the client is refused."""
    for user in USERS:
        world.connect(user)
    world.time.passes(DEAD)
    world.login.script.append(REFUSED)
    calls(world, USERS[0])


def calls(world: World, user_id: str) -> None:
    with pytest.raises(ServerMisconfigured):
        world.container().tokens.for_call(world.server, user_id, world.run())


def test_one_of_many_goes_to_see(world: World) -> None:
    refused(world)
    world.time.passes(FIVE_MINUTES + 1)

    def others_call() -> None:
        for user in USERS[1:]:
            calls(world, user)

    world.login.during.append(others_call)
    world.login.script.append(REFUSED)
    calls(world, USERS[0])
    assert len(world.login.refreshes) == 2
    for user in USERS:
        calls(world, user)
    assert len(world.login.refreshes) == 2


def test_who_went_to_see_and_got_no_answer_leaves_it_flagged(world: World) -> None:
    refused(world)
    world.time.passes(FIVE_MINUTES + 1)
    world.login.script.append(answers(503))
    calls_after_an_outage(world)
    assert world.core.server_states.get("crm").misconfigured_at is not None
    calls(world, USERS[1])
    assert len(world.login.refreshes) == 2
    world.time.passes(FIVE_MINUTES + 1)
    world.core.tokens.for_call(world.server, USERS[1], world.run())
    assert world.core.server_states.get("crm").misconfigured_at is None


def calls_after_an_outage(world: World) -> None:
    with pytest.raises(Exception, match=r"renew|refuses"):
        world.core.tokens.for_call(world.server, USERS[0], world.run())


def test_a_success_lets_everybody_in(world: World) -> None:
    refused(world)
    world.time.passes(FIVE_MINUTES + 1)
    for user in USERS:
        world.core.tokens.for_call(world.server, user, world.run())
    assert len(world.login.refreshes) == 1 + len(USERS)
    assert world.core.server_states.get("crm").probed_at is None


def test_nobody_is_flagged_and_tokens_that_serve_still_do(world: World) -> None:
    world.connect()
    world.time.passes(STALE)
    world.login.script.append(REFUSED)
    for _ in range(3):
        world.core.tokens.for_call(world.server, "jo", world.run())
        world.time.passes(10)
    assert len(world.login.refreshes) == 1
    assert world.connection().reason is None


def test_the_place_of_the_one_who_sees_is_not_taken_by_a_loser(world: World) -> None:
    """Who finds another's lease does not go, and must not keep others from going."""
    refused(world)
    world.time.passes(FIVE_MINUTES + 1)
    lease(world, world.connection(USERS[1]))
    with pytest.raises(Exception, match="renewed"):
        world.core.tokens.for_call(world.server, USERS[1], world.run(7))
    world.core.tokens.for_call(world.server, USERS[2], world.run())
    assert len(world.login.refreshes) == 2
