"""What an MCP server answers, taken apart no further than our callers need."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from broker.errors import McpServerError
from broker.redaction import Redactor

from .eras import Era, Learned
from .headers import annotations

_LONGEST_NAME = 256
_LONGEST_TTL = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class ToolResult:
    """A CallToolResult exactly as the server sent it, ``isError`` and ``resultType`` included."""

    result: Mapping[str, object] = field(repr=False)

    def redacted(self, redactor: Redactor) -> Self:
        """Return it without the secrets that the server was sent."""
        return replace(self, result=redactor.value(self.result))


@dataclass(frozen=True, slots=True)
class InputNeeded:
    """The server asks for more before it goes on (2026-07-28, Multi Round-Trip Requests).

    To go on, call again with ``input_responses`` under the same keys and the byte-exact
    ``request_state``. Both are the server's: neither is checked here, and a URL among the
    requests is a stranger's.
    """

    input_requests: Mapping[str, object] | None = field(repr=False)
    request_state: str | None = field(repr=False)

    def redacted(self, redactor: Redactor) -> Self:
        """Return it without the secrets that the server was sent."""
        state = self.request_state and redactor.text(self.request_state)
        return replace(
            self, input_requests=redactor.value(self.input_requests), request_state=state
        )


@dataclass(frozen=True, slots=True)
class Called:
    """A tools/call that was answered, and what was learned on the way."""

    outcome: ToolResult | InputNeeded
    learned: Learned


@dataclass(frozen=True, slots=True)
class ToolList:
    """A server's tools, in its order, and how long and for whom they may be kept."""

    tools: Sequence[Mapping[str, object]] = field(repr=False)
    ttl_ms: int | None
    """None: the server did not say."""
    cache_scope: str
    """``public``, or ``private``: never shown to another user. Unsaid is private."""
    truncated: bool
    """The server had more pages than are read, or its cursors went in a circle."""
    learned: Learned

    def redacted(self, redactor: Redactor) -> Self:
        """Return it without the secrets that the server was sent."""
        return replace(self, tools=redactor.value(self.tools))


@dataclass(frozen=True, slots=True)
class Page:
    """One page of tools/list."""

    tools: Sequence[object] = field(repr=False)
    cursor: str | None
    ttl_ms: int | None
    is_public: bool


def read_outcome(result: Mapping[str, object], era: Era) -> ToolResult | InputNeeded:
    """Read a tools/call result; raise McpServerError for what is none.

    A ``resultType`` that we do not know is invalid (2026-07-28, ResultType); to servers of
    before, the word means nothing.
    """
    kind = result.get("resultType", "complete") if era is Era.MODERN else "complete"
    if kind == "input_required":
        return _read_input_needed(result)
    content = result.get("content", [] if "structuredContent" in result else None)
    if kind != "complete" or not isinstance(content, list):
        raise _unusable("tool result")
    return ToolResult(result)


def _read_input_needed(result: Mapping[str, object]) -> InputNeeded:
    requests, state = result.get("inputRequests"), result.get("requestState")
    if requests is None and state is None:
        raise _unusable("request for input")
    if not (requests is None or isinstance(requests, dict)):
        raise _unusable("request for input")
    if not (state is None or isinstance(state, str)):
        raise _unusable("request for input")
    return InputNeeded(requests, state)


def read_page(result: Mapping[str, object]) -> Page:
    """Read a page of tools; raise McpServerError for what is none."""
    tools, cursor, ttl = result.get("tools"), result.get("nextCursor"), result.get("ttlMs")
    if not isinstance(tools, list) or result.get("resultType", "complete") != "complete":
        raise _unusable("list of tools")
    return Page(
        tools,
        cursor if isinstance(cursor, str) else None,
        _lifetime(ttl),
        is_public=result.get("cacheScope") == "public",
    )


def _lifetime(ttl: object) -> int | None:
    if not isinstance(ttl, int | float) or isinstance(ttl, bool) or ttl < 0:
        return None
    return int(min(ttl, _LONGEST_TTL))


def join_pages(pages: Sequence[Page], learned: Learned) -> ToolList:
    """Make one list of all pages; only what every page allows is allowed."""
    is_modern = learned.era is Era.MODERN
    kept: dict[str, Mapping[str, object]] = {}
    for tool in (tool for page in pages for tool in page.tools):
        name = _name(tool, is_modern=is_modern)
        if name is not None and isinstance(tool, dict):
            kept.setdefault(name, tool)
    lifetimes = [page.ttl_ms for page in pages if page.ttl_ms is not None]
    return ToolList(
        tuple(kept.values()),
        ttl_ms=min(lifetimes) if is_modern and lifetimes else None,
        cache_scope="public" if is_modern and all(page.is_public for page in pages) else "private",
        truncated=pages[-1].cursor is not None,
        learned=learned,
    )


def _name(tool: object, *, is_modern: bool) -> str | None:
    """Return a tool's name; None if it has none, or must be left out for its annotations."""
    name = tool.get("name") if isinstance(tool, dict) else None
    if not isinstance(tool, dict) or not isinstance(name, str):
        return None
    if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
        return None
    if is_modern and annotations(tool.get("inputSchema")) is None:
        return None
    return name


def _unusable(what: str) -> McpServerError:
    return McpServerError(
        f"The MCP server's answer is not a {what}.", details={"reason": "not_understood"}
    )
