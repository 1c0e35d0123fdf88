"""What a server's refusal means to our callers; the server's own words stay out of it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from broker.errors import (
    AddressBlocked,
    AnswerTimeout,
    AnswerTooLarge,
    BrokerError,
    InvalidToolArguments,
    McpResultTooLarge,
    McpServerError,
    McpServerTimeout,
    McpUnauthorized,
    NotSent,
    OutboundError,
    TooManyRequests,
)

from .challenge import Challenge
from .eras import HEADER_MISMATCH, INVALID_PARAMS, MISSING_CAPABILITY
from .messages import RpcError

_RETRY_DEFAULT, _RETRY_LONGEST = 10, 3600


class Unauthorized(McpUnauthorized):
    """401: the token is not taken; ``challenge`` says what would be."""

    def __init__(self, challenge: Challenge) -> None:
        """Take the parsed challenge."""
        super().__init__(
            "The MCP server does not accept the token.", details={"upstream_status": 401}
        )
        self.challenge = challenge


class InsufficientScope(McpServerError):
    """403 insufficient_scope (RFC 6750 §3.1): the user must consent to more."""

    def __init__(self, challenge: Challenge) -> None:
        """Take the parsed challenge; ``scopes`` may be empty, for a server need not say."""
        super().__init__(
            "The MCP server asks for more permissions.", details={"upstream_status": 403}
        )
        self.challenge = challenge
        self.scopes = challenge.scopes


class HeaderMismatch(McpServerError):
    """400 with -32020: the headers do not mirror the arguments as the tool's schema asks."""


class SessionInDoubt(McpServerError):
    """An older server's refusal that speaks of sessions: the tool may have run all the same.

    It is not asked again in this call, and the next call begins with a handshake.
    """


class MissingCapability(McpServerError):
    """-32021: the server wants a client that declares more; ``required`` is its own word."""

    def __init__(self, error: RpcError, details: Mapping[str, object]) -> None:
        """Take what the server said it requires (``data.requiredCapabilities``)."""
        super().__init__("The MCP server needs a client that can be asked more.", details=details)
        data = error.data if isinstance(error.data, dict) else {}
        required = data.get("requiredCapabilities")
        self.required: Mapping[str, object] = required if isinstance(required, dict) else {}


def refused(status: int, error: RpcError | None, method: str) -> BrokerError:
    """Name the failure that an answer without a result is."""
    details: dict[str, object] = {}
    if not 200 <= status < 300:
        details["upstream_status"] = status
    if error is not None:
        details["code"] = error.code
        return _named(error, method, details)
    if 300 <= status < 400:
        return McpServerError(
            "The MCP server answered with a redirect, which is not followed.", details=details
        )
    if status >= 400:
        return McpServerError(f"The MCP server answered with HTTP {status}.", details=details)
    details["reason"] = "not_json_rpc"
    return McpServerError("The MCP server gave no JSON-RPC answer.", details=details)


def _named(error: RpcError, method: str, details: Mapping[str, object]) -> BrokerError:
    if error.code == INVALID_PARAMS and method == "tools/call":
        return InvalidToolArguments(
            "The MCP server has no tool of that name, or not with these arguments.",
            details=details,
        )
    if error.code == MISSING_CAPABILITY:
        return MissingCapability(error, details)
    # Only a 400 proves that nothing ran (Streamable HTTP, Server Validation).
    is_mismatch = error.code == HEADER_MISMATCH and details.get("upstream_status") == 400
    kind = HeaderMismatch if is_mismatch else McpServerError
    return kind(f"The MCP server answered with JSON-RPC error {error.code}.", details=details)


def unanswered(failure: OutboundError, method: str) -> BrokerError:
    """Name the failure that a request without an answer is, and whether the tool may have run."""
    fate = "The tool may have run." if method == "tools/call" else "No tool was called."
    match failure:
        case AddressBlocked():
            return McpServerError(
                "The MCP server's address is not a public one.", details={"reason": "blocked"}
            )
        case NotSent():
            return McpServerError(
                "The MCP server could not be reached.", details={"reason": "unreachable"}
            )
        case AnswerTimeout():
            return McpServerTimeout(f"The MCP server did not answer in time. {fate}")
        case AnswerTooLarge():
            return McpResultTooLarge("The MCP server's answer is larger than the broker takes.")
        case _:
            return McpServerError(
                f"The connection ended before the MCP server's answer did. {fate}",
                details={"reason": "no_answer"},
            )


def slow_down(retry_after: str | None, now: datetime) -> TooManyRequests:
    """Pass a 429 on, its Retry-After (RFC 9110 §10.2.3) held within a second and an hour."""
    seconds = _seconds(retry_after, now)
    return TooManyRequests(
        "The MCP server asks to slow down.",
        details={"upstream_status": 429},
        retry_after=max(1, min(seconds, _RETRY_LONGEST)),
    )


def _seconds(retry_after: str | None, now: datetime) -> int:
    if retry_after is None:
        return _RETRY_DEFAULT
    if retry_after.isascii() and retry_after.isdigit():
        return int(retry_after[:9])
    try:
        at = parsedate_to_datetime(retry_after)
        # A date without a zone is naive, and its subtraction would raise.
        wait = at.replace(tzinfo=at.tzinfo or UTC) - now
    except (ValueError, OverflowError):
        return _RETRY_DEFAULT
    return int(wait.total_seconds())
