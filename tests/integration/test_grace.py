"""A service that forgives the reuse of a refresh token for a while: ``reuse_grace_seconds``."""

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.model import Reason, Status
from tests.fakes.services import answers
from tests.integration.conftest import World
from tests.integration.test_ahead import DUE, looks
from tests.integration.test_kept_alive import silence
from tests.integration.test_lease import lease
from tests.integration.test_refresh import NEW, OLD, token

GRACE = 60


@pytest.fixture
def forgiving(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A server whose service forgives for a minute; the longest backoff is drawn."""
    monkeypatch.setattr("broker.tokens.timing.random.random", lambda: 0.99)
    world.server = world.register(replace(world.server, reuse_grace_seconds=GRACE))
    return world


def test_an_unanswered_refresh_is_repeated_within_the_grace(forgiving: World) -> None:
    forgiving.connect()
    forgiving.time.passes(3400)
    forgiving.login.script.append(answers(502))
    assert token(forgiving) == OLD
    forgiving.time.passes(5)
    assert token(forgiving) == NEW
    assert len(forgiving.login.refreshes) == 2
    assert forgiving.connection().ambiguous_at is None


def test_it_is_not_repeated_after_the_grace_while_the_token_serves(forgiving: World) -> None:
    forgiving.connect()
    forgiving.time.passes(3400)
    forgiving.login.script.append(answers(502))
    assert token(forgiving) == OLD
    forgiving.time.passes(GRACE)
    assert token(forgiving) == OLD
    assert len(forgiving.login.refreshes) == 1


def test_the_grace_counts_from_the_first_request_without_an_answer(forgiving: World) -> None:
    forgiving.connect()
    forgiving.time.passes(3400)
    first = forgiving.time.now().replace(microsecond=0)
    forgiving.login.script += [answers(502)] * 2
    token(forgiving)
    forgiving.time.passes(5)
    token(forgiving)
    assert forgiving.connection().ambiguous_at == first


def test_no_pause_outlives_the_grace(forgiving: World) -> None:
    forgiving.connect()
    forgiving.time.passes(3400)
    forgiving.login.script += [answers(502)] * 6
    for _ in range(6):
        token(forgiving)
        forgiving.time.passes(9)
    stands = forgiving.connection()
    assert stands.retry_at
    assert stands.ambiguous_at
    assert stands.retry_at <= stands.ambiguous_at + timedelta(seconds=GRACE)


def test_a_pause_that_the_server_asked_for_does(forgiving: World) -> None:
    forgiving.connect()
    forgiving.time.passes(3400)
    forgiving.login.script.append(answers(503, **{"retry-after": "600"}))
    token(forgiving)
    retry_at = forgiving.connection().retry_at
    assert retry_at
    assert retry_at >= forgiving.time.now() + timedelta(seconds=599)


def test_the_worker_repeats_it_at_once(forgiving: World) -> None:
    """The next tick may be too late."""
    forgiving.connect()
    forgiving.time.passes(DUE + 100)
    forgiving.login.script.append(answers(502))
    looks(forgiving)
    stands = forgiving.connection()
    assert (stands.generation, stands.ambiguous) == (2, False)
    assert len(forgiving.login.refreshes) == 2


def test_the_worker_does_not_loop(forgiving: World) -> None:
    forgiving.connect()
    forgiving.time.passes(DUE + 100)
    forgiving.login.script += [answers(502)] * 20
    looks(forgiving)
    stands = forgiving.connection()
    assert len(forgiving.login.refreshes) < 8
    assert stands.status is Status.ACTIVE


def test_after_a_dead_holder_nobody_knows_when_it_sent(forgiving: World) -> None:
    """So nothing is repeated before the access token has run out."""
    forgiving.connect()
    forgiving.time.passes(DUE + 100)
    lease(forgiving, forgiving.connection())
    forgiving.time.passes(35)
    assert token(forgiving) == OLD
    forgiving.time.passes(50)
    taken = lease(forgiving, forgiving.connection())
    assert (taken.ambiguous, taken.ambiguous_at) == (True, None)


def test_without_the_setting_the_worker_tries_once(world: World) -> None:
    world.connect()
    world.time.passes(DUE + 100)
    world.login.script.append(answers(502))
    looks(world)
    assert len(world.login.refreshes) == 1


def test_invalid_grant_within_the_grace_still_ends_it(forgiving: World) -> None:
    forgiving.connect()
    forgiving.time.passes(DUE + 100)
    forgiving.login.script += [answers(502), answers(400, {"error": "invalid_grant"})]
    looks(forgiving)
    stands = forgiving.connection()
    assert (stands.status, stands.reason) == (
        Status.RECONNECT_REQUIRED,
        Reason.AMBIGUOUS_REFRESH,
    )


def test_no_pause_for_odd_refusals_outlives_the_grace(forgiving: World) -> None:
    forgiving.connect()
    forgiving.time.passes(DUE + 200)
    odd = answers(400, {"error": "invalid_scope"})
    forgiving.login.script += [silence, odd, odd]
    for _ in range(GRACE // 2):
        token(forgiving)
        forgiving.time.passes(2)
    stands = forgiving.connection()
    assert stands.retry_at
    assert stands.ambiguous_at
    assert stands.retry_at <= stands.ambiguous_at + timedelta(seconds=GRACE)
