"""Each request of an MCP client, counted once by what came of it."""

from collections.abc import Iterator
from contextlib import contextmanager

from broker.endpoint_errors import McpRefusal
from broker.errors import BrokerError
from broker.metrics import MCP_REQUEST
from broker.model import McpInput, McpOutcome
from broker.model.mcp import URL_ELICITATION_REQUIRED, USER_NEEDED
from broker.telemetry import count

_USER_NEEDED = frozenset({URL_ELICITATION_REQUIRED, USER_NEEDED})
_ASKED = "authorization_required"


class Counting:
    """What came of one request; until something is said, a fault of ours."""

    outcome: str = BrokerError.error

    def served(self, outcome: McpOutcome) -> None:
        """Name a result, or a question."""
        if outcome.connects:
            self.outcome = _ASKED
        elif isinstance(outcome, McpInput):
            self.outcome = "input_required"
        else:
            failed = outcome.result.get("isError") is True
            self.outcome = "tool_error" if failed else "completed"

    def refused(self, refusal: McpRefusal) -> None:
        """Name a JSON-RPC error of the endpoint's own."""
        self.outcome = _ASKED if refusal.code in _USER_NEEDED else "refused"

    def failed(self, failure: BrokerError) -> None:
        """Name a failure by its code."""
        self.outcome = failure.error


@contextmanager
def counted(method: str) -> Iterator[Counting]:
    """Count one request at the end of it, whatever ends it."""
    counting = Counting()
    try:
        yield counting
    finally:
        count(MCP_REQUEST, method=method.replace("/", "_"), outcome=counting.outcome)
