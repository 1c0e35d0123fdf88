"""Invoke: every answer that a chat's backend may get."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from local.demo.journey import Journey, text_of
from tests.e2e.answers import asked, description, refusal
from tests.e2e.stranger import Stranger, as_json


def _post(journey: Journey, body: bytes) -> httpx.Response:
    headers = {"Content-Type": "application/json"}
    return journey.callers.chat.post("/v1/invoke", content=body, headers=headers)


def test_a_user_without_a_connection_gets_a_ready_prompt(journey: Journey, ana: str) -> None:
    answer = journey.invoke(ana).json()
    assert answer["status"] == "authorization_required"
    assert answer["reason"] == "not_connected"
    assert answer["server"] == {"id": journey.server_id, "name": "Harbor CRM"}
    assert answer["prompt"]["button_label"] == "Connect Harbor CRM account"
    assert "Harbor CRM" in answer["prompt"]["text"]
    assert answer["prompt"]["detail"]
    assert answer["scopes"] == ["openid", "contacts.read"]
    assert answer["connect_url"].startswith(f"{journey.callers.deployment.url}/authorize?ticket=")
    assert answer["connect_id"]
    assert "failure" not in answer


def test_a_connect_link_lives_ten_minutes(journey: Journey, ana: str) -> None:
    expires_at = datetime.fromisoformat(journey.invoke(ana).json()["expires_at"])
    assert 590 < (expires_at - datetime.now(UTC)).total_seconds() <= 600


def test_the_prompt_is_in_the_users_language(journey: Journey, ana: str) -> None:
    answer = journey.invoke(ana, locale="de-AT").json()
    assert answer["prompt"]["button_label"] == "Harbor CRM-Konto verbinden"


def test_the_tool_runs_as_the_user(journey: Journey, ana: str, ben: str) -> None:
    journey.connect(ana, "alice")
    journey.connect(ben, "bob")
    seen = [text_of(journey.invoke(user)) for user in (ana, ben, ana, ben)]
    assert seen == ["alice", "bob", "alice", "bob"]


def test_a_result_comes_as_the_server_sent_it(journey: Journey, ana: str) -> None:
    journey.connect(ana)
    result = journey.invoke(ana, "contact_card", arguments={"name": "Ada Ferry"}).json()["result"]
    card = {"name": "Ada Ferry", "email": "ada.ferry@example.com", "region": "north"}
    assert result["structuredContent"] == card
    assert json.loads(result["content"][0]["text"]) == card
    assert result["isError"] is False
    assert "_meta" in result


def test_a_tools_own_error_is_a_result(journey: Journey, ana: str) -> None:
    journey.connect(ana)
    answer = journey.invoke(ana, "fail")
    assert answer.status_code == 200
    assert answer.json()["status"] == "completed"
    assert answer.json()["result"]["isError"] is True


def test_an_argument_that_is_mirrored_in_a_header_arrives(journey: Journey, ana: str) -> None:
    journey.connect(ana)
    answer = journey.invoke(ana, "find_contacts", arguments={"region": "south"}).json()
    [contact] = answer["result"]["structuredContent"]["result"]
    assert contact["name"] == "Ari Quay"


def test_a_question_of_the_server_is_passed_on_and_answered(journey: Journey, ana: str) -> None:
    journey.connect(ana)
    call: dict[str, Any] = {"arguments": {"question": "Größe 漢字 🙂?"}}
    first = journey.invoke(ana, "confirm", **call).json()
    assert first["status"] == "input_required"
    [(key, question)] = first["input_requests"].items()
    assert question["params"]["message"] == "Größe 漢字 🙂?"
    answered = {key: {"action": "accept", "content": {"sure": True}}}
    state = first["request_state"]
    last = journey.invoke(ana, "confirm", input_responses=answered, request_state=state, **call)
    assert text_of(last) == "Größe 漢字 🙂? Yes, says alice."


def test_an_unknown_server_is_not_found(blank: Journey, ana: str) -> None:
    assert refusal(blank.invoke(ana)) == (404, "server_not_found")


def test_an_incomplete_server_is_the_builders_to_complete(
    half_configured: Journey, ana: str
) -> None:
    answer = half_configured.invoke(ana)
    assert refusal(answer) == (424, "server_misconfigured")
    assert answer.json()["missing"] == ["client_secret", "token_endpoint"]


def test_a_body_over_a_megabyte_is_too_large(journey: Journey, ana: str) -> None:
    answer = journey.invoke(ana, arguments={"text": "x" * 1_000_001})
    assert refusal(answer) == (413, "request_too_large")


def test_a_body_that_the_gateway_does_not_take_is_its_own_413(journey: Journey, ana: str) -> None:
    answer = journey.invoke(ana, arguments={"text": "x" * 11_000_000})
    assert (answer.status_code, answer.json()) == (413, {"message": "Request Entity Too Large"})


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b'{"user_id": "u", "server_id": "s", "tool": "t", "arguments": {"a": NaN}}',
        b'{"user_id": "u", "server_id": "s", "tool": "t", "arguments": {"a": "\\ud800"}}',
        b'{"user_id": "\\ud800", "server_id": "s", "tool": "t"}',
        b'{"user_id": "u", "server_id": "s", "tool": "t", "arguments": ' + b"[" * 50_000 + b"}",
    ],
    ids=["cut", "list", "text", "bytes", "nan", "surrogate", "surrogate-id", "deep"],
)
def test_a_body_that_is_no_json_object_is_refused(journey: Journey, body: bytes) -> None:
    assert refusal(_post(journey, body)) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("colour", "blue"),
        ("user_id", 7),
        ("user_id", ""),
        ("user_id", "a" * 257),
        ("user_id", "a\x00b"),
        ("server_id", "UPPER"),
        ("tool", ["whoami"]),
        ("tool", None),
        ("arguments", ["a"]),
        ("arguments", "a"),
        ("client_state", "x" * 513),
        ("return_url", 1),
        ("locale", "no such tag"),
        ("input_responses", []),
        ("request_state", {}),
    ],
)
def test_a_field_that_does_not_fit_is_named(
    journey: Journey, ana: str, field: str, value: Any
) -> None:
    body = {"user_id": ana, "server_id": journey.server_id, "tool": "whoami", field: value}
    answer = journey.callers.chat.post("/v1/invoke", json=body)
    assert refusal(answer) == (400, "invalid_request")
    assert field in description(answer)


def test_a_return_url_that_is_not_listed_is_refused(journey: Journey, ana: str) -> None:
    answer = journey.invoke(ana, return_url="http://chat.localhost:9/return?more")
    assert refusal(answer) == (400, "invalid_request")
    assert "return_url" in description(answer)


def test_users_whose_ids_look_alike_are_different_users(journey: Journey, ana: str) -> None:
    journey.connect(f"{ana}#a/b")
    twins = [ana, f"{ana}#", f"{ana}#a", f"{ana}#a/b ", f" {ana}#a/b", f"{ana}\uff03a/b"]
    assert {asked(journey.invoke(twin)) for twin in twins} == {"not_connected"}


def test_a_number_that_no_json_carries_on_is_refused_before_the_server_hears_of_it(
    blank: Journey, stranger: Stranger, ana: str
) -> None:
    url = stranger.answers(lambda _: as_json({}))
    blank.put(name="Stranger", mcp_url=url, auth_type="none").raise_for_status()
    about = f'"user_id": "{ana}", "server_id": "{blank.server_id}", "tool": "whoami"'
    answer = _post(blank, f'{{{about}, "arguments": {{"a": 1e999}}}}'.encode())
    assert stranger.seen(url) == []
    assert refusal(answer) == (400, "invalid_request")
