"""HTTP+SSE (2024-11-05): a stream that carries the answers, an endpoint of its own origin."""

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import pytest

from broker.errors import McpServerError, McpServerTimeout, TooManyRequests
from broker.mcp import (
    Called,
    Era,
    InsufficientScope,
    Learned,
    McpClient,
    Target,
    ToolResult,
    Unauthorized,
)
from broker.outbound import Outbound
from tests.unit.test_mcp_scripts import CONTENT, URL, Step, StoppedClock, body, named, plain

KNOWN = Target(URL, {"Authorization": "Bearer token"}, Era.HTTP_SSE, None, "2024-11-05")
UNKNOWN = Target(URL, {"Authorization": "Bearer token"})
LEARNED = Learned(Era.HTTP_SSE, None, "2024-11-05")
OPENING = ["GET", "initialize", "notifications/initialized"]
PING = {"jsonrpc": "2.0", "id": 7, "method": "ping"}


@dataclass(slots=True)
class OldServer:
    """A server of 2024-11-05; ``says`` is what it puts on the stream for each method."""

    endpoint: str = "event: endpoint\ndata: /messages?session_id=s-1\n\n"
    says: dict[str, list[object]] = field(default_factory=dict)
    answers: dict[str, Step] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)
    stream: deque[str] = field(default_factory=deque)
    closed: list[bool] = field(default_factory=list)

    def client(self) -> McpClient:
        transport = httpx.MockTransport(self._handle)
        return McpClient(Outbound(StoppedClock(), transport), StoppedClock())

    def call(self, target: Target = KNOWN) -> Called:
        return self.client().call_tool(target, "get", {"a": 1}, deadline=1010.0)

    @property
    def sent(self) -> list[str]:
        return [named(request) for request in self.requests]

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if step := self.answers.get(named(request)):
            return step(request)
        if request.method == "GET":
            self.stream = deque([self.endpoint])
            headers = {"Content-Type": "text/event-stream"}
            return httpx.Response(200, headers=headers, stream=Stream(self))
        if request.url.path != "/messages":
            return httpx.Response(405)
        for said in self.says.get(named(request), [self._usual(request)]):
            text = said if isinstance(said, str) else json.dumps(said)
            self.stream.append(f"event: message\ndata: {text}\n\n")
        return httpx.Response(202, text="Accepted")

    def _usual(self, request: httpx.Request) -> object:
        results = {
            "initialize": {"protocolVersion": "2024-11-05", "capabilities": {}},
            "tools/call": CONTENT,
        }
        result = results.get(named(request))
        return {"jsonrpc": "2.0", "id": body(request).get("id"), "result": result}


@dataclass(frozen=True, slots=True)
class Stream(httpx.SyncByteStream):
    """What the server has put on its stream so far; it ends where there is no more."""

    server: OldServer

    def __iter__(self) -> Iterator[bytes]:
        while self.server.stream:
            yield self.server.stream.popleft().encode()

    def close(self) -> None:
        self.server.closed.append(True)


def test_a_call_costs_four_requests_and_closes_its_stream() -> None:
    server = OldServer()
    called = server.call()
    assert called.outcome == ToolResult(CONTENT)
    assert called.learned == LEARNED
    assert server.sent == [*OPENING, "tools/call"]
    assert server.closed == [True]


def test_the_endpoint_is_where_everything_is_posted_with_the_users_token() -> None:
    server = OldServer()
    server.call()
    opened, *posted = server.requests
    assert (opened.headers["accept"], opened.content) == ("text/event-stream", b"")
    assert "content-type" not in opened.headers
    assert {str(r.url) for r in posted} == {"https://mcp.example.com/messages?session_id=s-1"}
    assert {r.headers["authorization"] for r in server.requests} == {"Bearer token"}
    assert [r.headers.get("mcp-protocol-version") for r in posted] == [None, *["2024-11-05"] * 2]


@pytest.mark.parametrize("status", [400, 404, 405])
def test_it_is_found_out_after_both_later_eras_are_refused(status: int) -> None:
    server = OldServer()
    refused = plain(status)
    remaining = [refused, refused]

    def first(request: httpx.Request) -> httpx.Response:
        server.answers.pop("tools/call", None)
        server.answers["initialize"] = second
        return remaining.pop()(request)

    def second(request: httpx.Request) -> httpx.Response:
        server.answers.pop("initialize")
        return remaining.pop()(request)

    server.answers["tools/call"] = first
    assert server.call(UNKNOWN).learned == LEARNED
    assert server.sent == ["tools/call", "initialize", *OPENING, "tools/call"]


@pytest.mark.parametrize(
    "endpoint",
    ["/messages?s=1", "messages", "https://mcp.example.com/messages", "//mcp.example.com/messages"],
)
def test_an_endpoint_of_the_same_origin_is_taken(endpoint: str) -> None:
    server = OldServer(endpoint=f"event: endpoint\ndata: {endpoint}\n\n")
    assert server.call().outcome == ToolResult(CONTENT)
    assert server.requests[1].url.path == "/messages"


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://evil.example.com/messages",
        "//evil.example.com/messages",
        "http://mcp.example.com/messages",
        "https://mcp.example.com:8443/messages",
        "https://mcp.example.com@evil.example.com/",
        "https://evil@mcp.example.com/messages",
        "javascript:alert(1)",
        "https://[",
        "/messages#evil",
        "/mess ages",
    ],
)
def test_the_token_goes_to_no_other_endpoint(endpoint: str) -> None:
    server = OldServer(endpoint=f"event: endpoint\ndata: {endpoint}\n\n")
    with pytest.raises(McpServerError) as failed:
        server.call()
    assert failed.value.details == {"reason": "foreign_endpoint"}
    assert "evil" not in str(failed.value)
    assert server.sent == ["GET"]
    assert server.closed == [True]


@pytest.mark.parametrize("first", ["", ": hello\n\n", 'data: {"jsonrpc": "2.0"}\n\n'])
def test_a_stream_without_an_endpoint_is_another_era(first: str) -> None:
    server = OldServer(endpoint=first)
    with pytest.raises(McpServerError) as failed:
        server.call()
    assert failed.value.details == {"upstream_status": 405}
    assert server.sent == ["GET", "tools/call", "initialize", "GET"]


def test_a_server_that_moved_on_is_spoken_to_in_its_new_era() -> None:
    server = OldServer()
    answer = {"jsonrpc": "2.0", "result": CONTENT}
    server.answers = {
        "GET": plain(405),
        "tools/call": lambda r: httpx.Response(200, json={**answer, "id": body(r)["id"]}),
    }
    assert server.call().learned.era is Era.MODERN
    assert server.sent == ["GET", "tools/call"]


@pytest.mark.parametrize("method", ["GET", "initialize", "tools/call"])
@pytest.mark.parametrize(
    ("refusal", "failure"),
    [
        (plain(401), Unauthorized),
        (plain(403, '{"error": "insufficient_scope"}'), InsufficientScope),
        (plain(429), TooManyRequests),
    ],
)
def test_a_refusal_of_the_token_is_seen_at_every_request(
    method: str, refusal: Step, failure: type[Exception]
) -> None:
    server = OldServer(answers={method: refusal})
    with pytest.raises(failure):
        server.call()
    assert server.sent[-1] == method
    assert server.closed == ([] if method == "GET" else [True])


@pytest.mark.parametrize("said", [[], ["nonsense"], [{"jsonrpc": "2.0", "id": "x", "result": {}}]])
def test_a_stream_that_ends_without_the_answer_is_not_asked_again(said: list[object]) -> None:
    server = OldServer(says={"tools/call": said})
    with pytest.raises(McpServerError, match="may have run") as failed:
        server.call()
    assert failed.value.details == {"reason": "no_answer"}
    assert server.sent.count("tools/call") == 1


@pytest.mark.parametrize("status", [307, 400, 404, 500])
def test_a_call_that_is_not_accepted_is_not_asked_again(status: int) -> None:
    server = OldServer(answers={"tools/call": plain(status)})
    with pytest.raises(McpServerError) as failed:
        server.call()
    assert failed.value.details == {"upstream_status": status}
    assert server.sent == [*OPENING, "tools/call"]


def test_a_call_that_is_not_answered_in_time_may_have_run() -> None:
    def late(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("evil")

    server = OldServer(answers={"tools/call": late})
    with pytest.raises(McpServerTimeout, match="may have run"):
        server.call()


@pytest.mark.parametrize("version", ["2099-01-01", None])
def test_a_version_that_we_do_not_speak_ends_it(version: object) -> None:
    server = OldServer()

    def hello(request: httpx.Request) -> httpx.Response:
        result = {"protocolVersion": version}
        said = json.dumps({"jsonrpc": "2.0", "id": body(request)["id"], "result": result})
        server.stream.append(f"data: {said}\n\n")
        return httpx.Response(202)

    server.answers["initialize"] = hello
    with pytest.raises(McpServerError) as failed:
        server.call()
    assert failed.value.details == {"reason": "protocol_version"}


def test_its_questions_are_answered_at_the_endpoint() -> None:
    server = OldServer()

    def call(request: httpx.Request) -> httpx.Response:
        answer = {"jsonrpc": "2.0", "id": body(request)["id"], "result": CONTENT}
        sampling = {"jsonrpc": "2.0", "id": "q", "method": "sampling/createMessage"}
        # One piece of the stream may hold several events.
        texts = [json.dumps(said) for said in (PING, sampling, answer)]
        server.stream.append("".join(f"data: {text}\n\n" for text in texts))
        return httpx.Response(202)

    server.answers["tools/call"] = call
    assert server.call().outcome == ToolResult(CONTENT)
    pong, refusal = (json.loads(r.content) for r in server.requests[4:])
    assert pong == {"jsonrpc": "2.0", "id": 7, "result": {}}
    assert refusal["error"]["code"] == -32601


def test_the_pages_of_a_list_come_on_one_stream() -> None:
    server = OldServer()

    def listed(request: httpx.Request) -> httpx.Response:
        cursor = body(request)["params"].get("cursor")  # type: ignore[attr-defined]
        result = {"tools": [{"name": f"t{cursor}"}]} | ({} if cursor else {"nextCursor": "2"})
        said = json.dumps({"jsonrpc": "2.0", "id": body(request)["id"], "result": result})
        server.stream.append(f"data: {said}\n\n")
        return httpx.Response(202)

    server.answers["tools/list"] = listed
    found = server.client().list_tools(KNOWN, deadline=1010.0)
    assert [tool["name"] for tool in found.tools] == ["tNone", "t2"]
    assert (found.learned, found.cache_scope) == (LEARNED, "private")
    assert server.sent == [*OPENING, "tools/list", "tools/list"]
