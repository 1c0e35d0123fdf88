"""What a token endpoint does instead of answering, and what that leaves uncertain."""

import json
from dataclasses import replace

import httpx
import pytest

from broker.diagnosis import Kind, Step
from broker.model import Secret, Server
from broker.oauth import ClientRefused, NoUsableAnswer, TokenRequestFailed
from tests.unit.oauth_answers import (
    GRANTED,
    SERVER,
    Service,
    answering,
    exchange,
    granting,
    raising,
    refresh,
)


def failing(service: Service, server: Server = SERVER) -> NoUsableAnswer:
    with pytest.raises(NoUsableAnswer) as caught:
        refresh(service, server)
    return caught.value


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_no_answer(status: int) -> None:
    service = answering(
        status, headers={"Location": "https://other.example.com/token?code=s#f"}, json=GRANTED
    )
    failure = failing(service)
    assert failure.ambiguous
    assert failure.evidence.facts["redirects_to"] == "https://other.example.com/token"
    assert len(service.requests) == 1


def test_what_a_redirect_says_besides_does_not_count() -> None:
    assert failing(answering(302, json={"error": "invalid_grant"})).ambiguous


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429, 408])
def test_nothing_is_ever_tried_again_here(status: int) -> None:
    service = answering(status)
    failing(service)
    assert len(service.requests) == 1


@pytest.mark.parametrize("error", [httpx.ConnectError("no"), httpx.ConnectTimeout("no")])
def test_a_request_that_did_not_leave_is_not_ambiguous(error: Exception) -> None:
    failure = failing(raising(error))
    assert not failure.ambiguous
    assert failure.evidence.kind is Kind.NOT_SENT


@pytest.mark.parametrize(
    "error", [httpx.ReadTimeout("no"), httpx.RemoteProtocolError("no"), httpx.WriteError("no")]
)
def test_a_request_whose_answer_was_lost_is_ambiguous(error: Exception) -> None:
    failure = failing(raising(error))
    assert failure.ambiguous
    assert failure.evidence.kind is Kind.NO_ANSWER


def test_an_answer_over_64_kb_is_ambiguous_and_unusable() -> None:
    text = json.dumps(GRANTED)
    failure = failing(answering(200, content=text + " " * (64 * 1024 + 1 - len(text))))
    assert failure.ambiguous
    assert failure.evidence.kind is Kind.UNUSABLE


def test_an_answer_of_64_kb_is_read() -> None:
    text = json.dumps(GRANTED)
    service = answering(200, content=text + " " * (64 * 1024 - len(text)))
    assert refresh(service).token_set.access_token == Secret("at-1")


def test_a_blocked_address_is_seen_as_such_and_nothing_is_sent() -> None:
    service = granting()
    failure = failing(service, replace(SERVER, token_endpoint="https://169.254.169.254/token"))
    assert not failure.ambiguous
    assert failure.evidence.kind is Kind.BLOCKED
    assert service.requests == []


def test_a_service_that_was_too_busy_to_look_is_not_ambiguous() -> None:
    failure = failing(answering(429, headers={"Retry-After": "17"}))
    assert not failure.ambiguous
    assert failure.retry_after == 17.0


def test_a_503_says_when_to_come_back_and_is_ambiguous() -> None:
    headers = {"Retry-After": "Tue, 28 Jul 2026 12:00:30 GMT"}
    failure = failing(answering(503, headers=headers))
    assert failure.ambiguous
    assert failure.retry_after == 30.0


def test_a_secret_that_is_missing_is_the_clients_fault_and_nothing_is_sent() -> None:
    service = granting()
    with pytest.raises(ClientRefused) as caught:
        refresh(service, secret=None)
    assert caught.value.evidence.error == "client_secret_missing"
    assert service.requests == []


def test_a_missing_token_endpoint_is_the_clients_fault() -> None:
    with pytest.raises(ClientRefused) as caught:
        refresh(granting(), replace(SERVER, token_endpoint=None))
    assert caught.value.evidence.error == "token_endpoint_missing"


def test_a_clock_that_differs_is_recorded() -> None:
    headers = {"Date": "Tue, 28 Jul 2026 11:50:00 GMT"}
    failure = failing(answering(500, headers=headers))
    assert failure.evidence.facts["clock_skew_seconds"] == 600


def test_the_evidence_names_the_step() -> None:
    with pytest.raises(TokenRequestFailed) as caught:
        exchange(answering(500))
    assert caught.value.evidence.step is Step.EXCHANGE
    assert failing(answering(500)).evidence.step is Step.REFRESH
