"""Which era of MCP a server is of, and what an answer proves about that.

The era belongs to the server, not to a request: it is found out once and remembered. The rule
that everything here serves: a tools/call goes out a second time only if the first answer proves
that the tool did not run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from broker.model import Secret

from .messages import RpcError
from .refusal_texts import (
    mentions_start,
    says_invalid_during_start,
    says_no_session,
    says_uninitialized,
)

MODERN_VERSION = "2026-07-28"
HANDSHAKE_VERSION = "2025-11-25"
HANDSHAKE_VERSIONS = frozenset({"2024-11-05", "2025-03-26", "2025-06-18", HANDSHAKE_VERSION})


class Era(StrEnum):
    """How a server is spoken to."""

    MODERN = "2026-07-28"
    """Every request stands alone."""
    SESSIONS = "2025-11-25"
    """After ``initialize``, with the session id that it gave."""
    SESSIONLESS = "2025-11-25 without sessions"
    """After one ``initialize`` for all time: the server gave no session id."""
    HTTP_SSE = "2024-11-05"
    """After a GET, whose stream carries all answers, and ``initialize``: at every call."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What to remember of a server for the next call; the session is the user's own."""

    era: Era
    session: Secret | None
    protocol_version: str


class Verdict(StrEnum):
    """What an answer to a 2026-07-28 request says."""

    ANSWERED = "answered"
    """It is the answer, good or bad; asking again is not in order."""
    OLDER = "older"
    """The server is of an older era and ran nothing."""
    UNCLEAR = "unclear"
    """It may be either: ask something harmless first."""


HEADER_MISMATCH, MISSING_CAPABILITY, UNSUPPORTED_VERSION = -32020, -32021, -32022
METHOD_NOT_FOUND, INVALID_PARAMS = -32601, -32602
# 401, 403 and 429 say nothing of eras; after 408 nobody knows; 413 is about the size.
_NOT_ABOUT_ERAS = frozenset({401, 403, 408, 413, 429})


def judge(status: int, error: RpcError | None, *, known: bool, runs: bool) -> Verdict:
    """Judge the answer to a modern request (Streamable HTTP, Backward Compatibility).

    A 400 with the request's id and a common code proves nothing: a handler's own errors come as
    400 too (mcp 2.3 maps -32602 and -32600 so, after the tool has run). From a server that has
    been modern before (``known``) it is the answer to the call, otherwise it is unclear. What
    would make such a server an older one is looked into first, always: what is in front of a
    server refuses things as well. ``runs``: the request runs a tool, and an error that came with
    a success is proof only if it is, word for word, what an SDK says before ``initialize``.
    """
    if not is_refusal(status):
        return _judge_success(status, error, known=known, runs=runs)
    if error is not None and _offers_only_older(error):
        return Verdict.OLDER
    if _is_modern(status, error):
        return Verdict.ANSWERED
    if error is None or not error.echoed:
        return Verdict.UNCLEAR if known else Verdict.OLDER
    if _is_of_the_transport(error):
        return Verdict.UNCLEAR if known else Verdict.OLDER
    is_answer = known and not _has_code_of_a_transport(error)
    return Verdict.ANSWERED if is_answer else Verdict.UNCLEAR


def is_refusal(status: int) -> bool:
    """Say whether a status means that the request was turned away unprocessed."""
    return 400 <= status < 500 and status not in _NOT_ABOUT_ERAS


def offers_modern(status: int, error: RpcError | None) -> bool:
    """Say whether a request was refused for its version by one that offers that very version.

    A client should then ask again in it (2026-07-28, Protocol Version Header).
    """
    if status != 400 or error is None or error.code != UNSUPPORTED_VERSION:
        return False
    supported = error.data.get("supported") if isinstance(error.data, dict) else None
    return isinstance(supported, list) and MODERN_VERSION in supported


def may_be_http_sse(status: int, error: RpcError | None) -> bool:
    """Say whether a refused ``initialize`` may come from HTTP+SSE (2024-11-05).

    Those three and no other (2026-07-28, Streamable HTTP, Backward Compatibility).
    """
    return status in {400, 404, 405} and not _is_modern(status, error)


def is_lost(status: int, error: RpcError | None) -> bool:
    """Say whether an older server no longer knows the session (404, or 400 on some).

    Or is a modern one by now, which refuses an older request for its version or its headers.
    """
    if not is_refusal(status):
        return 200 <= status < 300 and error is not None and _is_uninitialized(error)
    if error is None or not error.echoed or _is_of_the_transport(error):
        return True
    return error.code in (UNSUPPORTED_VERSION, HEADER_MISMATCH)


def is_in_doubt(status: int, error: RpcError | None) -> bool:
    """Say whether an answer that is none of a lost session may still come from one.

    It does not prove that nothing ran; the next request had better begin with ``initialize``.
    """
    return is_refusal(status) and error is not None and mentions_start(error.message)


def proves_older(status: int, error: RpcError | None, result: Mapping[str, object] | None) -> bool:
    """Say whether an answer to ``server/discover`` proves a server of before 2026-07-28.

    Every later one must implement it. A server error or a page of HTML proves nothing.
    """
    if error is not None:
        return (is_refusal(status) or 200 <= status < 300) and not _is_modern(status, error)
    if result is None:
        return is_refusal(status)
    versions = result.get("supportedVersions")
    return not (isinstance(versions, list) and MODERN_VERSION in versions)


def _judge_success(status: int, error: RpcError | None, *, known: bool, runs: bool) -> Verdict:
    if error is None or not 200 <= status < 300:
        return Verdict.ANSWERED
    if _is_uninitialized(error):
        return Verdict.UNCLEAR if known else Verdict.OLDER
    if _is_python_before_initialize(error):
        return Verdict.UNCLEAR
    # It may be what a tool says of its own affairs, after it ran.
    return Verdict.UNCLEAR if not runs and mentions_start(error.message) else Verdict.ANSWERED


def _is_uninitialized(error: RpcError) -> bool:
    if says_invalid_during_start(error.message):
        return True
    is_code = _has_code_of_a_transport(error) or error.code == -32600
    return is_code and says_uninitialized(error.message)


def _is_python_before_initialize(error: RpcError) -> bool:
    # What the Python SDK says before `initialize`, and to malformed parameters as well.
    return error.code == INVALID_PARAMS and error.message == "Invalid request parameters"


def _is_modern(status: int, error: RpcError | None) -> bool:
    """Recognise the errors that only a 2026-07-28 server gives."""
    if error is None:
        return False
    if error.code == UNSUPPORTED_VERSION:
        return not _offers_only_older(error)
    if error.code in (HEADER_MISMATCH, MISSING_CAPABILITY):
        return True
    return status == 404 and error.code == METHOD_NOT_FOUND


def _offers_only_older(error: RpcError) -> bool:
    if error.code != UNSUPPORTED_VERSION or not isinstance(error.data, dict):
        return False
    supported = error.data.get("supported")
    if not isinstance(supported, list) or not supported:
        return False
    return all(isinstance(version, str) and version < MODERN_VERSION for version in supported)


def _is_of_the_transport(error: RpcError) -> bool:
    """Recognise what is refused before any method is looked at; handlers use the codes, too."""
    is_code = _has_code_of_a_transport(error) or error.code in (-32600, -32700)
    return is_code and says_no_session(error.message)


def _has_code_of_a_transport(error: RpcError) -> bool:
    """Say whether SDKs took the code for their transports; modern servers should not use it."""
    return -32019 <= error.code <= -32000
