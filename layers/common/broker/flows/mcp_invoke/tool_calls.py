"""``tools/call`` and ``tools/list`` of an MCP client, as the user of its session."""

from collections.abc import Mapping
from dataclasses import dataclass

from broker.endpoint_errors import McpRefusal
from broker.errors import McpServerError
from broker.mcp import MissingCapability
from broker.model import (
    AuthType,
    Completed,
    InputRequired,
    Invocation,
    McpInput,
    McpOutcome,
    McpRequest,
    McpResult,
    Reason,
    Server,
    Session,
    Status,
    ToolCall,
)
from broker.model.mcp import INVALID_PARAMS
from broker.wording import say

from .askable import declared, refusal_for, refuse_undeclared
from .asking import CONNECT, Asking, text, wish_of
from .invoke import McpInvoke, Needed
from .rounds import Rounds, input_responses
from .turns import Turn

_LIST_TTL_MS = 60_000
_LONGEST_NAME = 256


@dataclass(frozen=True, slots=True)
class ToolCalls:
    """The tools of one server, for MCP clients."""

    invoke: McpInvoke
    asking: Asking
    rounds: Rounds

    def list(
        self, session: Session, server_id: str, request: McpRequest, invocation: Invocation
    ) -> McpResult:
        """List the user's tools; before they connect the catalogue, or a ``connect`` tool."""
        refuse_cursor(request)
        server = self.invoke.complete_server(server_id, invocation)
        listing = self.invoke.tools(server_id, session.user_id, invocation)
        if listing.source == "none":
            if listing.stale_because not in (None, "not_connected"):
                raise McpServerError("The MCP server did not give its list of tools.")
            return McpResult({"tools": [_connect_tool(server, session.locale)]})
        ttl_ms = _LIST_TTL_MS if listing.source == "user" else 0
        return McpResult({"tools": [*listing.tools]}, ttl_ms)

    def call(
        self, session: Session, server_id: str, request: McpRequest, invocation: Invocation
    ) -> McpOutcome:
        """Run a tool as the user, or ask the user for what is needed first."""
        tool, arguments = _named(request)
        turn = Turn(self.rounds, self.rounds.resume(session, server_id, request))
        server = self.invoke.complete_server(server_id, invocation)
        if self.asking.has_refused(turn.round_, request):
            turn.end()
            return text(request, say("not_connected_now", session.locale, service=server.name))
        self.asking.wait(turn.round_, session, server_id, request, invocation)
        if tool == CONNECT:
            connected = self._connect(session, server, request, invocation)
            if connected is not None:
                turn.end()
                return connected
        call = ToolCall(
            server_id,
            tool,
            wish_of(session),
            arguments,
            input_responses=None if turn.connects else input_responses(request),
            hearing=request.hearing,
            mirrored=request.mirrored,
            capabilities=declared(request),
        )
        try:
            with turn.under_way():
                outcome = self.invoke.attempt(call, invocation, turn.claim)
        except MissingCapability as exc:
            return self.cannot_ask(exc, session, server, request)
        match outcome:
            case Completed():
                return McpResult(outcome.result, notices=outcome.notices)
            case Needed():
                told = self.asking.tell(outcome, session, request, invocation)
                turn.end()
                return told
        return self.pass_on(outcome, turn, session, server, request)

    def pass_on(
        self,
        asked: InputRequired,
        turn: Turn,
        session: Session,
        server: Server,
        request: McpRequest,
    ) -> McpOutcome:
        """Hand the MCP server's own questions on, its ``requestState`` behind a handle of ours.

        Does NOT look into the questions, but for what they are: what they ask is the server's,
        and the client shows it.
        """
        if not request.is_modern:
            return text(request, say("cannot_ask", session.locale, service=server.name))
        refuse_undeclared(asked.input_requests, request)
        state = turn.wait_for(asked, server.server_id, session, request)
        return McpInput(asked.input_requests, state, asked.notices)

    def cannot_ask(
        self, lacking: MissingCapability, session: Session, server: Server, request: McpRequest
    ) -> McpOutcome:
        """Say that the MCP server wants a client that can be asked more; an older one cannot."""
        if not request.is_modern:
            return text(request, say("cannot_ask", session.locale, service=server.name))
        raise refusal_for(lacking) from lacking

    def _connect(
        self, session: Session, server: Server, request: McpRequest, invocation: Invocation
    ) -> McpOutcome | None:
        """Serve our own ``connect`` tool; None: the MCP server has one of that name."""
        listing = self.invoke.tools(server.server_id, session.user_id, invocation)
        if any(tool.get("name") == CONNECT for tool in listing.tools):
            return None
        if server.auth_type is AuthType.CONSUMER_OAUTH:
            connection, _ = self.asking.connections.get(session.user_id, server.server_id)
            changed = connection is not None and connection.config_digest != server.config_digest
            if connection is None or changed or connection.status is not Status.ACTIVE:
                needed = self.invoke.needed(server, connection)
                if changed:
                    needed = Needed(server, needed.reason, Reason.SERVER_CHANGED)
                return self.asking.tell(needed, session, request, invocation)
        said = say("connected_now", session.locale, service=server.name)
        return text(request, said, is_error=False)


def refuse_cursor(request: McpRequest) -> None:
    """Raise McpRefusal for a cursor: our lists come whole, and none was handed out."""
    if request.params.get("cursor") is not None:
        raise McpRefusal(INVALID_PARAMS, "The cursor is not one of ours.")


def _named(request: McpRequest) -> tuple[str, Mapping[str, object]]:
    name, arguments = request.params.get("name"), request.params.get("arguments")
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
        raise McpRefusal(INVALID_PARAMS, "name must be a tool's name.")
    if arguments is None:
        return name, {}
    if not isinstance(arguments, Mapping):
        raise McpRefusal(INVALID_PARAMS, "arguments must be an object.")
    return name, arguments


def _connect_tool(server: Server, locale: str | None) -> Mapping[str, object]:
    return {
        "name": CONNECT,
        "description": say("connect_tool", locale, service=server.name),
        "inputSchema": {"type": "object", "properties": {}},
    }
