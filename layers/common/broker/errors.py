"""Every failure of the broker: its code, its HTTP status and its public message.

    BrokerError
    ├── InvalidRequest            400 invalid_request
    ├── InvalidToken              401 invalid_token
    ├── ForeignOrigin             403 foreign_origin
    ├── SessionMismatch           403 session_mismatch
    ├── NotFound
    │   ├── ServerNotFound        404 server_not_found
    │   ├── ConnectionNotFound    404 connection_not_found
    │   ├── TestNotFound          404 test_not_found
    │   └── PresetNotFound        404 preset_not_found
    ├── MethodNotAllowed          405 method_not_allowed
    ├── ServerInUse               409 server_in_use
    ├── ServerChanged             409 server_changed
    ├── PreconditionFailed        412 precondition_failed
    ├── RequestTooLarge           413 request_too_large
    ├── InvalidServer             422 invalid_server
    ├── InvalidToolArguments      422 invalid_tool_arguments
    ├── ServerMisconfigured       424 server_misconfigured
    ├── TooManyRequests           429 too_many_requests
    ├── ConfigurationError        500 configuration_error
    ├── AuthorizationServerError  502 authorization_server_error
    ├── McpServerError            502 mcp_server_error
    │   └── McpUnauthorized           (the caller of a server answers it; see broker.calls)
    ├── McpResultTooLarge         502 mcp_result_too_large
    ├── RefreshInProgress         503 refresh_in_progress
    ├── TemporarilyUnavailable    503 temporarily_unavailable
    │   └── StoredByNewerVersion      (named in the log; who calls can only wait)
    └── McpServerTimeout          504 mcp_server_timeout

    OutboundError                     a request to somebody else that brought no answer; never shown
    ├── NotSent                       not one byte of the request left: it may be sent again
    │   └── AddressBlocked            the address is one that we do not talk to
    └── NoAnswer                      bytes left, so it may have had its effect
        ├── AnswerTimeout             the wall-clock deadline passed
        └── AnswerTooLarge            more bytes than the cap

    SealBroken                        a sealed secret does not open where it was found; never shown

``endpoint_errors`` holds those that the MCP endpoint alone answers. A message is public: no
secret, no text of an upstream, no other user's existence. The cause travels by ``raise … from
exc``.
"""

from collections.abc import Iterable, Mapping
from typing import ClassVar


class BrokerError(Exception):
    """A failure with a place in the API's contract."""

    error: ClassVar[str] = "server_error"
    status: ClassVar[int] = 500

    def __init__(
        self,
        message: str,
        *,
        details: Mapping[str, object] | None = None,
        retry_after: int | None = None,
    ) -> None:
        """Take the public message, further public members of the body, and seconds to wait."""
        super().__init__(message)
        self.message = message
        self.details = dict(details or {})
        self.retry_after = retry_after


class InvalidRequest(BrokerError):
    """The request is malformed; the message names the field and what was expected."""

    error = "invalid_request"
    status = 400


class SessionMismatch(BrokerError):
    """The browser that consented is not the one that asked (RFC 9700 §4.7); one answer for all."""

    error = "session_mismatch"
    status = 403

    def __init__(self) -> None:
        """Say the same whatever was wrong."""
        super().__init__("This authorization does not belong to this user's session.")


class NotFound(BrokerError):
    """Not there, or not yours: both answer alike."""

    error = "not_found"
    status = 404


class ServerNotFound(NotFound):
    """No MCP server is registered under that id."""

    error = "server_not_found"

    def __init__(self) -> None:
        """Name no id: it came from the caller."""
        super().__init__("No server is registered under this server_id.")


class ConnectionNotFound(NotFound):
    """The user has no connection to that server."""

    error = "connection_not_found"

    def __init__(self) -> None:
        """Say the same for an unknown user and an unconnected one."""
        super().__init__("This user has no connection to this server.")


class TestNotFound(NotFound):
    """No such test of this server is under way."""

    __test__ = False  # pytest: not a test class
    error = "test_not_found"

    def __init__(self) -> None:
        """Say the same for an unknown and an expired test."""
        super().__init__("No such test of this server is under way. Start a new one.")


class PresetNotFound(NotFound):
    """The catalogue has no service under that id."""

    error = "preset_not_found"

    def __init__(self) -> None:
        """Name no id: it came from the caller."""
        super().__init__("The catalogue has no preset of this id. GET /v1/presets lists them.")


class ServerInUse(BrokerError):
    """The server has connections and is not deleted."""

    error = "server_in_use"
    status = 409


class ServerChanged(BrokerError):
    """The server's configuration changed since the flow began."""

    error = "server_changed"
    status = 409

    def __init__(self) -> None:
        """Say what to do next."""
        super().__init__(
            "The server's configuration changed while the user was connecting. Start again."
        )


class PreconditionFailed(BrokerError):
    """If-Match or If-None-Match did not hold (RFC 9110 §13.1)."""

    error = "precondition_failed"
    status = 412


class RequestTooLarge(BrokerError):
    """The request body is over 1 MB."""

    error = "request_too_large"
    status = 413


class InvalidServer(BrokerError):
    """The configuration of a server is well-formed but cannot be accepted."""

    error = "invalid_server"
    status = 422


class InvalidToolArguments(BrokerError):
    """The MCP server refused the tool's arguments."""

    error = "invalid_tool_arguments"
    status = 422


class ServerMisconfigured(BrokerError):
    """The builder's configuration is incomplete or refused: no prompt to the user would help."""

    error = "server_misconfigured"
    status = 424


class TooManyRequests(BrokerError):
    """Somebody asked us to slow down."""

    error = "too_many_requests"
    status = 429


class ConfigurationError(BrokerError):
    """The stack itself is not configured: ``variables`` of the environment lack or are garbled.

    The message names none of them: it is for callers and browsers, who can change nothing.
    """

    error = "configuration_error"

    def __init__(self, variables: Iterable[str]) -> None:
        """Take the names, which are for the log alone."""
        super().__init__("The broker is not configured: its log says what is wrong.")
        self.variables = tuple(variables)


class AuthorizationServerError(BrokerError):
    """The authorization server gave no usable answer."""

    error = "authorization_server_error"
    status = 502


class McpServerError(BrokerError):
    """The MCP server gave no usable answer; ``details`` may hold its ``upstream_status``."""

    error = "mcp_server_error"
    status = 502


class McpUnauthorized(McpServerError):
    """The MCP server answered 401: it does not take the token."""


class McpResultTooLarge(BrokerError):
    """The tool's result does not fit the gateway's answer (5.5 MB as encoded)."""

    error = "mcp_result_too_large"
    status = 502


class RefreshInProgress(BrokerError):
    """Another container is refreshing this connection; ask again."""

    error = "refresh_in_progress"
    status = 503


class TemporarilyUnavailable(BrokerError):
    """Something we depend on is not available just now; ask again."""

    error = "temporarily_unavailable"
    status = 503


class StoredByNewerVersion(TemporarilyUnavailable):
    """A newer version of the broker wrote this: it is not misread, changed or deleted."""

    def __init__(self) -> None:
        """Ask for patience: it can be read again once the broker is upgraded again."""
        super().__init__("The store is not available just now.", retry_after=60)


class McpServerTimeout(BrokerError):
    """The MCP server did not answer in time; the tool may have run."""

    error = "mcp_server_timeout"
    status = 504


class OutboundError(Exception):
    """A request to somebody else brought no answer."""


class NotSent(OutboundError):
    """Not one byte of the request left (name, connection, TLS): it may be sent again."""


class AddressBlocked(NotSent):
    """The URL or the address it resolves to is one that the broker does not talk to."""


class NoAnswer(OutboundError):
    """Bytes left and no whole answer came back: the request may have had its effect."""


class AnswerTimeout(NoAnswer):
    """The wall-clock deadline passed after bytes had left."""


class AnswerTooLarge(NoAnswer):
    """The answer is larger than the cap."""


class SealBroken(Exception):
    """A sealed secret was moved, altered, or sealed under another key or context."""
