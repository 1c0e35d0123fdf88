"""What a failed or late refresh means: for the connection, the server and the call."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from broker.errors import ServerMisconfigured, TemporarilyUnavailable
from broker.model import Connection, Reason, Server, Status
from broker.tokens import Unusable
from broker.tokens.verdicts import REFUSALS
from tests.fakes.services import answers, breaks
from tests.integration.conftest import World
from tests.integration.test_lease import DEAD, STALE
from tests.integration.test_refresh import NEW, OLD, token


@pytest.fixture(autouse=True)
def _no_luck(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw the longest backoff; the shortest lets a call try again at once."""
    monkeypatch.setattr("broker.tokens.timing.random.random", lambda: 0.99)


def refused(world: World) -> Connection:
    """Return the connection that the user is asked about."""
    found = world.core.tokens.for_call(world.server, "jo", world.run())
    assert isinstance(found, Unusable)
    assert found.connection is not None
    return found.connection


TRANSIENT = [
    answers(500, "<html>broken</html>"),
    answers(503, {"error": "temporarily_unavailable"}),
    answers(200, "<html>maintenance</html>"),
    answers(302, "", location="https://evil.example.com"),
    breaks(httpx.ReadTimeout),
    breaks(httpx.ReadError),
    breaks(httpx.RemoteProtocolError),
]


@pytest.mark.parametrize("step", TRANSIENT)
def test_an_outcome_that_is_no_oauth_answer_is_ambiguous(
    world: World, step: Callable[[httpx.Request], httpx.Response]
) -> None:
    world.connect()
    world.time.passes(STALE)
    world.login.script.append(step)
    assert token(world) == OLD
    stands = world.connection()
    assert (stands.status, stands.ambiguous, stands.lease) == (Status.ACTIVE, True, None)
    assert stands.attempts == 1


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ConnectTimeout])
def test_a_request_that_never_left_is_not_ambiguous(
    world: World, error: type[httpx.TransportError]
) -> None:
    world.connect()
    world.time.passes(STALE)
    world.login.script.append(breaks(error))
    assert token(world) == OLD
    assert not world.connection().ambiguous


def test_a_transient_failure_is_announced_once(world: World) -> None:
    world.connect()
    world.time.passes(DEAD)
    world.login.script.append(answers(500))
    world.cloud.sent.clear()
    with pytest.raises(TemporarilyUnavailable):
        token(world)
    assert world.cloud.sent.count("PutEvents") == 1


def test_retry_after_is_obeyed(world: World) -> None:
    world.connect()
    world.time.passes(DEAD)
    world.login.script.append(answers(429, {"error": "slow_down"}, **{"retry-after": "120"}))
    with pytest.raises(TemporarilyUnavailable) as failed:
        token(world)
    assert failed.value.retry_after
    assert 119 <= failed.value.retry_after <= 125
    world.time.passes(118)
    with pytest.raises(TemporarilyUnavailable):
        token(world)
    assert len(world.login.refreshes) == 1
    world.time.passes(7)
    assert token(world) == NEW


def test_retry_after_is_obeyed_to_the_second(world: World) -> None:
    world.connect()
    world.time.passes(DEAD + 0.9)
    world.login.script.append(answers(429, {}, **{"retry-after": "8"}))
    with pytest.raises(TemporarilyUnavailable):
        token(world)
    world.time.passes(7.2)
    with pytest.raises(TemporarilyUnavailable):
        token(world)
    assert len(world.login.refreshes) == 1


def test_a_hostile_retry_after_is_clamped_to_an_hour(world: World) -> None:
    world.connect()
    world.time.passes(STALE)
    world.login.script.append(answers(429, {}, **{"retry-after": "99999999"}))
    token(world)
    retry_at = world.connection().retry_at
    assert retry_at
    assert retry_at <= world.time.now() + timedelta(hours=1, seconds=5)


def test_an_ambiguous_refresh_is_not_sent_again_while_the_token_serves(world: World) -> None:
    world.connect()
    world.time.passes(3400)
    world.login.script.append(answers(502))
    for _ in range(9):
        assert token(world) == OLD
        world.time.passes(20)
    assert len(world.login.refreshes) == 1


def test_an_ambiguous_refresh_is_sent_again_once_the_token_has_run_out(world: World) -> None:
    world.connect()
    world.time.passes(3400)
    world.login.script.append(answers(502))
    token(world)
    world.time.passes(300)
    assert token(world) == NEW
    assert not world.connection().ambiguous


def test_invalid_grant_after_an_ambiguous_refresh_says_so(world: World) -> None:
    world.connect()
    world.time.passes(3400)
    world.login.script += [answers(502), answers(400, {"error": "invalid_grant"})]
    token(world)
    world.time.passes(300)
    found = refused(world)
    assert (found.status, found.reason) == (Status.RECONNECT_REQUIRED, Reason.AMBIGUOUS_REFRESH)


def test_invalid_grant_asks_for_a_reconnect_and_is_never_refreshed_again(world: World) -> None:
    world.connect()
    world.time.passes(STALE)
    world.login.script.append(answers(400, {"error": "invalid_grant"}))
    found = refused(world)
    assert found.reason is Reason.REFRESH_REJECTED
    assert found.failure
    assert found.due_at is None
    world.time.passes(900)
    refused(world)
    assert len(world.login.refreshes) == 1


def test_a_refused_client_flags_the_server_and_leaves_the_connection(world: World) -> None:
    world.connect()
    world.time.passes(STALE)
    world.login.script.append(answers(401, {"error": "invalid_client"}))
    assert token(world) == OLD
    stands = world.connection()
    assert (stands.status, stands.lease) == (Status.ACTIVE, None)
    assert world.core.server_states.get("crm").misconfigured_error == "invalid_client"


def test_a_refused_client_is_not_asked_again_for_five_minutes(world: World) -> None:
    world.connect()
    world.time.passes(DEAD)
    world.login.script.append(answers(401, {"error": "invalid_client"}))
    for _ in range(2):
        with pytest.raises(ServerMisconfigured):
            token(world)
        world.time.passes(140)
    assert len(world.login.refreshes) == 1
    world.time.passes(60)
    assert token(world) == NEW
    assert world.core.server_states.get("crm").misconfigured_at is None


def test_four_outages_and_one_odd_refusal_are_not_the_users_fault(world: World) -> None:
    world.connect()
    world.time.passes(DEAD)
    world.login.script += [answers(429, {})] * 4 + [answers(400, {"error": "invalid_scope"})]
    for _ in range(5):
        with pytest.raises(TemporarilyUnavailable):
            token(world)
        world.time.passes(1000)
    assert world.connection().status is Status.ACTIVE


def test_odd_refusals_end_a_grant_no_sooner_than_after_a_quarter_of_an_hour(world: World) -> None:
    world.connect()
    world.time.passes(DEAD)
    world.login.script += [answers(400, {"error": "invalid_scope"})] * REFUSALS
    began, found = world.time.now(), None
    while found is None:
        with suppress(TemporarilyUnavailable):
            found = refused(world)
        world.time.passes(1)
    assert len(world.login.refreshes) == REFUSALS == 5
    assert timedelta(minutes=15) < world.time.now() - began < timedelta(minutes=30)


def test_a_refresh_token_that_does_not_open_keeps_no_access_token_from_serving(
    world: World,
) -> None:
    world.connect()
    other = world.connect("kim")
    [row] = [r for r in world.cloud.items("ConnectionsTable") if r["user_id"]["S"] == "jo"]
    [strange] = [r for r in world.cloud.items("ConnectionsTable") if r["user_id"]["S"] == "kim"]
    moved = {**row, "refresh": strange["refresh"]}
    world.cloud.clients["dynamodb"].put_item(TableName="ConnectionsTable", Item=moved)
    world.time.passes(STALE)
    assert (token(world), world.login.refreshes) == (OLD, [])
    assert other.user_id == "kim"


def test_a_token_that_ran_out_without_a_refresh_token_asks_for_a_reconnect(world: World) -> None:
    world.login.omits.add("refresh_token")
    world.connect()
    world.time.passes(DEAD)
    assert refused(world).reason is Reason.EXPIRED_WITHOUT_REFRESH


def test_tokens_never_go_to_another_configuration(world: World) -> None:
    world.connect()
    world.time.passes(STALE)
    moved = world.register(replaced(world, token_endpoint="https://evil.example.com/token"))
    found = world.core.tokens.for_call(moved, "jo", world.run())
    assert isinstance(found, Unusable)
    assert found.connection
    assert found.connection.reason is Reason.SERVER_CHANGED
    assert world.services.elsewhere == []
    assert token(world) == NEW  # going back restores it


def replaced(world: World, **changes: Any) -> Server:
    return replace(world.server, **changes)
