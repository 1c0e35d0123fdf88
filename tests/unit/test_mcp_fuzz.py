"""The client against servers that say anything at all: stated failures, and no call twice."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.errors import BrokerError
from broker.mcp import Called, Target
from broker.mcp.event_reader import EventReader, read_message, read_response
from broker.mcp.messages import NotJsonRpc, Request, Response, find_response, parse
from broker.mcp.notices import Ear
from tests.unit.test_mcp_http_sse import KNOWN
from tests.unit.test_mcp_scripts import CONTENT, MODERN, SESSION, SESSIONLESS, URL, Script, named

TARGETS = [MODERN, SESSION, SESSIONLESS, KNOWN, Target(URL, {})]
RUNNING = frozenset(range(200, 400)) | frozenset(range(500, 600)) | {408}
"""Statuses after which the tool may have run."""

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
ID: st.SearchStrategy[Any] = st.sampled_from(["OURS", "other", 1, None, True, [], {}])
VERSIONS = st.sampled_from(["2025-11-25", "2024-11-05", "2026-07-28", None])
RESULTS = st.sampled_from([CONTENT, {}, {"content": "x"}, {"resultType": "input_required"}])
CODES = st.sampled_from([-32020, -32021, -32022, -32601, -32602, -32600, -32000, 0, 2**70, "x"])
MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.sampled_from(["2.0", "1.0", 2]),
        "id": ID,
        "result": RESULTS | st.builds(lambda v: {"protocolVersion": v}, VERSIONS) | JSON,
        "error": st.fixed_dictionaries(
            {"code": CODES, "message": st.sampled_from(["not initialized", "session", "evil"])},
            optional={"data": st.just({"supported": ["2025-11-25"]}) | JSON},
        )
        | JSON,
        "method": st.sampled_from(["ping", "notifications/progress", "evil"]) | JSON,
        "params": JSON,
    },
)
PIECES = st.sampled_from(
    ["data: ", "data:", "event: endpoint\n", "id: 1\n", "retry: 1\n", ": x\n", "\n", "\r\n", "\0"]
)


def written(message: object) -> str:
    return json.dumps(message, default=str)


BODIES = (
    st.binary(max_size=64)
    | (MESSAGES | JSON | st.lists(MESSAGES, max_size=3)).map(lambda m: written(m).encode())
    | st.lists(PIECES | MESSAGES.map(written) | st.just("/messages"), max_size=12).map(
        lambda parts: "".join(parts).encode()
    )
)
TYPES = st.sampled_from(["application/json", "text/event-stream", "text/html", ""])
STATUSES = st.sampled_from([200, 202, 301, 400, 401, 403, 404, 405, 408, 422, 429, 500, 503])
HEADERS = st.fixed_dictionaries(
    {"Content-Type": TYPES},
    optional={
        "Mcp-Session-Id": st.sampled_from(["s-1", "", "a b"]),
        "Retry-After": st.sampled_from(["1", "x"]),
        "WWW-Authenticate": st.sampled_from(["Bearer", 'Bearer error="insufficient_scope"']),
    },
)
ANSWERS = st.tuples(STATUSES, HEADERS, BODIES)


def answered(request: httpx.Request, answer: tuple[int, dict[str, str], bytes]) -> httpx.Response:
    status, headers, content = answer
    if request.content and b'"id"' in request.content:
        request_id = json.loads(request.content).get("id", "none")
        content = content.replace(b'"OURS"', json.dumps(request_id).encode())
    return httpx.Response(status, headers=headers, content=content)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(TARGETS), st.lists(ANSWERS, min_size=1, max_size=8), st.booleans())
def test_whatever_is_answered_ends_in_a_result_or_a_stated_failure(
    target: Target, answers: list[Any], lists: bool
) -> None:
    ran: list[int] = []

    def step(request: httpx.Request) -> httpx.Response:
        answer = answers[min(len(script.requests), len(answers)) - 1]
        if named(request) == "tools/call":
            ran.append(answer[0])
        return answered(request, answer)

    script = Script([step] * 400)
    client, failure = script.client(), ""
    try:
        if lists:
            client.list_tools(target, deadline=1010.0)
        else:
            client.call_tool(target, "get", {"a": 1}, deadline=1010.0)
    except BrokerError as exc:
        failure = exc.message
    assert "evil" not in failure
    assert all(status not in RUNNING for status in ran[:-1]) or said_uninitialized(answers)
    assert len(ran) <= 4


def said_uninitialized(answers: list[Any]) -> bool:
    """Say whether a 200 said that nothing ran: the one success that proves it."""
    return any(b"not initialized" in content for _, _, content in answers)


@settings(deadline=None)
@given(BODIES)
def test_any_text_is_a_message_or_none(content: bytes) -> None:
    message = read_message(content)
    assert message is None or json.dumps(message) is not None
    response = read_response(message, Request("tools/call", {}, "OURS"))
    assert response is None or (response.result is None) != (response.error is None)


@settings(deadline=None)
@given(MESSAGES | st.lists(MESSAGES, max_size=4))
def test_an_answer_is_taken_only_under_the_requests_own_id(message: Any) -> None:
    try:
        found = find_response(parse(written(message)), "OURS")
    except NotJsonRpc:
        return
    if found is not None and found.result is not None:
        items = message if isinstance(message, list) else [message]
        assert [item["id"] for item in items if item.get("result") is not None].count("OURS") == 1


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40) | BODIES, max_size=10))
def test_any_stream_is_read_to_an_answer_or_its_end(chunks: list[bytes]) -> None:
    told: list[object] = []
    reader = EventReader(Ear(), told.append)
    found = reader.find(chunks, Request("tools/call", {}, "OURS"))
    assert found is None or isinstance(found, Response)
    assert reader.size <= sum(map(len, chunks))
    assert len(told) <= 20
    last = reader.last_id
    assert last is None or last.isascii()


@pytest.mark.parametrize("target", TARGETS[:3], ids=["modern", "session", "sessionless"])
def test_the_fuzz_reaches_a_result(target: Target) -> None:
    """Otherwise it would show nothing of what follows one."""
    body = written({"jsonrpc": "2.0", "id": "OURS", "result": CONTENT}).encode()
    script = Script.of(lambda r: answered(r, (200, {"Content-Type": "application/json"}, body)))
    assert isinstance(script.call(target), Called)
