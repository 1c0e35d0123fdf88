"""A server that refuses tokens which nothing can renew: one user's fault, or everybody's."""

import httpx
import pytest

from broker.errors import McpServerError
from broker.model import Reason, Status
from broker.storage.server_state import REJECTED_USERS
from tests.fakes.services import answers
from tests.integration.conftest import World
from tests.integration.test_calls import asks, invoke

REFUSES = answers(401, {"error": "invalid_token"})


@pytest.fixture
def unrenewable(world: World) -> World:
    """A service that gives no refresh token."""
    world.login.omits.add("refresh_token")
    return world


def test_one_user_is_asked_to_reconnect(unrenewable: World) -> None:
    unrenewable.connect()
    unrenewable.mcp.script.append(REFUSES)
    asks(unrenewable)
    stands = unrenewable.connection()
    assert (stands.status, stands.reason) == (Status.RECONNECT_REQUIRED, Reason.REJECTED_BY_SERVER)


def test_of_many_users_none_is_flagged_after_the_fifth(unrenewable: World) -> None:
    users = [f"user-{number}" for number in range(REJECTED_USERS + 5)]
    for user in users:
        unrenewable.connect(user)
    unrenewable.mcp.script += [REFUSES] * len(users)
    for user in users[:REJECTED_USERS]:
        asks(unrenewable, user)
    for user in users[REJECTED_USERS:]:
        with pytest.raises(McpServerError):
            invoke(unrenewable, user)
        assert unrenewable.connection(user).status is Status.ACTIVE


def test_who_connected_again_meanwhile_is_served(unrenewable: World) -> None:
    unrenewable.connect()

    def reconnects(request: httpx.Request) -> httpx.Response:
        unrenewable.connect()
        return REFUSES(request)

    unrenewable.mcp.script.append(reconnects)
    invoke(unrenewable)
    assert unrenewable.connection().status is Status.ACTIVE
    assert unrenewable.mcp.tokens == ["canary-access-1", "canary-access-2"]
