"""The door out over a scripted transport: what is sent, what is kept, what is raised."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx
import pytest

from broker.clock import Clock
from broker.errors import (
    AddressBlocked,
    AnswerTimeout,
    NoAnswer,
    NotSent,
    OutboundError,
)
from broker.outbound import Answer, Obstacle, Outbound, Unreached

URL = "https://mcp.example.com/mcp"


@dataclass(frozen=True, slots=True)
class StoppedClock(Clock):
    """A clock that moves when it is told to."""

    time: list[float] = field(default_factory=lambda: [1000.0])

    def monotonic(self) -> float:
        return self.time[0]

    def pass_time(self, seconds: float) -> None:
        self.time[0] += seconds


@dataclass(slots=True)
class Script:
    """A transport that answers as told and remembers what it was asked."""

    answer: Callable[[httpx.Request], httpx.Response]
    clock: StoppedClock = field(default_factory=StoppedClock)
    requests: list[httpx.Request] = field(default_factory=list)

    def send(self, cap: int = 1000, headers: Mapping[str, str] | None = None) -> Answer:
        return self.door().send(
            "POST", URL, headers=headers or {}, content=b"{}", deadline=1010.0, cap=cap
        )

    def door(self) -> Outbound:
        return Outbound(self.clock, httpx.MockTransport(self._handle))

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.answer(request)


def answering(status: int = 200, **kwargs: object) -> Script:
    return Script(lambda _: httpx.Response(status, **kwargs))  # type: ignore[arg-type]


def raising(error: Exception) -> Script:
    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    return Script(fail)


def taking(seconds: float) -> Script:
    script = answering()

    def answer(_: httpx.Request) -> httpx.Response:
        script.clock.pass_time(seconds)
        return httpx.Response(200)

    script.answer = answer
    return script


def test_an_answer_is_returned_whole() -> None:
    answer = answering(201, content=b"abc", headers={"X-Y": "z"}).send()
    assert (answer.status, answer.headers["x-y"], answer.body) == (201, "z", b"abc")


def test_the_time_it_took_is_measured_by_the_clock() -> None:
    assert taking(2.5).send().elapsed == 2.5


def test_the_body_of_an_answer_is_not_in_its_repr() -> None:
    answer = answering(content=b"token", headers={"Mcp-Session-Id": "secret-session"}).send()
    assert "token" not in repr(answer)
    assert "secret-session" not in repr(answer)


def test_identity_is_asked_for_and_nothing_is_added_that_tells_on_us() -> None:
    script = answering()
    script.send(headers={"Authorization": "Bearer t"})
    sent = script.requests[0].headers
    assert dict(sent) == {
        "host": "mcp.example.com",
        "user-agent": "consumer-oauth-broker",
        "accept": "*/*",
        "accept-encoding": "identity",
        "authorization": "Bearer t",
        "content-length": "2",
    }


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 307, 308])
def test_no_redirect_is_followed(status: int) -> None:
    script = answering(status, headers={"Location": "https://evil.example/", "Refresh": "0;url=/"})
    assert script.send().status == status
    assert len(script.requests) == 1


def test_no_cookie_is_kept() -> None:
    script = answering(headers={"Set-Cookie": "a=b; Path=/"})
    door = script.door()
    for _ in range(2):
        door.send("GET", URL, headers={}, deadline=1010.0, cap=10)
    assert "cookie" not in script.requests[1].headers


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_nothing_is_sent_twice(status: int) -> None:
    script = answering(status, headers={"Retry-After": "0"})
    script.send()
    assert len(script.requests) == 1


def test_the_environment_names_no_proxy_or_credentials(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NETRC", f"{tmp_path}/netrc")
    script = answering()
    assert script.send().status == 200
    assert "authorization" not in script.requests[0].headers


def test_a_url_with_a_query_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    door = answering().door()
    door.send("GET", f"{URL}?code=secret", headers={}, deadline=1010.0, cap=10)
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer a\r\nX-Injected: 1"},
        {"Authorization": "Bearer a\nb"},
        {"Authorization": "Bearer \x00"},
        {"Authorization": "Bearer ü"},
        {"Authorization": "Bearer \ud800"},
        {"Authorization": " padded "},
        {"X Y": "1"},
        {"X\r\nY": "1"},
        {"": "1"},
        {"Host": "evil.example"},
        {"content-length": "0"},
        {"Transfer-Encoding": "chunked"},
        {"Connection": "keep-alive, authorization"},
        {"Authorization": "Bearer a", "authorization": "Bearer b"},
    ],
)
def test_a_header_that_is_not_for_the_caller_to_send_is_refused(headers: dict[str, str]) -> None:
    script = answering()
    with pytest.raises(Unreached) as refused:
        script.send(headers=headers)
    assert refused.value.obstacle is Obstacle.REQUEST
    assert not script.requests
    assert "Bearer" not in str(refused.value)


def test_after_the_deadline_nothing_is_sent() -> None:
    script = answering()
    script.clock.pass_time(10)
    with pytest.raises(Unreached) as refused:
        script.send()
    assert refused.value.obstacle is Obstacle.DEADLINE
    assert not script.requests


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (httpx.ConnectError("secret"), NotSent),
        (httpx.ConnectTimeout("secret"), NotSent),
        (httpx.PoolTimeout("secret"), NotSent),
        (httpx.ReadTimeout("secret"), AnswerTimeout),
        (httpx.WriteTimeout("secret"), AnswerTimeout),
        (httpx.ReadError("secret"), NoAnswer),
        (httpx.WriteError("secret"), NoAnswer),
        (httpx.RemoteProtocolError("secret"), NoAnswer),
        (AddressBlocked("a reason"), AddressBlocked),
    ],
)
def test_a_transports_failure_says_whether_the_request_left(
    raised: Exception, expected: type[OutboundError]
) -> None:
    with pytest.raises(expected) as failed:
        raising(raised).send()
    assert "secret" not in str(failed.value)


def test_a_fresh_connection_is_asked_to_be_closed() -> None:
    script = answering()
    script.door().send("POST", URL, headers={}, deadline=1010.0, cap=10, fresh=True)
    assert script.requests[0].headers["connection"] == "close"
