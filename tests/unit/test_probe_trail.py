"""What one request of a test leaves in its trail."""

from datetime import timedelta
from email.utils import format_datetime

import httpx
import pytest

from broker.diagnosis import Evidence, Kind, Step
from broker.errors import AddressBlocked, AnswerTimeout, AnswerTooLarge, OutboundError
from broker.flows.probe.trail import LONGEST, extended, of_sent
from broker.model import AuthType, Server
from broker.outbound import Obstacle, Sent, Unreached
from tests.fakes.clock import START

SERVER = Server(
    "crm",
    "CRM",
    "https://mcp.example.com/canary-key-1234567890/mcp?key=canary",
    AuthType.CONSUMER_OAUTH,
    authorization_endpoint="https://login.example.com/authorize?tenant=canary",
    token_endpoint="https://login.example.com/token",
    userinfo_endpoint="https://login.example.com/me/{token}",
    revocation_endpoint="https://login.example.com/revoke",
)


def seen(
    url: str,
    status: int | None = 200,
    step: Step = Step.EXCHANGE,
    failure: OutboundError | None = None,
    **headers: str,
) -> Evidence:
    named = httpx.Headers({name.replace("_", "-"): value for name, value in headers.items()})
    return of_sent(Sent("GET", url, 0.25, status, named, failure), SERVER, step, START)


@pytest.mark.parametrize(
    ("url", "under_way", "place"),
    [
        ("https://login.example.com/token", Step.EXCHANGE, Step.EXCHANGE),
        ("https://login.example.com/token", Step.REFRESH, Step.REFRESH),
        ("https://login.example.com/me/canary", Step.EXCHANGE, Step.ACCOUNT),
        ("https://login.example.com/m", Step.EXCHANGE, Step.METADATA),
        ("https://login.example.com/revoke", Step.EXCHANGE, Step.REVOCATION),
        ("https://login.example.com/authorize?client_id=x", Step.EXCHANGE, Step.AUTHORIZATION),
        (SERVER.mcp_url, Step.TOOLS, Step.TOOLS),
        ("https://mcp.example.com/messages?session=canary", Step.TOOLS, Step.TOOLS),
        (
            "https://login.example.com/.well-known/openid-configuration",
            Step.EXCHANGE,
            Step.METADATA,
        ),
    ],
)
def test_a_request_is_named_by_its_endpoint(url: str, under_way: Step, place: Step) -> None:
    evidence = seen(url, step=under_way)
    assert evidence.step is place
    assert "canary" not in str(evidence.data)
    assert "example.com" not in str(evidence.data)


@pytest.mark.parametrize(
    ("status", "media", "kind"),
    [
        (200, "application/json", Kind.OK),
        (200, "text/html", Kind.UNUSABLE),
        (401, "application/json", Kind.REFUSED),
        (429, "text/plain", Kind.REFUSED),
        (404, "text/html", Kind.UNUSABLE),
        (302, "text/html", Kind.UNUSABLE),
        (500, "text/plain", Kind.UNUSABLE),
    ],
)
def test_a_status_is_an_outcome(status: int, media: str, kind: Kind) -> None:
    assert seen("https://login.example.com/me", status, content_type=media).kind is kind


@pytest.mark.parametrize("status", [200, 302, 303])
def test_a_page_is_what_an_authorization_endpoint_is_for(status: int) -> None:
    url = "https://login.example.com/authorize"
    assert seen(url, status, content_type="text/html").kind is Kind.OK


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (AddressBlocked("x"), Kind.BLOCKED),
        (Unreached(Obstacle.TLS, "x"), Kind.NOT_SENT),
        (AnswerTimeout("x"), Kind.NO_ANSWER),
        (AnswerTooLarge("x"), Kind.UNUSABLE),
    ],
)
def test_a_failure_is_an_outcome(failure: OutboundError, kind: Kind) -> None:
    assert seen("https://login.example.com/me", None, failure=failure).kind is kind


def test_what_stood_in_the_way_is_told() -> None:
    evidence = seen("https://login.example.com/me", None, failure=Unreached(Obstacle.NAME, "x"))
    assert evidence.facts["obstacle"] == "name"


def test_time_clock_and_patience_are_told() -> None:
    ahead = format_datetime(START + timedelta(hours=1), usegmt=True)
    facts = seen("https://login.example.com/me", date=ahead, retry_after="30").facts
    assert facts["milliseconds"] == 250
    assert facts["clock_skew_seconds"] == -3600
    assert facts["retry_after"] == "30"


def test_a_redirect_is_told_without_its_query() -> None:
    where = "https://login.example.com/next?token=canary"
    facts = seen("https://login.example.com/me", 302, location=where).facts
    assert facts["redirects_to"] == "https://login.example.com/next"


def test_a_header_that_is_a_secret_is_hidden() -> None:
    evidence = seen(
        "https://login.example.com/me",
        429,
        retry_after="5d41402abc4b2a76b9719d911017c592",
        content_type="5d41402abc4b2a76b9719d911017c592",
    )
    assert "5d41402abc4b2a76" not in str(evidence.data)


def test_a_trail_has_an_end() -> None:
    many = [seen("https://login.example.com/me")] * (LONGEST + 10)
    assert len(extended([], many)) == LONGEST


def test_what_is_stored_is_read_as_it_was() -> None:
    evidence = Evidence(Step.TOOLS, Kind.REFUSED, 401, "text/html", "e", "d", {"a": True, "b": 1})
    assert Evidence.of_data(evidence.data) == evidence
    assert Evidence.of_data(Evidence(Step.MCP, Kind.OK).data) == Evidence(Step.MCP, Kind.OK)
