"""Which lines of an MCP server's log a client is told (MCP, Logging)."""

from collections.abc import Mapping
from dataclasses import replace

from broker.endpoint_errors import McpRefusal
from broker.model import McpOutcome, McpRequest
from broker.model.mcp import INVALID_PARAMS, Notifications

_LEVELS = (
    "debug",
    "info",
    "notice",
    "warning",
    "error",
    "critical",
    "alert",
    "emergency",
)
"""Those of RFC 5424, the least severe first."""


def level_of(request: McpRequest) -> str:
    """Return the level that ``logging/setLevel`` names; raise McpRefusal for another word."""
    level = request.params.get("level")
    if level not in _LEVELS:
        raise McpRefusal(INVALID_PARAMS, "level must be one of RFC 5424's.")
    return str(level)


def has_logs(notices: Notifications) -> bool:
    """Say whether there is a line of a log among them."""
    return any(map(_is_log, notices))


def audible(outcome: McpOutcome, level: str | None) -> McpOutcome:
    """Return an outcome with the lines of ``level`` and above; None: with none."""
    kept = tuple(one for one in outcome.notices if not _is_log(one) or _is_heard(one, level))
    return replace(outcome, notices=kept)


def _is_log(notice: Mapping[str, object]) -> bool:
    return notice.get("method") == "notifications/message"


def _is_heard(notice: Mapping[str, object], level: str | None) -> bool:
    params = notice.get("params")
    said = params.get("level") if isinstance(params, Mapping) else None
    if level not in _LEVELS or said not in _LEVELS:
        return False
    return _LEVELS.index(str(said)) >= _LEVELS.index(level)
