"""When a token is fresh, when it is due, how long nobody sends: pure rules."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.model import AuthType, Sealed, SealedTokens, Server
from broker.tokens.timing import RefreshPolicy, backoff, idle_moment, still_valid

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
SEALED = Sealed(b"", b"", b"")
SERVER = Server("crm", "CRM", "https://mcp.example.com/mcp", AuthType.CONSUMER_OAUTH)
POLICY = RefreshPolicy()


def tokens(life: float | None, *, refresh: bool = True) -> SealedTokens:
    expires_at = None if life is None else NOW + timedelta(seconds=life)
    return SealedTokens(SEALED, SEALED if refresh else None, expires_at, NOW, ())


@pytest.mark.parametrize(("life", "buffer"), [(3600, 300), (600, 300), (599, 299.5), (60, 30)])
def test_the_buffer_is_five_minutes_or_half_the_lifetime(life: float, buffer: float) -> None:
    assert POLICY.buffer_of(tokens(life)) == timedelta(seconds=buffer)


def test_the_stack_may_choose_a_smaller_buffer() -> None:
    policy = RefreshPolicy(buffer=timedelta(seconds=10))
    assert policy.buffer_of(tokens(3600)) == timedelta(seconds=10)


@given(st.floats(1, 1e7), st.floats(0, 1e7))
def test_a_token_is_never_fresh_within_its_buffer(life: float, age: float) -> None:
    held = tokens(life)
    left = timedelta(seconds=life) - timedelta(seconds=age)
    if abs((left - POLICY.buffer_of(held)).total_seconds()) > 1e-3:
        fresh = POLICY.fresh(held, NOW + timedelta(seconds=age))
        assert fresh == (left > POLICY.buffer_of(held))


def test_a_token_of_unknown_expiry_is_fresh_and_valid_for_ever() -> None:
    later = NOW + timedelta(days=9999)
    assert POLICY.fresh(tokens(None), later)
    assert still_valid(tokens(None), later)


def test_a_token_in_its_last_seconds_is_not_used() -> None:
    assert still_valid(tokens(60), NOW + timedelta(seconds=54))
    assert not still_valid(tokens(60), NOW + timedelta(seconds=56))
    assert still_valid(tokens(4), NOW + timedelta(seconds=2))
    assert not still_valid(tokens(4), NOW + timedelta(seconds=3))


@given(st.floats(10, 1e7))
def test_a_connection_in_use_is_due_before_calls_would_refresh_it(life: float) -> None:
    held = tokens(life)
    due = POLICY.due_at(held, SERVER, NOW, NOW)
    assert due is not None
    assert held.expires_at is not None
    assert NOW <= due < held.expires_at - POLICY.buffer_of(held)


def test_due_moments_are_spread() -> None:
    assert len({POLICY.due_at(tokens(3600), SERVER, NOW, NOW) for _ in range(20)}) > 10


def test_what_is_due_is_refreshed_when_the_worker_looks() -> None:
    held = tokens(3600)
    due = POLICY.due_at(held, SERVER, NOW, NOW)
    assert due is not None
    assert POLICY.ahead_of_expiry(held, NOW, due)


def test_an_unused_connection_is_not_due() -> None:
    used = NOW - timedelta(hours=25)
    assert POLICY.due_at(tokens(3600), SERVER, used, NOW) is None
    assert POLICY.due_at(tokens(3600), SERVER, None, NOW) is None


def test_a_connection_without_a_refresh_token_is_not_due() -> None:
    assert POLICY.due_at(tokens(3600, refresh=False), SERVER, NOW, NOW) is None


def test_an_idle_refresh_token_is_due_before_it_dies() -> None:
    server = replace(SERVER, refresh_idle_days=30)
    due = POLICY.due_at(tokens(None), server, None, NOW)
    assert due == NOW + timedelta(days=27) == idle_moment(tokens(None), server)


def test_the_earlier_of_two_moments_counts() -> None:
    server = replace(SERVER, refresh_idle_days=1)
    due = POLICY.due_at(tokens(86400 * 30), server, NOW, NOW)
    assert due == NOW + timedelta(days=0.9)


@given(st.integers(0, 10_000), st.none() | st.floats(0, 3600))
def test_a_backoff_is_bounded_and_never_shorter_than_asked(
    attempts: int, retry_after: float | None
) -> None:
    waits = backoff(attempts, retry_after).total_seconds()
    assert (retry_after or 0) <= waits + 1e-6
    assert waits <= 900 + (retry_after or 0) + 1e-6


def test_who_was_asked_to_wait_equally_long_does_not_come_back_in_a_crowd() -> None:
    assert len({backoff(3, 60) for _ in range(20)}) > 10
