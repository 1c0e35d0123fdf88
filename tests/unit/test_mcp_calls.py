"""tools/call at a server that is known: one request, one result."""

import json
from collections.abc import Iterator

import httpx
import pytest

from broker.mcp import (
    Era,
    InputNeeded,
    Target,
    ToolResult,
)
from broker.model import Secret
from tests.unit.test_mcp_scripts import (
    CONTENT,
    MODERN,
    SESSION,
    SESSIONLESS,
    URL,
    Script,
    message,
    result,
    stream,
)


def test_a_modern_call_is_one_self_contained_post() -> None:
    script = Script.of(result())
    called = script.call()
    assert called.outcome == ToolResult(CONTENT)
    assert (called.learned.era, called.learned.session) == (Era.MODERN, None)
    request = script.requests[0]
    assert (request.method, str(request.url)) == ("POST", URL)
    assert dict(request.headers) == {
        "host": "mcp.example.com",
        "user-agent": "consumer-oauth-broker",
        "authorization": "Bearer token",
        "accept": "application/json, text/event-stream",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        "mcp-name": "get",
        "content-length": str(len(request.content)),
    }
    sent = json.loads(request.content)
    assert sent == {
        "jsonrpc": "2.0",
        "id": sent["id"],
        "method": "tools/call",
        "params": {
            "name": "get",
            "arguments": {"a": 1},
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientInfo": {
                    "name": "consumer-oauth-broker",
                    "version": "0.1.0",
                },
                "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}},
            },
        },
    }


def test_a_call_in_a_session_is_one_post_with_the_negotiated_version() -> None:
    script = Script.of(result())
    called = script.call(SESSION)
    assert called.learned.session == Secret("s-1")
    request = script.requests[0]
    assert request.headers["mcp-session-id"] == "s-1"
    assert request.headers["mcp-protocol-version"] == "2025-06-18"
    assert "mcp-method" not in request.headers
    assert json.loads(request.content)["params"] == {"name": "get", "arguments": {"a": 1}}


def test_a_call_without_sessions_is_one_post_without_a_session() -> None:
    script = Script.of(result())
    assert script.call(SESSIONLESS).learned.era is Era.SESSIONLESS
    assert "mcp-session-id" not in script.requests[0].headers
    assert script.requests[0].headers["mcp-protocol-version"] == "2025-03-26"


def test_the_result_is_as_the_server_sent_it() -> None:
    sent = {
        "resultType": "complete",
        "content": [{"type": "x-unknown", "n": [1, 2.5, None, "ü"]}],
        "structuredContent": [1],
        "isError": True,
        "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "x"}},
        "extra": {},
    }
    assert Script.of(result(sent)).call().outcome == ToolResult(sent)


def test_a_result_of_structured_content_alone_is_a_result() -> None:
    assert Script.of(result({"structuredContent": {}})).call()


@pytest.mark.parametrize("target", [MODERN, SESSION, SESSIONLESS])
def test_an_answer_may_be_a_stream(target: Target) -> None:
    events = [
        ": ping\n\n",
        "id: 1\ndata:\n\n",
        "event: endpoint\ndata: /x\n\n",
        'data: {"jsonrpc": "2.0", "method": "notifications/progress", "params": {}}\n\n',
        "data: not json\n\n",
        'data: {"jsonrpc": "2.0", "id": "foreign", "result": {"content": ["evil"]}}\n\n',
        {"result": CONTENT},
        {"result": {"content": ["evil"]}},
    ]
    assert Script.of(stream(*events)).call(target).outcome == ToolResult(CONTENT)


def test_a_huge_line_in_small_pieces_is_read() -> None:
    def pieces(request: httpx.Request) -> Iterator[bytes]:
        text = {"result": {"content": ["x" * 300_000]}}
        said = f"data: {json.dumps({**message(request), **text})}\n\n".encode()
        yield from (said[at : at + 7] for at in range(0, len(said), 7))

    headers = {"Content-Type": "text/event-stream"}
    script = Script.of(lambda r: httpx.Response(200, headers=headers, content=pieces(r)))
    assert isinstance(script.call().outcome, ToolResult)


def test_a_batch_with_one_answer_is_an_answer() -> None:
    note = {"jsonrpc": "2.0", "method": "notifications/message"}
    script = Script.of(lambda r: httpx.Response(200, json=[note, message(r, result=CONTENT)]))
    assert script.call(SESSION).outcome == ToolResult(CONTENT)


def test_a_request_for_input_is_handed_on() -> None:
    asked = {"name": {"method": "elicitation/create", "params": {"mode": "form"}}}
    step = result(
        {"resultType": "input_required", "inputRequests": asked, "requestState": "opaque"}
    )
    assert Script.of(step).call().outcome == InputNeeded(asked, "opaque")


def test_the_answers_to_it_go_with_the_next_call() -> None:
    script = Script.of(result())
    answers = {"name": {"action": "accept", "content": {"name": "jo"}}}
    script.call(input_responses=answers, request_state=" opaque\N{SNOWMAN} ")
    params = json.loads(script.requests[0].content)["params"]
    assert params["inputResponses"] == answers
    assert params["requestState"] == " opaque\N{SNOWMAN} "


def test_to_an_older_server_the_word_input_required_means_nothing() -> None:
    sent = {**CONTENT, "resultType": "input_required"}
    assert Script.of(result(sent)).call(SESSION).outcome == ToolResult(sent)


def test_the_caller_says_what_it_can_be_asked() -> None:
    script = Script.of(result())
    script.call(capabilities={"elicitation": {"url": {}}})
    meta = json.loads(script.requests[0].content)["params"]["_meta"]
    assert meta["io.modelcontextprotocol/clientCapabilities"] == {"elicitation": {"url": {}}}
