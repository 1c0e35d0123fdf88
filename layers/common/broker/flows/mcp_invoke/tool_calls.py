"""``tools/call`` and ``tools/list`` of an MCP client, as the user of its session."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

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
from .rounds import Round, Rounds, input_responses

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
        round_ = self.rounds.resume(session, server_id, request)
        server = self.invoke.complete_server(server_id, invocation)
        if self.asking.has_refused(round_, request):
            return text(request, say("not_connected_now", session.locale, service=server.name))
        self.asking.wait(round_, session, server_id, request, invocation)
        if tool == CONNECT:
            connected = self._connect(session, server, request, invocation)
            if connected is not None:
                return connected
        call = ToolCall(
            server_id,
            tool,
            wish_of(session),
            arguments,
            hearing=request.hearing,
            mirrored=request.mirrored,
            capabilities=declared(request),
        )
        call = _resumed(call, round_, request)
        try:
            outcome = self.invoke.attempt(call, invocation)
        except MissingCapability as exc:
            return self.cannot_ask(exc, session, server, request)
        match outcome:
            case Completed():
                return McpResult(outcome.result, notices=outcome.notices)
            case Needed():
                return self.asking.tell(outcome, session, request, invocation)
        return self.pass_on(outcome, session, server, request)

    def pass_on(
        self, asked: InputRequired, session: Session, server: Server, request: McpRequest
    ) -> McpOutcome:
        """Hand the MCP server's own questions on, its ``requestState`` behind a handle of ours.

        Does NOT look into the questions, but for what they are: what they ask is the server's,
        and the client shows it.
        """
        if not request.is_modern:
            return text(request, say("cannot_ask", session.locale, service=server.name))
        refuse_undeclared(asked.input_requests, request)
        state = self.rounds.begin(
            session,
            server.server_id,
            request,
            connects=False,
            upstream_state=asked.request_state,
        )
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


def _resumed(call: ToolCall, round_: Round | None, request: McpRequest) -> ToolCall:
    if round_ is not None and round_.waited.connects:
        return call
    state = round_.upstream_state if round_ else None
    return replace(call, input_responses=input_responses(request), request_state=state)


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
