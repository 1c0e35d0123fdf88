import json
from urllib.parse import parse_qsl

import httpx
import pytest

from broker.diagnosis import Kind, Step
from broker.model import Secret, TokenRequestStyle
from broker.oauth import RevocationAnswer, RevocationOutcome, Revoker
from broker.outbound import Outbound
from tests.unit.oauth_answers import Service, StoppedClock, answering

CONFIRMED, REFUSED = RevocationOutcome.CONFIRMED, RevocationOutcome.REFUSED
UNSUPPORTED, NO_ANSWER = RevocationOutcome.UNSUPPORTED, RevocationOutcome.NO_ANSWER


def ask(
    service: Service,
    *,
    style: TokenRequestStyle = TokenRequestStyle.FORM_POST,
    hint: str | None = "refresh_token",
    secret: str | None = "s3cret",
    client_id: str = "client-1",
    endpoint: str = "https://login.example.com/revoke",
) -> RevocationAnswer:
    revoker = Revoker(service.outbound, StoppedClock())
    return revoker.ask(
        endpoint,
        client_id=client_id,
        style=style,
        client_secret=None if secret is None else Secret(secret),
        token=Secret("token-1"),
        token_type_hint=hint,
        deadline=5.0,
    )


def answered(status: int, body: object = b"") -> RevocationOutcome:
    content = body if isinstance(body, bytes) else json.dumps(body)
    return ask(answering(status, content=content)).outcome


def confirming() -> Service:
    return answering(200)


def test_the_request_is_that_of_rfc_7009() -> None:
    service = confirming()
    ask(service)
    (request,) = service.requests
    assert request.method == "POST"
    assert dict(parse_qsl(request.content.decode())) == {
        "token": "token-1",
        "token_type_hint": "refresh_token",
        "client_id": "client-1",
        "client_secret": "s3cret",
    }


def test_without_a_hint_none_is_sent() -> None:
    service = confirming()
    ask(service, hint=None)
    assert b"token_type_hint" not in service.requests[0].content


def test_the_client_authenticates_in_the_servers_style() -> None:
    service = confirming()
    ask(service, style=TokenRequestStyle.JSON_BASIC)
    (request,) = service.requests
    assert request.headers["authorization"].startswith("Basic ")
    assert json.loads(request.content) == {"token": "token-1", "token_type_hint": "refresh_token"}


def test_the_outcome_alone_can_be_had() -> None:
    revoker = Revoker(Outbound(StoppedClock(), httpx.MockTransport(confirming())))
    outcome = revoker.revoke(
        "https://login.example.com/revoke",
        client_id="client-1",
        style=TokenRequestStyle.NONE,
        client_secret=None,
        token=Secret("token-1"),
        deadline=5.0,
    )
    assert outcome is CONFIRMED


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (204, b""),
        (200, {}),
        (200, {"ok": True, "revoked": True}),
        (200, b"<html>done</html>"),
        (400, {"error": "invalid_token", "error_description": "Token expired or revoked"}),
        (200, {"ok": False, "error": "token_revoked"}),
    ],
)
def test_a_token_that_is_dead_or_was_dead_before_is_confirmed(status: int, body: object) -> None:
    assert answered(status, body) is CONFIRMED


def test_a_kind_of_token_that_the_service_does_not_revoke_is_unsupported() -> None:
    assert answered(400, {"error": "unsupported_token_type"}) is UNSUPPORTED


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": "invalid_request"}),
        (401, {"error": "invalid_client"}),
        (401, {"error": "invalid_token"}),
        (401, b""),
        (403, b"<html>no</html>"),
        (404, b"<html>not found</html>"),
        (302, b""),
        (200, {"ok": False, "error": "invalid_arguments"}),
    ],
)
def test_a_no_that_would_be_a_no_again_is_refused(status: int, body: object) -> None:
    assert answered(status, body) is REFUSED


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
def test_a_busy_or_broken_service_is_asked_later(status: int) -> None:
    assert answered(status) is NO_ANSWER


@pytest.mark.parametrize("error", [httpx.ConnectError("no"), httpx.ReadTimeout("no")])
def test_without_an_answer_nothing_is_known(error: Exception) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    assert ask(Service(answer)).outcome is NO_ANSWER


def test_a_blocked_address_is_seen_in_the_evidence() -> None:
    service = confirming()
    answer = ask(service, endpoint="http://localhost/revoke")
    assert answer.evidence.kind is Kind.BLOCKED
    assert answer.evidence.step is Step.REVOCATION
    assert service.requests == []


@pytest.mark.parametrize(
    ("client_id", "secret", "error"),
    [("", "s3cret", "client_id_missing"), ("c", None, "client_secret_missing")],
)
def test_credentials_that_are_missing_refuse_without_a_request(
    client_id: str, secret: str | None, error: str
) -> None:
    service = confirming()
    answer = ask(service, client_id=client_id, secret=secret)
    assert answer.outcome is REFUSED
    assert answer.evidence.error == error
    assert service.requests == []


def test_the_evidence_does_not_quote_the_token() -> None:
    body = {"error": "invalid_request", "error_description": "token-1 with s3cret"}
    answer = ask(Service(lambda _: httpx.Response(400, json=body)))
    assert answer.evidence.description == "… with …"
