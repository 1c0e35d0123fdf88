"""What the MCP endpoint alone answers: refusals before JSON-RPC, and errors of JSON-RPC."""

from collections.abc import Mapping

from broker.errors import BrokerError


class InvalidToken(BrokerError):
    """The bearer at ``/mcp`` is missing, dead, or made for another server (RFC 6750 §3.1)."""

    error = "invalid_token"
    status = 401

    def __init__(self) -> None:
        """Say the same whatever was wrong."""
        super().__init__("The bearer is missing, has expired, or is not for this server.")


class ForeignOrigin(BrokerError):
    """A page that has no business here sent the request (MCP, Streamable HTTP, Security)."""

    error = "foreign_origin"
    status = 403

    def __init__(self) -> None:
        """Name no origin: it came from the caller."""
        super().__init__("Pages of this origin may not call this address.")


class MethodNotAllowed(BrokerError):
    """Another HTTP method than POST at ``/mcp`` (MCP, Streamable HTTP)."""

    error = "method_not_allowed"
    status = 405

    def __init__(self) -> None:
        """Say what is allowed."""
        super().__init__("Only POST is answered here.")


class McpRefusal(Exception):
    """A JSON-RPC error (§5.1) that our MCP endpoint answers; code, message and data are public."""

    def __init__(self, code: int, message: str, data: Mapping[str, object] | None = None) -> None:
        """Take what the client is told."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data
