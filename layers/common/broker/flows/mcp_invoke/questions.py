"""Prompts, resources and completions of the MCP server, passed through to MCP clients."""

from collections.abc import Mapping
from dataclasses import dataclass

from broker.calls import Caller
from broker.endpoint_errors import McpRefusal
from broker.errors import McpServerError
from broker.mcp import Called, InputNeeded, InsufficientScope, MissingCapability
from broker.model import (
    InputRequired,
    Invocation,
    McpOutcome,
    McpRequest,
    McpResult,
    Server,
    Session,
)
from broker.model.mcp import INVALID_PARAMS, METHOD_NOT_FOUND, RESOURCE_NOT_FOUND
from broker.tokens import Unusable
from broker.wording import say

from .askable import declared
from .asking import Asking, text
from .rounds import PER_ROUND, Rounds, input_responses
from .tool_calls import ToolCalls, refuse_cursor
from .turns import Turn

LISTS: Mapping[str, str] = {
    "prompts/list": "prompts",
    "resources/list": "resources",
    "resources/templates/list": "resourceTemplates",
}
"""Which member of a result each list lies under."""
ASKED = frozenset({"prompts/get", "resources/read", "completion/complete"})
_NO_COMPLETION: Mapping[str, object] = {"completion": {"values": []}}


@dataclass(frozen=True, slots=True)
class Questions:
    """What a server has beside tools."""

    caller: Caller
    tools: ToolCalls
    asking: Asking
    rounds: Rounds

    def list(
        self, session: Session, server_id: str, request: McpRequest, invocation: Invocation
    ) -> McpOutcome:
        """List them whole; nothing, before the user connects or where the server has none."""
        refuse_cursor(request)
        server = self.tools.invoke.complete_server(server_id, invocation)
        key = LISTS[request.method]
        try:
            found = self.caller.list_all(server, session.user_id, request.method, invocation)
        except InsufficientScope as exc:
            needed = self.tools.invoke.more_scope(server, session.user_id, exc, invocation)
            return self.asking.tell(needed, session, request, invocation)
        except McpServerError as exc:
            if exc.details.get("code") != METHOD_NOT_FOUND:
                raise
            return McpResult({key: []})
        if isinstance(found, Unusable):
            return McpResult({key: []})
        return McpResult({key: [*found.entries]}, found.ttl_ms or 0)

    def ask(
        self, session: Session, server_id: str, request: McpRequest, invocation: Invocation
    ) -> McpOutcome:
        """Ask as the user, or ask the user for what is needed first."""
        turn = Turn(self.rounds, self.rounds.resume(session, server_id, request))
        server = self.tools.invoke.complete_server(server_id, invocation)
        if self.asking.has_refused(turn.round_, request):
            turn.end()
            return text(request, say("not_connected_now", session.locale, service=server.name))
        self.asking.wait(turn.round_, session, server_id, request, invocation)
        try:
            called = self._put(turn, server, session, request, invocation)
        except InsufficientScope as exc:
            needed = self.tools.invoke.more_scope(server, session.user_id, exc, invocation)
            return self.asking.tell(needed, session, request, invocation)
        except MissingCapability as exc:
            return self.tools.cannot_ask(exc, session, server, request)
        except McpServerError as exc:
            refusal = _unknown(exc, request)
            if refusal is None:
                raise
            raise refusal from exc
        if isinstance(called, Unusable):
            if request.method == "completion/complete":  # asked at every key: no reason to prompt
                return McpResult(_NO_COMPLETION)
            needed = self.tools.invoke.needed(server, called.connection)
            told = self.asking.tell(needed, session, request, invocation)
            turn.end()
            return told
        if isinstance(called.outcome, InputNeeded):
            outcome, heard = called.outcome, called.notices.heard
            asked = InputRequired(outcome.input_requests, outcome.request_state, heard)
            return self.tools.pass_on(asked, turn, session, server, request)
        return McpResult(called.outcome.result, notices=called.notices.heard)

    def _put(
        self,
        turn: Turn,
        server: Server,
        session: Session,
        request: McpRequest,
        invocation: Invocation,
    ) -> Called | Unusable:
        with turn.under_way():
            return self.caller.ask(
                server,
                session.user_id,
                request.method,
                {key: value for key, value in request.params.items() if key not in PER_ROUND},
                invocation,
                input_responses=None if turn.connects else input_responses(request),
                capabilities=declared(request),
                hearing=request.hearing,
                claim=turn.claim,
            )


def _unknown(failure: McpServerError, request: McpRequest) -> McpRefusal | None:
    """Return the error for a name that the MCP server does not know; None for another failure.

    Of a resource it tells which (2026-07-28, Resources, Error Handling). Before that revision the
    code was -32002, which clients of it are not told.
    """
    code, reads = failure.details.get("code"), request.method == "resources/read"
    if code == RESOURCE_NOT_FOUND and reads:
        code = INVALID_PARAMS if request.is_modern else RESOURCE_NOT_FOUND
    elif code != INVALID_PARAMS:
        return None
    data = {"error": failure.error, **({"uri": request.params.get("uri")} if reads else {})}
    message = "The MCP server has nothing of that name, or not with these parameters."
    return McpRefusal(code, message, data)
