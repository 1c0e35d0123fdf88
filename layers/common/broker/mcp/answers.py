"""What an MCP server answers, taken apart no further than our callers need."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from broker.errors import McpServerError
from broker.redaction import Redactor

from .eras import Era, Learned
from .methods import METHODS
from .notices import SILENCE, Notices


@dataclass(frozen=True, slots=True)
class ToolResult:
    """A result exactly as the server sent it, ``isError`` and ``resultType`` included.

    A CallToolResult, or the result of another method.
    """

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
    """A request that was answered, and what was learned and heard on the way."""

    outcome: ToolResult | InputNeeded
    learned: Learned
    notices: Notices = SILENCE
    listed: "ToolList | None" = None
    """The tools, where a 2026-07-28 server's -32020 made the client look at them again."""

    def redacted(self, redactor: Redactor) -> Self:
        """Return it without the secrets that the server was sent."""
        return replace(
            self,
            outcome=self.outcome.redacted(redactor),
            notices=self.notices.redacted(redactor),
            listed=self.listed and self.listed.redacted(redactor),
        )


@dataclass(frozen=True, slots=True)
class Listing:
    """A whole list of a server's, in its order, and how long and for whom it may be kept."""

    entries: Sequence[Mapping[str, object]] = field(repr=False)
    ttl_ms: int | None
    """None: the server did not say."""
    cache_scope: str
    """``public``, or ``private``: never shown to another user. Unsaid is private."""
    learned: Learned

    def redacted(self, redactor: Redactor) -> Self:
        """Return it without the secrets that the server was sent."""
        return replace(self, entries=redactor.value(self.entries))


class ToolList(Listing):
    """A server's tools."""

    __slots__ = ()

    @property
    def tools(self) -> Sequence[Mapping[str, object]]:
        """The tools, as the server describes them."""
        return self.entries


def read_outcome(result: Mapping[str, object], method: str, era: Era) -> ToolResult | InputNeeded:
    """Read the result of a method that is no list; raise McpServerError for what is none.

    A ``resultType`` that we do not know is invalid (2026-07-28, ResultType); to servers of
    before, the word means nothing.
    """
    rule = METHODS[method]
    kind = result.get("resultType", "complete") if era is Era.MODERN else "complete"
    if kind == "input_required" and rule.may_ask:
        return _read_input_needed(result)
    if kind != "complete" or not _holds(result, rule.result_key, rule.result_type):
        raise unusable(f"result of {method}")
    return ToolResult(result)


def _holds(result: Mapping[str, object], key: str | None, kind: type) -> bool:
    if key is None or (key == "content" and "content" not in result):
        # Servers leave an empty content out beside structuredContent.
        return key is None or "structuredContent" in result
    return isinstance(result.get(key), kind)


def _read_input_needed(result: Mapping[str, object]) -> InputNeeded:
    requests, state = result.get("inputRequests"), result.get("requestState")
    if requests is None and state is None:
        raise unusable("request for input")
    if not (requests is None or isinstance(requests, dict)):
        raise unusable("request for input")
    if not (state is None or isinstance(state, str)):
        raise unusable("request for input")
    return InputNeeded(requests, state)


def unusable(what: str) -> McpServerError:
    """Name the failure that an answer of another form is."""
    return McpServerError(
        f"The MCP server's answer is not a {what}.", details={"reason": "not_understood"}
    )
