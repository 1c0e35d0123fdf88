"""Evidence, read from what a login page or an MCP server did."""

from http import HTTPStatus

from broker.diagnosis import Evidence, Kind, Step
from broker.errors import BrokerError, McpServerError, McpServerTimeout, McpUnauthorized
from broker.mcp import InsufficientScope

_TELLING = ("redirect_uri", "redirect_url", "callback_url", "invalid_client", "client_id")


def of_login_page(status: int, page: bytes) -> Evidence | None:
    """Read a refusal that never sends the browser back; None: nothing telling is on the page."""
    if not HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return None
    said = page.decode("utf-8", "replace").lower().replace(" ", "_")
    found = next((word for word in _TELLING if word in said), None)
    if found is None:
        return None
    error = "invalid_client" if "client" in found else "redirect_uri_mismatch"
    return Evidence(
        Step.AUTHORIZATION, Kind.REFUSED, status=status, content_type="text/html", error=error
    )


def of_mcp_failure(exc: BrokerError) -> Evidence:
    """Read what the MCP server did from how the call failed."""
    if isinstance(exc, InsufficientScope):
        return Evidence(Step.TOOLS, Kind.REFUSED, status=403, error="insufficient_scope")
    if isinstance(exc, McpUnauthorized) or isinstance(exc.__cause__, McpUnauthorized):
        return Evidence(Step.TOOLS, Kind.REFUSED, status=401, error="invalid_token")
    if isinstance(exc, McpServerTimeout):
        return Evidence(Step.TOOLS, Kind.NO_ANSWER)
    if isinstance(exc, McpServerError):
        return _of_mcp_error(exc)
    return Evidence(Step.TOOLS, Kind.REFUSED, status=exc.status, error=exc.error)


def _of_mcp_error(exc: McpServerError) -> Evidence:
    reason = exc.details.get("reason")
    kinds = {"unreachable": Kind.NOT_SENT, "blocked": Kind.BLOCKED}
    status = exc.details.get("upstream_status")
    media = exc.details.get("content_type")
    return Evidence(
        Step.TOOLS,
        kinds.get(str(reason), Kind.UNUSABLE),
        status=status if isinstance(status, int) else None,
        content_type=media if isinstance(media, str) else None,
    )
