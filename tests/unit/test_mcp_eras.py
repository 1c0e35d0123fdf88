"""Servers of every era: how they are told apart, and how many requests that takes."""

import json

import httpx
import pytest

from broker.errors import InvalidToolArguments, McpServerError, McpServerTimeout
from broker.mcp import Era, Learned, Target, ToolResult, Unauthorized
from broker.model import Secret
from tests.unit.test_mcp_scripts import (
    CONTENT,
    MODERN,
    URL,
    Script,
    Step,
    broken,
    error,
    plain,
    result,
    stream,
)

UNKNOWN = Target(URL, {"Authorization": "Bearer token"})
CALL, INIT, READY = "tools/call", "initialize", "notifications/initialized"
HANDSHAKE = [INIT, READY]


def welcome(version: str = "2025-11-25", session: str | None = "s-9") -> Step:
    headers = {} if session is None else {"Mcp-Session-Id": session}
    return result({"protocolVersion": version, "capabilities": {}}, headers=headers)


def json_error(status: int, code: int, text: str, request_id: object = None) -> Step:
    said = {"jsonrpc": "2.0", "id": request_id, "error": {"code": code, "message": text}}
    return lambda _: httpx.Response(status, json=said)


ACCEPTED = plain(202)
# What servers of before 2026 say to a modern request.
OLD_REFUSALS = {
    "python sdk, version": json_error(400, -32600, "Bad Request: Unsupported", "server-error"),
    "python sdk, session": json_error(400, -32600, "Bad Request: Missing session ID"),
    "typescript sdk": json_error(400, -32000, "Bad Request: Server not initialized"),
    "an echoed id": error(-32000, 400, "Bad Request: No valid session ID provided"),
    "an echoed id and a text": error(-32600, 400, "Invalid protocol version"),
    "plain text": plain(400, "Invalid session ID"),
    "nothing": plain(400),
    "an error that is none": plain(400, '{"jsonrpc": "2.0", "id": null, "error": "bad"}'),
    "an OAuth-style body": plain(400, '{"error": "invalid_request"}'),
    "not found": plain(404, "<html>not found</html>"),
    "not found, as JSON-RPC": json_error(404, -32001, "Session not found"),
    "method not allowed": plain(405),
    "not acceptable": json_error(406, -32000, "Not Acceptable"),
    "gone": plain(410),
    "unsupported media type": plain(415),
    "unprocessable": plain(422, "Unexpected message, expect initialize request"),
    "only older versions": error(-32022, 400, data={"supported": ["2025-11-25", "2025-06-18"]}),
    "200 not initialized": json_error(200, -32002, "Server not initialized"),
    "200 not initialised, echoed": error(-32600, 200, "Received request before initialisation"),
}


@pytest.mark.parametrize("refusal", OLD_REFUSALS.values(), ids=OLD_REFUSALS.keys())
def test_an_older_server_costs_four_requests_once(refusal: Step) -> None:
    script = Script.of(refusal, welcome(), ACCEPTED, result())
    called = script.call(UNKNOWN)
    assert called.outcome == ToolResult(CONTENT)
    assert called.learned == Learned(Era.SESSIONS, Secret("s-9"), "2025-11-25")
    assert script.sent == [CALL, *HANDSHAKE, CALL]


@pytest.mark.parametrize("refusal", OLD_REFUSALS.values(), ids=OLD_REFUSALS.keys())
def test_a_server_that_went_back_to_an_older_era_is_recognised(refusal: Step) -> None:
    def either(request: httpx.Request) -> httpx.Response:
        if b"server/discover" in request.content:  # asked only where an id was echoed
            script.steps.insert(0, welcome())
            return refusal(request)
        return welcome()(request)

    script = Script.of(refusal, either, ACCEPTED, result())
    assert script.call(MODERN).learned.era is Era.SESSIONS
    assert script.sent in (
        [CALL, *HANDSHAKE, CALL],
        [CALL, "server/discover", *HANDSHAKE, CALL],
    )


def test_the_handshake_is_the_one_of_2025() -> None:
    script = Script.of(plain(400), welcome("2025-06-18"), ACCEPTED, result())
    script.call(UNKNOWN)
    _, init, ready, call = script.requests
    assert json.loads(init.content)["params"] == {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "consumer-oauth-broker", "version": "0.1.0"},
    }
    # A server of both eras would take the header for the request's era.
    assert "mcp-protocol-version" not in init.headers
    assert json.loads(ready.content) == {"jsonrpc": "2.0", "method": READY}
    for request in (ready, call):
        assert request.headers["mcp-protocol-version"] == "2025-06-18"
        assert request.headers["mcp-session-id"] == "s-9"
    assert "_meta" not in json.loads(call.content)["params"]
    assert all(request.headers["authorization"] == "Bearer token" for request in script.requests)
    assert len({json.loads(r.content).get("id") for r in script.requests}) == 4


def test_a_server_without_sessions_needs_no_handshake_again() -> None:
    script = Script.of(plain(400), welcome("2025-03-26", None), ACCEPTED, result())
    learned = script.call(UNKNOWN).learned
    assert learned == Learned(Era.SESSIONLESS, None, "2025-03-26")
    warm = Script.of(result())
    warm.call(Target(URL, {}, learned.era, learned.session, learned.protocol_version))
    assert warm.sent == [CALL]


def test_another_user_of_a_server_with_sessions_begins_with_the_handshake() -> None:
    script = Script.of(welcome(), ACCEPTED, result())
    script.call(Target(URL, {}, Era.SESSIONS))
    assert script.sent == [*HANDSHAKE, CALL]


def test_the_handshake_may_be_answered_by_a_stream() -> None:
    hello = stream({"result": {"protocolVersion": "2025-11-25", "capabilities": {}}})
    script = Script.of(plain(405), hello, ACCEPTED, stream({"result": CONTENT}))
    assert script.call(UNKNOWN).learned.era is Era.SESSIONLESS


@pytest.mark.parametrize("step", [plain(200), plain(400), plain(404), plain(202, "{}")])
def test_it_does_not_matter_what_is_said_to_the_notification(step: Step) -> None:
    assert Script.of(plain(400), welcome(), step, result()).call(UNKNOWN)


# What only a 2026-07-28 server says: no handshake, and no second call.
MODERN_REFUSALS = {
    "missing capability": error(-32021, 400, "initialize"),
    "missing capability, without an id": json_error(400, -32021, "x"),
    "a newer version": error(-32022, 400, data={"supported": ["2027-01-01"]}),
    "no versions": error(-32022, 400, data={"supported": []}),
    "versions that are none": error(-32022, 400, data={"supported": [1]}),
    "unknown method": error(-32601, 404),
}


@pytest.mark.parametrize("refusal", MODERN_REFUSALS.values(), ids=MODERN_REFUSALS.keys())
@pytest.mark.parametrize("target", [UNKNOWN, MODERN], ids=["unknown", "known"])
def test_a_modern_refusal_is_the_answer(refusal: Step, target: Target) -> None:
    script = Script.of(refusal)
    script.fails(McpServerError, target)
    assert script.sent == [CALL]


BOTH_ERAS = error(-32022, 400, data={"supported": ["2026-07-28", "2025-11-25"]})


@pytest.mark.parametrize("target", [UNKNOWN, MODERN], ids=["unknown", "known"])
def test_a_server_that_offers_the_version_it_refused_is_asked_again_once(target: Target) -> None:
    script = Script.of(BOTH_ERAS, result())
    assert script.call(target).learned.era is Era.MODERN
    assert script.sent == [CALL, CALL]
    script = Script.of(BOTH_ERAS, BOTH_ERAS)
    script.fails(McpServerError, target)
    assert script.sent == [CALL, CALL]


def test_a_version_that_is_refused_otherwise_than_by_400_is_not_asked_for_again() -> None:
    script = Script.of(error(-32022, 200, data={"supported": ["2026-07-28"]}))
    script.fails(McpServerError, MODERN)
    assert script.sent == [CALL]


@pytest.mark.parametrize("status", [408, 413, 500, 501, 503])
def test_a_status_that_says_nothing_of_eras_is_the_answer(status: int) -> None:
    script = Script.of(plain(status))
    assert script.fails(McpServerError, UNKNOWN).details == {"upstream_status": status}


# What a handler of a modern server may say as well, after the tool has run.
UNCLEAR = {
    "-32602": error(-32602, 400),
    "-32600": error(-32600, 400, "Cannot send: no back-channel"),
    "-32603": error(-32603, 400),
    "an application's code": error(1234, 422),
    "200 of the python sdk": error(-32602, 200, "Invalid request parameters"),
}
MODERN_TO_DISCOVER = {
    "versions": result({"supportedVersions": ["2026-07-28"], "capabilities": {}}),
    "no such method": error(-32601, 404),
    "missing capability": error(-32021, 400),
    # what proves nothing is no reason to call again
    "a server error": plain(503),
    "a server error as JSON-RPC": error(-32603, 500),
    "HTML": plain(200, "<html>"),
    "a timeout": plain(408),
    "no answer": broken(httpx.ReadTimeout("evil")),
    "401": plain(401),
    "429": plain(429),
}
OLD_TO_DISCOVER = {
    "no such method": error(-32601, 200),
    "a session": plain(400, "Missing session"),
    "older versions": result({"supportedVersions": ["2025-11-25"]}),
    "a result that is none": result({}),
    "older versions, as an error": error(-32022, 400, data={"supported": ["2025-11-25"]}),
}


@pytest.mark.parametrize("refusal", UNCLEAR.values(), ids=UNCLEAR.keys())
@pytest.mark.parametrize("found", MODERN_TO_DISCOVER.values(), ids=MODERN_TO_DISCOVER.keys())
def test_an_unclear_refusal_by_a_modern_server_is_not_repeated(refusal: Step, found: Step) -> None:
    script = Script.of(refusal, found)
    script.fails(Exception, UNKNOWN)
    assert script.sent == [CALL, "server/discover"]


@pytest.mark.parametrize("refusal", UNCLEAR.values(), ids=UNCLEAR.keys())
@pytest.mark.parametrize("found", OLD_TO_DISCOVER.values(), ids=OLD_TO_DISCOVER.keys())
def test_an_unclear_refusal_by_an_older_server_leads_to_the_handshake(
    refusal: Step, found: Step
) -> None:
    script = Script.of(refusal, found, welcome(), ACCEPTED, result())
    assert script.call(UNKNOWN).learned.era is Era.SESSIONS
    assert script.sent == [CALL, "server/discover", *HANDSHAKE, CALL]


@pytest.mark.parametrize("code", [-32602, -32600, -32603, 1234])
def test_a_known_modern_servers_400_is_the_answer(code: int) -> None:
    script = Script.of(error(code, 400))
    script.fails(Exception, MODERN)
    assert script.sent == [CALL]


@pytest.mark.parametrize("refusal", [plain(415), plain(422), error(-32601, 404), error(-32022)])
def test_a_server_of_no_era_fails_with_its_first_refusal(refusal: Step) -> None:
    script = Script.of(plain(415), refusal)
    assert script.fails(McpServerError, UNKNOWN).details == {"upstream_status": 415}
    assert script.sent == [CALL, INIT]


@pytest.mark.parametrize("refusal", [plain(400), plain(404), plain(405)])
@pytest.mark.parametrize("page", [plain(405), plain(404), plain(200, "<html>"), plain(500)])
def test_an_old_servers_stream_is_looked_for_last(refusal: Step, page: Step) -> None:
    script = Script.of(plain(415), refusal, page)
    assert script.fails(McpServerError, UNKNOWN).details == {"upstream_status": 415}
    assert script.sent == [CALL, INIT, "GET"]


@pytest.mark.parametrize(
    "hello",
    [
        welcome("2099-01-01"),
        welcome("2026-07-28"),
        result({}),
        result({"protocolVersion": 1}),
        welcome(session="a b"),
        welcome(session="x" * 5000),
        plain(200, "<html>"),
        plain(500),
        broken(httpx.ReadError("evil")),
    ],
)
def test_a_handshake_that_fails_ends_the_call(hello: Step) -> None:
    script = Script.of(plain(400), hello)
    assert "may have run" not in script.fails(McpServerError, UNKNOWN).message


def test_a_handshake_that_is_not_answered_in_time_ran_nothing() -> None:
    script = Script.of(plain(400), broken(httpx.ReadTimeout("evil")))
    assert "No tool was called" in script.fails(McpServerTimeout, UNKNOWN).message


def test_401_in_the_handshake_is_401() -> None:
    Script.of(plain(400), plain(401)).fails(Unauthorized, UNKNOWN)


def test_refused_arguments_at_an_older_server_are_refused_arguments() -> None:
    script = Script.of(plain(400), welcome(), ACCEPTED, error(-32602))
    script.fails(InvalidToolArguments, UNKNOWN)


def test_a_known_modern_servers_code_of_the_transport_is_looked_into_first() -> None:
    script = Script.of(error(-32000, 400), result({"supportedVersions": ["2026-07-28"]}))
    script.fails(McpServerError, MODERN)
    assert script.sent == [CALL, "server/discover"]
