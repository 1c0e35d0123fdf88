"""A connection of unknown expiry: kept alive, though a refresh once brought no answer."""

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from broker.errors import TemporarilyUnavailable
from broker.model import Connection, Reason
from tests.fakes.services import answers
from tests.integration.conftest import World
from tests.integration.test_ahead import due, looks, tick

IDLE = timedelta(days=30)
KEEP_ALIVE, LAST_CALL = IDLE * 0.9, IDLE * 0.95


def silence(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("no answer", request=request)


@pytest.fixture
def unanswered(world: World) -> Connection:
    """Let the keep-alive of a connection of unknown expiry bring no answer."""
    world.server = world.register(replace(world.server, refresh_idle_days=IDLE.days))
    world.login.expires_in = None
    world.connect()
    world.time.passes(KEEP_ALIVE.total_seconds() + 60)
    world.login.script.append(silence)
    looks(world)
    stands = world.connection()
    assert stands.ambiguous
    return stands


def test_it_is_due_once_more_before_its_refresh_token_dies(
    world: World, unanswered: Connection
) -> None:
    assert unanswered.due_at == unanswered.tokens.obtained_at + LAST_CALL
    world.time.passes((LAST_CALL - KEEP_ALIVE).total_seconds())
    assert tick(world).queued == 1
    looks(world)
    stands = world.connection()
    assert (stands.generation, stands.ambiguous) == (2, False)
    assert world.login.refreshes == ["canary-refresh-1"] * 2


def test_so_it_is_where_the_access_token_outlives_the_refresh_token(world: World) -> None:
    world.server = world.register(replace(world.server, refresh_idle_days=IDLE.days))
    world.login.expires_in = 2 * IDLE.days * 24 * 3600
    world.connect()
    world.time.passes(KEEP_ALIVE.total_seconds() + 60)
    world.login.script.append(silence)
    looks(world)
    stands = world.connection()
    assert stands.due_at == stands.tokens.obtained_at + LAST_CALL


def test_nothing_is_sent_before(world: World, unanswered: Connection) -> None:
    for _ in range(3):
        world.time.passes(3600)
        looks(world)
        world.core.tokens.for_call(world.server, "jo", world.run())
    assert world.login.refreshes == ["canary-refresh-1"]
    assert world.connection().due_at == unanswered.due_at


def test_without_an_idle_end_nothing_is_sent_until_it_is_needed(world: World) -> None:
    world.login.expires_in = None
    seen = world.connect()
    world.login.script.append(silence)
    with pytest.raises(TemporarilyUnavailable):
        world.core.tokens.for_call(world.server, "jo", world.run(), refused=seen)
    assert world.connection().due_at is None
    world.time.passes(days=300)
    world.core.tokens.for_call(world.server, "jo", world.run())
    assert len(world.login.refreshes) == 1


def test_a_look_at_what_may_not_be_sent_yet_sets_the_moment_when_it_may(world: World) -> None:
    due(world)
    world.login.script.append(silence)
    looks(world)
    ends = world.connection().tokens.expires_at
    world.core.connections.reschedule(world.connection(), world.time.now())
    looks(world)
    assert (world.connection().due_at, len(world.login.refreshes)) == (ends, 1)


def test_a_look_during_a_backoff_sets_its_end(world: World) -> None:
    due(world)
    world.login.script.append(answers(429, {}, **{"retry-after": "200"}))
    looks(world)
    world.core.connections.reschedule(world.connection(), world.time.now())
    looks(world)
    stands = world.connection()
    assert (stands.due_at, len(world.login.refreshes)) == (stands.retry_at, 1)


def test_a_flagged_connection_that_is_still_due_is_not_looked_at_again(world: World) -> None:
    world.connect()
    world.flag()
    flagged = world.connection()
    world.core.connections.reschedule(flagged, world.time.now())
    looks(world)
    stands = world.connection()
    assert (stands.due_at, stands.reason is not None) == (None, True)
    assert stands.reason in Reason
