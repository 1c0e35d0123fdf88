"""Which era of MCP a server is of, and what an answer proves about that.

The era belongs to the server, not to a request: it is found out once and remembered. The rule
that everything here serves: a tools/call goes out a second time only if the first answer proves
that the tool did not run.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from broker.model import Secret

from .messages import RpcError

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
_START = re.compile(r"initiali[sz]", re.IGNORECASE)
_SESSION = re.compile(r"initiali[sz]|session|protocol.?version", re.IGNORECASE)
# 401, 403 and 429 say nothing of eras; after 408 nobody knows; 413 is about the size.
_NOT_ABOUT_ERAS = frozenset({401, 403, 408, 413, 429})


def judge(status: int, error: RpcError | None, *, known: bool) -> Verdict:
    """Judge the answer to a modern request (Streamable HTTP, Backward Compatibility).

    A 400 with the request's id and a common code proves nothing: a handler's own errors come as
    400 too (mcp 2.3 maps -32602 and -32600 so, after the tool has run). From a server that has
    been modern before (``known``) it is the answer to the call, otherwise it is unclear.
    """
    if not is_refusal(status):
        return _judge_success(status, error)
    if error is None or _offers_only_older(error):
        return Verdict.OLDER
    if _is_modern(status, error):
        return Verdict.ANSWERED
    if not error.echoed:
        return Verdict.OLDER
    if _is_of_the_transport(error):
        return Verdict.UNCLEAR if known else Verdict.OLDER
    return Verdict.ANSWERED if known else Verdict.UNCLEAR


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
    """Say whether an older server no longer knows the session (404, or 400 on some)."""
    if not is_refusal(status):
        return 200 <= status < 300 and _is_uninitialized(error)
    if error is None or not error.echoed:
        return True
    return _is_of_the_transport(error) or bool(_SESSION.search(error.message))


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


def _judge_success(status: int, error: RpcError | None) -> Verdict:
    if error is None or not 200 <= status < 300:
        return Verdict.ANSWERED
    if _is_uninitialized(error):
        return Verdict.OLDER
    # Either may also be what a tool of a modern server says of its own affairs.
    if _START.search(error.message) or _is_python_before_initialize(error):
        return Verdict.UNCLEAR
    return Verdict.ANSWERED


def _is_uninitialized(error: RpcError | None) -> bool:
    return error is not None and _is_of_the_transport(error) and bool(_START.search(error.message))


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
    """Recognise what is refused before any method is looked at.

    -32000…-32019 are the codes that SDKs took for their transports; modern servers should not
    use them. -32600 is used by handlers as well, so its text must name the cause.
    """
    if error.code in (-32600, -32700):
        return bool(_SESSION.search(error.message))
    return -32019 <= error.code <= -32000
