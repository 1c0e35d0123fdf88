"""Failures that blame neither grant nor client, and what is kept as evidence."""

from datetime import timedelta
from email.utils import format_datetime

import pytest

from broker.oauth import NoUsableAnswer, RequestRefused
from tests.unit.oauth_answers import NOW, failure


@pytest.mark.parametrize(
    "body",
    [
        {"error": "invalid_request"},
        {"error": "invalid_scope", "error_description": "refresh token is invalid for this scope"},
        {"error": "unsupported_grant_type"},
        {"error": "invalid_target"},
        {"error": "redirect_uri_mismatch"},
        {"error": "something_new"},
        {"error": "invalid_request", "error_description": "Unknown parameter: refresh_token"},
        {"error": "invalid_request", "error_description": "refresh_token is required"},
        {"error": "invalid_request", "error_description": "Missing or invalid refresh token"},
        {"error": "access_denied", "error_description": "A rule said no"},
    ],
)
def test_any_other_error_is_neither_grant_nor_client(body: object) -> None:
    assert isinstance(failure(400, body), RequestRefused)


def test_a_no_with_the_word_server_error_is_no_outage() -> None:
    body = {"error": "server_error", "error_description": "access_denied"}
    assert isinstance(failure(401, body), RequestRefused)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, b""),
        (429, {"error": "invalid_grant"}),
        (429, b"<html>slow down</html>"),
        (200, {"ok": False, "error": "ratelimited"}),
        (
            400,
            {
                "error": "access_denied",
                "error_description": "You have made too many requests continuously.",
            },
        ),
    ],
)
def test_too_many_requests_is_no_refusal_and_not_ambiguous(status: int, body: object) -> None:
    busy = failure(status, body)
    assert isinstance(busy, NoUsableAnswer)
    assert not busy.ambiguous


@pytest.mark.parametrize("wait", ["30", "Tue, 28 Jul 2026 12:00:30 GMT"])
def test_any_other_error_that_says_when_to_come_back_passes(wait: str) -> None:
    body = {"error": "access_denied", "error_description": "Blocked by the network's guard"}
    later = failure(403, body, headers={"Retry-After": wait})
    assert isinstance(later, NoUsableAnswer)
    assert (later.ambiguous, later.retry_after) == (False, 30.0)


@pytest.mark.parametrize("wait", ["0", "-5", "soon", "Mon, 27 Jul 2026 12:00:00 GMT"])
def test_any_other_error_that_does_not_is_a_refusal(wait: str) -> None:
    refused = failure(400, {"error": "invalid_scope"}, headers={"Retry-After": wait})
    assert isinstance(refused, RequestRefused)


@pytest.mark.parametrize("hours", [-7, -1, 0, 1, 7])
def test_a_date_to_come_back_at_is_taken_against_the_answers_own(hours: int) -> None:
    """A wrong clock, theirs or ours, brings nobody back too early or too late."""
    theirs = NOW + timedelta(hours=hours)
    wait = {"Date": format_datetime(theirs, usegmt=True)}
    wait["Retry-After"] = format_datetime(theirs + timedelta(seconds=90), usegmt=True)
    busy = failure(503, headers=wait)
    assert isinstance(busy, NoUsableAnswer)
    assert busy.retry_after == 90.0


def test_a_date_to_come_back_at_is_taken_against_our_clock_where_the_answer_has_none() -> None:
    busy = failure(429, headers={"Retry-After": "Tue, 28 Jul 2026 12:01:00 GMT", "Date": "today"})
    assert isinstance(busy, NoUsableAnswer)
    assert busy.retry_after == 60.0


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b""),
        (502, b"<html>Bad gateway</html>"),
        (503, {"error": "temporarily_unavailable"}),
        (500, {"error": "invalid_grant"}),
        (500, {"error": "invalid_client"}),
        (500, {"access_token": "at"}),
        (400, {"error": "server_error"}),
        (400, {"error": "temporarily_unavailable"}),
        (200, {"ok": False, "error": "internal_error"}),
        (200, {"ok": False}),
        (400, b""),
        (400, b"<html>no</html>"),
        (400, {"access_token": "at"}),
        (403, b"<html>Blocked by the firewall</html>"),
        (404, b"<html>Not found</html>"),
        (204, b""),
    ],
)
def test_an_answer_that_refuses_nothing_is_ambiguous(status: int, body: object) -> None:
    unclear = failure(status, body)
    assert isinstance(unclear, NoUsableAnswer)
    assert unclear.ambiguous


def test_the_evidence_holds_code_and_scrubbed_description() -> None:
    seen = failure(
        400,
        {
            "error": "invalid_grant",
            "error_description": "Token refresh-token-1 of jo@example.com is dead",
        },
        headers={"Content-Type": "application/json; charset=utf-8"},
    ).evidence
    assert seen.status == 400
    assert seen.content_type == "application/json"
    assert seen.error == "invalid_grant"
    assert seen.description == "Token … of …@example.com is dead"


def test_a_sentence_in_place_of_a_code_becomes_the_description() -> None:
    seen = failure(400, {"error": "This is: not a code!"}).evidence
    assert seen.error is None
    assert seen.description == "This is: not a code!"
