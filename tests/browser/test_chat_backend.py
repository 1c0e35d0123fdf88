"""The chat's backend where a browser is not needed: lost answers, busy servers, signed requests."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from flask.testing import FlaskClient

from examples.chat.application import create_application
from examples.chat.broker import Broker, BrokerError, Json
from examples.chat.returning import finish
from examples.chat.sessions import USERS, Session, Started

ACTIVE: Json = {"status": "active", "account": "alice@example.com"}
RETURNED = {"connect_id": "c1", "completion_code": "code"}
ORIGIN = "https://chat.example.com"


class ScriptedBroker(Broker):
    """Answers from a script and notes what it was asked."""

    def __init__(self, *script: Json | Exception) -> None:
        self.script = list(script)
        self.asked: list[tuple[str, str, Json]] = []

    def _send(self, method: str, path: str, body: Json | None = None, **query: str) -> Json:
        self.asked.append((method, path, {**(body or {}), **query}))
        answer = self.script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def session() -> Session:
    soon = datetime.now(UTC) + timedelta(minutes=10)
    session = Session(USERS["ana"], soon)
    session.remember("c1", Started("harbor", "Harbor CRM", soon))
    return session


def signed_in(scripted: ScriptedBroker) -> FlaskClient:
    client = create_application(scripted, "harbor").test_client()
    client.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
    client.post("/login", data={"user_id": "ana"}, base_url=ORIGIN)
    return client


def refusal(status: int, **headers: str) -> BrokerError:
    return BrokerError(httpx.Response(status, headers=headers, json={"error": "some_error"}))


def test_a_lost_answer_is_read_and_not_sent_twice(session: Session) -> None:
    scripted = ScriptedBroker(httpx.ReadTimeout("lost"), ACTIVE)
    assert finish(session, scripted, RETURNED).connected
    assert [(method, path) for method, path, _ in scripted.asked] == [
        ("POST", "connections/harbor/complete"),
        ("GET", "connections/harbor"),
    ]


def test_a_lost_answer_is_no_success_while_the_old_connection_is_broken(session: Session) -> None:
    broken = {"status": "reconnect_required", "account": "alice@example.com"}
    scripted = ScriptedBroker(httpx.ReadTimeout("lost"), broken)
    assert not finish(session, scripted, RETURNED).connected


def test_a_return_counts_once(session: Session) -> None:
    scripted = ScriptedBroker({"connection": ACTIVE})
    assert finish(session, scripted, RETURNED).connected
    assert not finish(session, scripted, RETURNED).connected
    assert len(scripted.asked) == 1


def test_an_error_of_the_service_is_not_repeated_word_for_word(session: Session) -> None:
    outcome = finish(session, ScriptedBroker(), {"connect_id": "c1", "error": "<b>Call us</b>"})
    assert not outcome.connected
    assert outcome.text == "Harbor CRM did not complete the sign-in. Please try again."


def test_the_user_is_the_sessions_whatever_the_page_says() -> None:
    scripted = ScriptedBroker({"status": "completed", "result": {}})
    message = {"message": "who am I", "message_id": "m1", "user_id": "ben"}
    signed_in(scripted).post("/api/messages", json=message, base_url=ORIGIN)
    (_, _, sent) = scripted.asked[0]
    assert (sent["user_id"], sent["user_label"]) == ("ana", "ana@example.com")


def test_a_busy_app_is_said_in_friendly_words() -> None:
    client = signed_in(ScriptedBroker(refusal(503, **{"Retry-After": "7"})))
    message = {"message": "who am I", "message_id": "m1"}
    answer = client.post("/api/messages", json=message, base_url=ORIGIN)
    assert answer.get_json()["text"] == "The app is busy just now. Please try again in 7 seconds."


@pytest.mark.parametrize("body", [[], {}, {"message": 1, "message_id": "m1"}])
def test_a_malformed_message_is_refused(body: object) -> None:
    client = signed_in(ScriptedBroker())
    assert client.post("/api/messages", json=body, base_url=ORIGIN).status_code == 400


def test_nothing_is_answered_without_a_session() -> None:
    client = create_application(ScriptedBroker(), "harbor").test_client()
    headers = {"Sec-Fetch-Site": "same-origin"}
    message = {"message": "who am I", "message_id": "m1"}
    assert client.post("/api/messages", json=message, headers=headers).status_code == 401
    assert client.get("/api/connections").status_code == 401
    assert client.delete("/api/connections/harbor", headers=headers).status_code == 401
    assert client.get("/").location == "/login"


def test_the_query_is_signed_as_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "a session token")
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json={"connections": []})

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", lambda _, request: answer(request))
    Broker("https://broker.example.com", "eu-central-1").connections("a b+c/d@é")
    (request,) = sent
    assert request.url.raw_path == b"/v1/connections?user_id=a%20b%2Bc%2Fd%40%C3%A9"
    assert request.headers["x-amz-security-token"] == "a session token"
    assert "Credential=AKIAEXAMPLE/" in request.headers["authorization"]
