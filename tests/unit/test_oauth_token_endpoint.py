import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import parse_qsl

import httpx
import pytest

from broker.clock import Clock
from broker.diagnosis import Kind, Step
from broker.model import AuthType, Secret, Server, TokenRequestStyle
from broker.oauth import (
    ClientRefused,
    NoUsableAnswer,
    TokenEndpoint,
    TokenRequestFailed,
    TokenResponse,
)
from broker.outbound import Outbound

NOW = datetime(2026, 7, 28, 12, tzinfo=UTC)
SERVER = Server(
    server_id="crm",
    name="CRM",
    mcp_url="https://mcp.example.com/mcp",
    auth_type=AuthType.CONSUMER_OAUTH,
    client_id="client-1",
    token_endpoint="https://login.example.com/token",
)
SECRET = Secret("client-secret-1")
GRANTED = {"access_token": "at-1", "token_type": "Bearer", "expires_in": 3600}


@dataclass(frozen=True, slots=True)
class StoppedClock(Clock):
    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0


@dataclass
class Service:
    """A token endpoint that answers with one response and remembers what it was sent."""

    answer: Callable[[httpx.Request], httpx.Response]
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.answer(request)

    @property
    def endpoint(self) -> TokenEndpoint:
        return TokenEndpoint(Outbound(StoppedClock(), httpx.MockTransport(self)), StoppedClock())

    @property
    def form(self) -> dict[str, str]:
        pairs = parse_qsl(self.requests[0].content.decode(), keep_blank_values=True)
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)


def granting() -> Service:
    return Service(lambda _: httpx.Response(200, json=GRANTED))


def answering(status: int, **kwargs: object) -> Service:
    return Service(lambda _: httpx.Response(status, **kwargs))  # type: ignore[arg-type]


def raising(error: Exception) -> Service:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    return Service(answer)


def exchange(service: Service, server: Server = SERVER) -> TokenResponse:
    return service.endpoint.exchange(
        server,
        SECRET,
        code=Secret("code-1"),
        code_verifier=Secret("verifier-1"),
        redirect_uri="https://broker.example.com/callback/crm",
        deadline=8.0,
    )


def refresh(
    service: Service, server: Server = SERVER, secret: Secret | None = SECRET
) -> TokenResponse:
    token = Secret("refresh-1")
    return service.endpoint.refresh(server, secret, refresh_token=token, deadline=8.0)


def failing(service: Service, server: Server = SERVER) -> NoUsableAnswer:
    with pytest.raises(NoUsableAnswer) as caught:
        refresh(service, server)
    return caught.value


def test_an_exchange_sends_what_rfc_6749_and_pkce_ask_for() -> None:
    service = granting()
    response = exchange(service)
    assert service.form == {
        "grant_type": "authorization_code",
        "code": "code-1",
        "redirect_uri": "https://broker.example.com/callback/crm",
        "code_verifier": "verifier-1",
        "client_id": "client-1",
        "client_secret": "client-secret-1",
    }
    assert response.token_set.access_token == Secret("at-1")


def test_a_refresh_sends_the_token_and_nothing_of_the_code() -> None:
    service = granting()
    refresh(service)
    assert service.form == {
        "grant_type": "refresh_token",
        "refresh_token": "refresh-1",
        "client_id": "client-1",
        "client_secret": "client-secret-1",
    }


def test_without_pkce_no_verifier_is_sent() -> None:
    service = granting()
    service.endpoint.exchange(
        SERVER,
        SECRET,
        code=Secret("code-1"),
        code_verifier=None,
        redirect_uri="https://broker.example.com/callback/crm",
        deadline=8.0,
    )
    assert "code_verifier" not in service.form


def test_a_request_is_one_post_on_a_connection_of_its_own_that_asks_for_json() -> None:
    service = granting()
    refresh(service)
    (request,) = service.requests
    assert request.method == "POST"
    assert request.headers["accept"] == "application/json"
    assert request.headers["connection"] == "close"
    assert request.extensions["fresh"] is True
    assert request.extensions["deadline"] == 8.0


def test_a_refresh_goes_to_the_refresh_endpoint_where_there_is_one() -> None:
    service = granting()
    refresh(service, replace(SERVER, refresh_endpoint="https://login.example.com/refresh"))
    assert service.requests[0].url == "https://login.example.com/refresh"


def test_an_exchange_goes_to_the_token_endpoint_all_the_same() -> None:
    service = granting()
    exchange(service, replace(SERVER, refresh_endpoint="https://login.example.com/refresh"))
    assert service.requests[0].url == "https://login.example.com/token"


def test_each_request_has_its_own_extra_parameters() -> None:
    server = replace(SERVER, extra_token_params={"a": "1"}, extra_refresh_params={"b": "2"})
    exchanged, refreshed = granting(), granting()
    exchange(exchanged, server)
    refresh(refreshed, server)
    assert exchanged.form.get("a") == "1"
    assert refreshed.form.get("b") == "2"
    assert "b" not in exchanged.form
    assert "a" not in refreshed.form


@pytest.mark.parametrize("style", list(TokenRequestStyle))
@pytest.mark.parametrize(
    "name",
    [
        "grant_type",
        "code",
        "redirect_uri",
        "client_id",
        "client_secret",
        "code_verifier",
        "refresh_token",
    ],
)
def test_extra_parameters_override_nothing_of_ours(style: TokenRequestStyle, name: str) -> None:
    extra = {name: "evil"}
    server = replace(
        SERVER, token_request_style=style, extra_token_params=extra, extra_refresh_params=extra
    )
    exchanged, refreshed = granting(), granting()
    exchange(exchanged, server)
    refresh(refreshed, server)
    assert b"evil" not in exchanged.requests[0].content + refreshed.requests[0].content


def test_the_resource_goes_into_both_requests_and_wins() -> None:
    extra = {"resource": "https://other.example.com"}
    server = replace(
        SERVER,
        resource="https://mcp.example.com/mcp",
        extra_token_params=extra,
        extra_refresh_params=extra,
    )
    exchanged, refreshed = granting(), granting()
    exchange(exchanged, server)
    refresh(refreshed, server)
    assert exchanged.form["resource"] == "https://mcp.example.com/mcp"
    assert refreshed.form["resource"] == "https://mcp.example.com/mcp"


def test_a_json_style_sends_json() -> None:
    service = granting()
    refresh(service, replace(SERVER, token_request_style=TokenRequestStyle.JSON_POST))
    assert json.loads(service.requests[0].content)["refresh_token"] == "refresh-1"


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
