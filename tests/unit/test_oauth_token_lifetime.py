"""When a token ends, in all the ways in which services say so."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from broker.model import Secret
from tests.unit.oauth_answers import HOUR, NOW, SERVER, granted, jws, read, unusable


def jwt(**claims: object) -> str:
    return jws(claims)


def expiry(value: object) -> datetime | None:
    return granted(expires_in=value).token_set.expires_at


@pytest.mark.parametrize(
    "value",
    [
        3600,
        3600.0,
        "3600",
        " 3600 ",
        "3600.0",
        3600.5,
        "3600.5",
        "3.6e3",
        "3600s",
        "3600 sec",
        "3600.0 seconds ",
    ],
)
def test_a_lifetime_is_a_number_or_its_text(value: object) -> None:
    moment = expiry(value)
    assert moment is not None
    assert HOUR <= moment <= HOUR + timedelta(seconds=1)


@pytest.mark.parametrize(
    "value",
    [
        None,
        0,
        "0",
        -1,
        "-1",
        0.0,
        "",
        "soon",
        "3600 minutes",
        "-3600s",
        "s",
        "2026-07-28 13:00:00 CET",
        "9999-12-31T23:59:59-23:59",
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "Tue, 99 Jul 2026 13:00:00 GMT",
        "NaN",
        "Infinity",
        True,
        False,
        [],
        {},
        [3600],
        10**30,
        -(10**30),
        "1e400",
        "9" * 400,
        {"value": 3600},
    ],
)
def test_what_is_no_lifetime_leaves_it_unknown(value: object) -> None:
    assert expiry(value) is None


def test_seconds_that_are_named_so_come_before_a_number_of_something_else() -> None:
    """Zoho's ``expires_in`` was in milliseconds once, with ``expires_in_sec`` beside it."""
    told = granted(expires_in=3_600_000, expires_in_sec=3600)
    assert told.token_set.expires_at == HOUR


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "9" * 5000])
def test_a_number_that_is_none_costs_the_lifetime_and_not_the_token(text: str) -> None:
    tokens = read(f'{{"access_token": "at", "expires_in": {text}}}').token_set
    assert tokens.access_token == Secret("at")
    assert tokens.expires_at is None


EPOCH = int(HOUR.timestamp())


@pytest.mark.parametrize(
    "value",
    [
        EPOCH,
        str(EPOCH),
        EPOCH * 1000,
        str(EPOCH * 1000),
        EPOCH * 10**6,
        EPOCH * 10**9,
        "2026-07-28T13:00:00Z",
        "2026-07-28T13:00:00",
        "2026-07-28T15:00:00+02:00",
        "2026-07-28 13:00:00.000Z",
        "20260728T130000Z",
        "2026-07-28 13:00:00 UTC",
        "2026-07-28 13:00:00 GMT",
        "2026-07-28 15:00:00 +0200",
        "2026-07-28T15:00:00 +02:00",
        "Tue, 28 Jul 2026 13:00:00 GMT",
        "Tue, 28 Jul 2026 15:00:00 +0200",
    ],
)
@pytest.mark.parametrize("name", ["expires_in", "expires_at", "expires_on", "expires"])
def test_a_value_that_can_only_be_a_time_is_one(name: str, value: object) -> None:
    moment = granted(**{name: value}).token_set.expires_at
    assert moment is not None
    assert abs(moment - HOUR) < timedelta(milliseconds=1)


@pytest.mark.parametrize("value", [EPOCH - 7200, "2026-07-28T11:00:00Z", "0001-01-01T00:00:00"])
def test_a_token_of_this_moment_is_not_taken_for_expired(value: object) -> None:
    assert granted(expires_at=value).token_set.expires_at is None


def test_a_lifetime_wins_over_a_time_since_it_does_not_depend_on_clocks() -> None:
    assert granted(expires_in=3600, expires_at=EPOCH + 500).token_set.expires_at == HOUR


def test_a_lifetime_that_says_nothing_lets_the_time_speak() -> None:
    assert granted(expires_in=0, expires_at=EPOCH).token_set.expires_at == HOUR


def test_a_lifetime_of_thirty_years_is_no_time_of_day() -> None:
    assert expiry(946_080_000) == NOW + timedelta(seconds=946_080_000)


def test_the_exp_of_a_jwt_is_used_when_nothing_else_is_said() -> None:
    response = read(json.dumps({"access_token": jwt(exp=EPOCH)}))
    assert response.token_set.expires_at == HOUR


def test_expires_in_wins_over_the_exp_of_a_jwt() -> None:
    response = read(json.dumps({"access_token": jwt(exp=EPOCH + 500), "expires_in": 3600}))
    assert response.token_set.expires_at == HOUR


@pytest.mark.parametrize("exp", [EPOCH - 7200, 3600, "soon", str(EPOCH), None, True, 10**29, [1]])
def test_an_exp_that_makes_no_sense_leaves_it_unknown(exp: object) -> None:
    assert read(json.dumps({"access_token": jwt(exp=exp)})).token_set.expires_at is None


@pytest.mark.parametrize("token", ["a.b.c", "..", "e30.e30.", "e30.W10.x", "e30.bnVsbA.x", "é"])
def test_a_token_that_only_looks_like_a_jwt_is_just_a_token(token: str) -> None:
    if token.isascii():
        assert read(json.dumps({"access_token": token})).token_set.expires_at is None
    else:
        unusable(json.dumps({"access_token": token}))


def test_the_builders_lifetime_is_the_last_resort() -> None:
    server = replace(SERVER, default_expires_in=1800)
    assert granted(server).token_set.expires_at == NOW + timedelta(minutes=30)
    assert granted(server, expires_in=3600).token_set.expires_at == HOUR


@pytest.mark.parametrize(
    "name", ["refresh_token_expires_in", "refresh_expires_in", "x_refresh_token_expires_in"]
)
def test_the_end_of_the_refresh_token_is_kept_where_it_is_said(name: str) -> None:
    tokens = granted(refresh_token="r", **{name: "3600"}).token_set
    assert tokens.refresh_expires_at == HOUR
    assert tokens.expires_at is None
