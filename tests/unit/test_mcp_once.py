"""A tools/call goes out again only after an answer that proves that the tool did not run."""

import pytest

from broker.errors import McpServerError
from broker.mcp import Era, SessionInDoubt, Target
from broker.mcp.refusal_texts import says_no_session, says_uninitialized
from tests.unit.test_mcp_eras import ACCEPTED, CALL, HANDSHAKE, UNKNOWN, json_error, welcome
from tests.unit.test_mcp_scripts import (
    MODERN,
    SESSION,
    SESSIONLESS,
    Script,
    Step,
    error,
    plain,
    result,
)

DISCOVER = "server/discover"
IS_MODERN = result({"supportedVersions": ["2026-07-28", "2025-11-25"], "capabilities": {}})
# What a tool may say after it ran, in words that are near to those of a transport.
AFTER_IT_RAN = {
    "200, a browser": error(-32000, 200, "Failed to initialize the browser"),
    "200, a browser that is not": error(-32002, 200, "The browser is not initialized"),
    "200, a payment": error(-32019, 200, "Paid before initialization of the log"),
    "200, a database": error(-32603, 200, "database not initialized"),
    "200, a session of its own": error(-32600, 200, "Session not found"),
    "400, a log": error(-32603, 400, "Payment done; session log failed"),
    "400, a session of its own": error(-32000, 400, "The session was booked; its mail failed"),
    "400, a version of its own": error(-32600, 400, "Saved; protocol version 3 is not printed"),
    "404, a session of its own": error(-32001, 404, "Session not found in the diary"),
    "400, a start": error(-32700, 400, "Sent; the parser could not be initialized"),
}


@pytest.mark.parametrize("said", AFTER_IT_RAN.values(), ids=AFTER_IT_RAN.keys())
@pytest.mark.parametrize("target", [SESSION, SESSIONLESS], ids=["session", "sessionless"])
def test_a_tool_of_a_known_older_server_is_called_once(said: Step, target: Target) -> None:
    script = Script.of(said)
    script.fails(McpServerError, target)
    assert script.sent == [CALL]


@pytest.mark.parametrize("said", AFTER_IT_RAN.values(), ids=AFTER_IT_RAN.keys())
@pytest.mark.parametrize("target", [UNKNOWN, MODERN], ids=["unknown", "modern"])
def test_a_tool_of_a_modern_server_is_called_once(said: Step, target: Target) -> None:
    script = Script([said, IS_MODERN])
    with pytest.raises(McpServerError):
        script.call(target)
    assert script.sent in ([CALL], [CALL, DISCOVER])


@pytest.mark.parametrize(
    "said",
    [
        error(-32000, 200, "Server not initialized"),
        error(-32600, 200, "Received request before initialization was complete"),
        error(0, 200, 'method "tools/call" is invalid during session initialization'),
        error(-32000, 400, "Bad Request: Server not initialized"),
        error(-32000, 400, "Bad Request: No valid session ID provided"),
        json_error(400, -32000, "Bad Request: Mcp-Session-Id header is required"),
        plain(404, "<html>"),
        plain(415),
        plain(400),
    ],
)
def test_a_known_modern_server_is_asked_what_it_is_before_it_is_called_in_an_older_era(
    said: Step,
) -> None:
    script = Script.of(said, IS_MODERN)
    script.fails(McpServerError, MODERN)
    assert script.sent == [CALL, DISCOVER]
    script = Script.of(said, error(-32601, 200), welcome(), ACCEPTED, result())
    assert script.call(MODERN).learned.era is Era.SESSIONS
    assert script.sent == [CALL, DISCOVER, *HANDSHAKE, CALL]


def test_only_a_tool_is_not_asked_again_after_an_error_that_may_be_of_any_start() -> None:
    said = error(-32603, 200, "Initialize first, please")
    script = Script.of(said, error(-32601, 200), welcome(), ACCEPTED, result({"tools": []}))
    listed = script.client().list_tools(UNKNOWN, deadline=1010.0)
    assert listed.learned.era is Era.SESSIONS
    assert script.sent == ["tools/list", DISCOVER, *HANDSHAKE, "tools/list"]
    script = Script.of(said)
    script.fails(McpServerError, UNKNOWN)
    assert script.sent == [CALL]


GO = 'method "tools/call" is invalid during session initialization'


@pytest.mark.parametrize("target", [UNKNOWN, SESSION], ids=["unknown", "session"])
def test_the_go_sdks_answer_before_initialize_proves_that_nothing_ran(target: Target) -> None:
    script = Script.of(error(0, 200, GO), welcome(), ACCEPTED, result())
    assert script.call(target).learned.era is Era.SESSIONS
    assert script.sent == [CALL, *HANDSHAKE, CALL]


@pytest.mark.parametrize("target", [SESSION, SESSIONLESS], ids=["session", "sessionless"])
@pytest.mark.parametrize("code", [-32022, -32020])
def test_a_modern_server_in_an_older_ones_place_is_spoken_to_as_such(
    target: Target, code: int
) -> None:
    newer = error(code, 400, "Unsupported protocol version", {"supported": ["2026-07-28"]})
    script = Script.of(newer, newer, result())
    assert script.call(target).learned.era is Era.MODERN
    assert script.sent == [CALL, "initialize", CALL]
    at_200 = Script.of(error(code, 200, "Unsupported protocol version"))
    at_200.fails(McpServerError, target)
    assert at_200.sent == [CALL]


@pytest.mark.parametrize("code", [-32602, -32603, -32000, 4711])
def test_a_refusal_that_speaks_of_sessions_puts_the_session_in_doubt(code: int) -> None:
    script = Script.of(error(code, 400, "No such Session: evil"))
    failure = script.fails(SessionInDoubt, SESSION)
    assert failure.details == {"upstream_status": 400, "code": code}
    assert script.sent == [CALL]


def test_a_server_without_sessions_has_none_to_doubt() -> None:
    failure = Script.of(error(-32603, 400, "session?")).fails(McpServerError, SESSIONLESS)
    assert not isinstance(failure, SessionInDoubt)


SAID_BY_SDKS = [
    "Bad Request: Missing session ID",
    "Not Found: Invalid or expired session ID",
    "Not Found: Session has been terminated",
    "Session not found",
    "Could not find session",
    "session_id is required",
    "Bad Request: Mcp-Session-Id header is required",
    "Bad Request: Server not initialized",
    "Bad Request: No valid session ID provided",
    "Invalid session ID",
    "Bad Request: Unsupported protocol version: 2026-07-28 (supported versions: 2025-11-25)",
    "Bad Request: Unsupported protocol version: x. Supported versions: 2024-11-05, 2025-03-26",
    "Unsupported protocol version: 2026-07-28",
    "Not an initialization request and no valid session ID provided.",
]


@pytest.mark.parametrize("text", SAID_BY_SDKS)
def test_what_sdks_say_is_known_as_a_whole_and_in_no_longer_text(text: str) -> None:
    assert says_no_session(text)
    assert not says_no_session(f"{text} But the mail is sent")
    assert not says_no_session(f"Saved. {text}")


@pytest.mark.parametrize(
    "text",
    [
        "Server not initialized",
        "The server is not yet initialised.",
        "Session not initialized",
        "Received request before initialization was complete",
        "Invalid Request: Server not initialized",
    ],
)
def test_a_server_that_waits_for_the_handshake_is_known_by_its_words(text: str) -> None:
    assert says_uninitialized(text)
    assert not says_uninitialized(f"Model of {text}")
    assert not says_uninitialized(text + " " * 300 + ".")
