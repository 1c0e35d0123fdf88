"""What a server says instead of a result, and what it means."""

from collections.abc import Iterator

import httpx
import pytest

from broker.errors import (
    AddressBlocked,
    BrokerError,
    InvalidToolArguments,
    McpResultTooLarge,
    McpServerError,
    McpServerTimeout,
    McpUnauthorized,
    TooManyRequests,
)
from broker.mcp import (
    InsufficientScope,
    Target,
    Unauthorized,
)
from tests.unit.test_mcp_scripts import (
    CONTENT,
    MODERN,
    SESSION,
    SESSIONLESS,
    URL,
    Script,
    Step,
    broken,
    error,
    message,
    plain,
    result,
    stream,
)

NO_ANSWER = {
    "HTML": plain(200, "<html>evil</html>", **{"Content-Type": "text/html"}),
    "nothing": plain(200),
    "202": plain(202),
    "another id": lambda r: httpx.Response(200, json={**message(r, result=CONTENT), "id": "evil"}),
    "no id": lambda r: httpx.Response(200, json={"jsonrpc": "2.0", "result": CONTENT}),
    "a number": plain(200, "1"),
    "two answers": lambda r: httpx.Response(200, json=[message(r, result=CONTENT)] * 2),
    "result and error": lambda r: httpx.Response(
        200, json=message(r, result=CONTENT, error={"code": 1, "message": "evil"})
    ),
    "depths": plain(200, "[" * 60_000),
    "a list as result": result([]),
    "no content": result({"evil": 1}),
    "content that is none": result({"content": "evil"}),
    "content that is null": result({"content": None}),
    "an unknown result type": result({**CONTENT, "resultType": "task"}),
    "a result type that is none": result({**CONTENT, "resultType": 1}),
    "input without requests": result({"resultType": "input_required"}),
    "input of the wrong kind": result({"resultType": "input_required", "inputRequests": []}),
    "state of the wrong kind": result({"resultType": "input_required", "requestState": 1}),
    "a stream without an answer": stream(": ping\n\n"),
    "a stream with half an answer": stream('data: {"jsonrpc": "2.0", "id": '),
    "a stream with another's answer": stream({"id": "evil", "result": CONTENT}),
    "a redirect": plain(307, Location="https://evil.example/"),
    "a server error": plain(500, "evil"),
    "a gateway's error": plain(502, "<html>evil</html>"),
    "a server error with a result": result(CONTENT, status=500),
    "a broken connection": broken(httpx.ReadError("evil")),
    "no connection": broken(httpx.ConnectError("evil")),
    "a blocked address": broken(AddressBlocked("evil")),
    "forbidden": plain(403, "evil"),
}


@pytest.mark.parametrize("step", NO_ANSWER.values(), ids=NO_ANSWER.keys())
@pytest.mark.parametrize("target", [MODERN, Target(URL, {})], ids=["known", "unknown"])
def test_what_is_no_answer_is_an_error_and_asked_once(step: Step, target: Target) -> None:
    script = Script.of(step)
    assert script.fails(McpServerError, target).details
    assert script.sent == ["tools/call"]


@pytest.mark.parametrize(
    ("step", "details"),
    [
        (plain(500), {"upstream_status": 500}),
        (plain(307), {"upstream_status": 307}),
        (plain(403), {"upstream_status": 403}),
        (plain(200, "<html>"), {"reason": "not_json_rpc"}),
        (error(-32603), {"code": -32603}),
        (error(-32021, 400), {"code": -32021, "upstream_status": 400}),
        (error(1234, 500), {"code": 1234, "upstream_status": 500}),
        (broken(httpx.ConnectError("")), {"reason": "unreachable"}),
        (broken(AddressBlocked("")), {"reason": "blocked"}),
        (broken(httpx.ReadError("")), {"reason": "no_answer"}),
        (stream(), {"reason": "no_answer"}),
    ],
)
def test_an_error_says_what_was_seen(step: Step, details: dict[str, object]) -> None:
    assert Script.of(step).fails(McpServerError).details == details


@pytest.mark.parametrize("step", [stream(), broken(httpx.ReadError(""))])
def test_what_was_lost_on_the_way_may_have_run(step: Step) -> None:
    assert "may have run" in Script.of(step).fails(McpServerError).message


def test_a_call_that_is_not_answered_in_time_may_have_run() -> None:
    script = Script.of(broken(httpx.ReadTimeout("evil")))
    assert "may have run" in script.fails(McpServerTimeout).message


@pytest.mark.parametrize("target", [MODERN, SESSION, SESSIONLESS])
@pytest.mark.parametrize("piece", [b": drip\n\n", b"id: 1\ndata:\n\n", b"data: x"])
def test_a_stream_that_drips_for_ever_is_left_at_the_deadline(target: Target, piece: bytes) -> None:
    def dripping() -> Iterator[bytes]:
        while True:
            script.clock.sleep(1.0)
            yield piece

    headers = {"Content-Type": "text/event-stream"}
    script = Script.of(lambda _: httpx.Response(200, headers=headers, content=dripping()))
    assert "may have run" in script.fails(McpServerTimeout, target).message
    assert len(script.slept) == 11


def test_an_answer_over_4_mb_is_too_large() -> None:
    Script.of(plain(200, b"x" * (4 * 1024 * 1024 + 1))).fails(McpResultTooLarge)


@pytest.mark.parametrize("status", [200, 400])
def test_refused_arguments_and_unknown_tools_are_the_same(status: int) -> None:
    failed = Script.of(error(-32602, status)).fails(InvalidToolArguments)
    assert failed.details["code"] == -32602


def test_401_says_what_would_be_taken() -> None:
    metadata = "https://mcp.example.com/.well-known/oauth-protected-resource"
    said = f'Bearer error="invalid_token", resource_metadata="{metadata}"'
    failed = Script.of(plain(401, "evil", **{"WWW-Authenticate": said})).fails(Unauthorized)
    assert isinstance(failed, McpUnauthorized)
    assert failed.challenge.error == "invalid_token"
    assert failed.challenge.resource_metadata == metadata


def test_401_may_have_an_oauth_style_body() -> None:
    text = '{"error": "invalid_token", "error_description": "evil"}'
    assert Script.of(plain(401, text)).fails(Unauthorized).challenge.error == "invalid_token"


@pytest.mark.parametrize("target", [MODERN, SESSION, SESSIONLESS, Target(URL, {})])
def test_401_is_not_asked_twice(target: Target) -> None:
    Script.of(plain(401)).fails(Unauthorized, target)


def test_401_with_an_endless_body_is_still_401() -> None:
    sent: list[int] = []

    def endless() -> Iterator[bytes]:
        while True:
            sent.append(1000)
            yield b"x" * 1000

    script = Script.of(lambda _: httpx.Response(401, content=endless()))
    script.fails(Unauthorized)
    assert sum(sent) < 100_000


@pytest.mark.parametrize(
    "step",
    [
        plain(403, **{"WWW-Authenticate": 'Bearer error="insufficient_scope", scope="a b"'}),
        plain(403, '{"error": "insufficient_scope", "scope": "a b"}'),
    ],
)
def test_403_for_want_of_scopes_names_them(step: Step) -> None:
    assert Script.of(step).fails(InsufficientScope).scopes == ("a", "b")


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        (None, 10),
        ("7", 7),
        ("0", 1),
        ("999999999999", 3600),
        ("-5", 10),
        ("soon", 10),
        ("Fri, 01 Jan 2027 00:00:30 GMT", 30),
        ("Fri, 01 Jan 2027 00:00:30", 30),
        ("Thu, 31 Dec 2026 00:00:00 GMT", 1),
        ("Fri, 01 Jan 9999 00:00:00 GMT", 3600),
    ],
)
def test_429_is_passed_on_with_a_time_to_wait(retry_after: str | None, seconds: int) -> None:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    failed = Script.of(plain(429, **headers)).fails(TooManyRequests, Target(URL, {}))
    assert failed.retry_after == seconds


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("get", {"a": float("nan")}), ("\ud800", {}), ("get", {"a": object()})],
)
def test_what_json_cannot_carry_is_not_sent(name: str, arguments: dict[str, object]) -> None:
    with pytest.raises(InvalidToolArguments):
        Script.of().client().call_tool(MODERN, name, arguments, deadline=1010.0)


def test_the_token_is_in_no_repr_and_no_error() -> None:
    assert "token" not in repr(MODERN)
    assert "s-1" not in repr(SESSION)
    failed = Script.of(plain(500, "Bearer token")).fails(BrokerError)
    assert "token" not in f"{failed.message}{failed.details}"
