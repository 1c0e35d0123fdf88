"""Outcomes as JSON: whole, without a secret, and small enough for the gateway."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aws_lambda_powertools.event_handler import Response

from broker.errors import McpResultTooLarge
from broker.inbound import answers
from broker.model import (
    Account,
    AuthorizationRequired,
    AuthType,
    Completed,
    Connection,
    ConnectLink,
    Failure,
    InputRequired,
    Prompt,
    PromptReason,
    RevocationTarget,
    Sealed,
    SealedTokens,
    Server,
    Status,
)

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
SEALED = Sealed(b"canary-key", b"canary-nonce", b"canary-text")
SERVER = Server(
    "crm",
    "CRM",
    "https://mcp.example.com/mcp",
    AuthType.CONSUMER_OAUTH,
    client_id="client-1",
    client_secret=SEALED,
    bearer_token=SEALED,
)
CONNECTION = Connection(
    "jo",
    "crm",
    "canary-grant",
    1,
    Status.ACTIVE,
    SERVER.config_digest,
    SealedTokens(SEALED, SEALED, NOW, NOW, ("read",)),
    NOW,
    NOW,
    RevocationTarget("https://login.example.com/revoke", "client-1"),
    Account("jo@example.com", "canary-subject"),
    requested_scopes=("read", "write"),
    mcp_session=SEALED,
)


def parsed(answer: Response[str]) -> dict[str, Any]:
    assert answer.body is not None
    body: dict[str, Any] = json.loads(answer.body)
    return body


def test_a_server_shows_whether_it_has_secrets_and_never_the_secrets() -> None:
    body = answers.server(SERVER, "https://b.example.com")
    assert (body["has_client_secret"], body["has_bearer_token"]) == (True, True)
    assert "client_secret" not in body
    assert "canary" not in json.dumps(body)


def test_a_server_shows_the_exact_redirect_uri_and_what_is_missing() -> None:
    body = answers.server(SERVER, "https://b.example.com")
    assert body["redirect_uri"] == "https://b.example.com/callback/crm"
    assert body["missing"] == ["authorization_endpoint", "token_endpoint"]


def test_a_connection_shows_no_token_key_grant_or_subject() -> None:
    body = answers.connection(CONNECTION, SERVER)
    assert "canary" not in json.dumps(body)
    assert (body["account"], body["missing_scopes"]) == ("jo@example.com", ["write"])


def test_a_connection_of_another_configuration_needs_a_reconnect() -> None:
    moved = replace(SERVER, token_endpoint="https://other.example.com/token")
    body = answers.connection(CONNECTION, moved)
    assert (body["status"], body["reason"]) == ("reconnect_required", "server_changed")


def test_times_are_utc_in_iso_8601() -> None:
    assert answers.connection(CONNECTION, SERVER)["expires_at"] == "2027-03-01T12:00:00Z"


def test_a_completed_call_has_the_result_as_it_came() -> None:
    result = {"content": [{"type": "text", "text": "größer 😀"}], "_meta": {"x": None}}
    answer = answers.invoke_answer(Completed(result))
    assert parsed(answer) == {"status": "completed", "result": result}
    assert answer.body is not None
    assert "größer 😀" in answer.body


def test_a_call_that_needs_input_says_what() -> None:
    asked = answers.invoke_answer(InputRequired({"a": {"method": "elicitation/create"}}, "st"))
    assert parsed(asked) == {
        "status": "input_required",
        "input_requests": {"a": {"method": "elicitation/create"}},
        "request_state": "st",
    }


def test_a_call_that_needs_a_consent_carries_the_ready_prompt() -> None:
    link = ConnectLink("https://b.example.com/authorize?ticket=t", "c-1", NOW)
    failure = Failure("refresh_rejected", "No longer.", NOW)
    outcome = AuthorizationRequired(
        PromptReason.RECONNECT_REQUIRED, SERVER, Prompt("t", "b", "d"), link, ("read",), failure
    )
    assert parsed(answers.invoke_answer(outcome)) == {
        "status": "authorization_required",
        "reason": "reconnect_required",
        "server": {"id": "crm", "name": "CRM"},
        "prompt": {"text": "t", "button_label": "b", "detail": "d"},
        "connect_url": "https://b.example.com/authorize?ticket=t",
        "connect_id": "c-1",
        "expires_at": "2027-03-01T12:00:00Z",
        "scopes": ["read"],
        "failure": {
            "code": "refresh_rejected",
            "message": "No longer.",
            "at": "2027-03-01T12:00:00Z",
        },
    }


def as_the_runtime_sends(answer: Response[str]) -> int:
    """Return the bytes of the envelope: python3.12 and later do not escape what is not ASCII."""
    return len(json.dumps({"body": answer.body}, ensure_ascii=False).encode())


@pytest.mark.parametrize("text", ["x", '"', "ä", "漢", "😀"])
def test_a_result_that_fits_the_gateways_answer_is_answered(text: str) -> None:
    once = as_the_runtime_sends(answers.json_answer({"r": text})) - as_the_runtime_sends(
        answers.json_answer({"r": ""})
    )
    result = {"content": [{"type": "text", "text": text * (5_400_000 // once)}]}
    answer = answers.invoke_answer(Completed(result))
    assert as_the_runtime_sends(answer) < 5_500_000


@pytest.mark.parametrize("text", ["x", '"', "\\", "漢"])
def test_a_result_that_does_not_fit_is_too_large(text: str) -> None:
    once = as_the_runtime_sends(answers.json_answer({"r": text})) - as_the_runtime_sends(
        answers.json_answer({"r": ""})
    )
    result = {"content": [{"type": "text", "text": text * (5_600_000 // once)}]}
    with pytest.raises(McpResultTooLarge):
        answers.invoke_answer(Completed(result))


def test_answers_are_not_kept_by_anybody() -> None:
    answer = answers.json_answer({})
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
