"""Call a server as a user: token, call, and on a 401 one refresh and one retry."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol, Self

from broker.clock import Clock
from broker.errors import (
    McpServerError,
    McpUnauthorized,
    ServerMisconfigured,
    TemporarilyUnavailable,
)
from broker.mcp import (
    Era,
    InputNeeded,
    InsufficientScope,
    Learned,
    McpClient,
    Target,
    ToolList,
    ToolResult,
)
from broker.metrics import MCP_LATENCY, MCP_UNAUTHORIZED, SERVER_REJECTS_EVERYBODY
from broker.model import AuthType, Connection, Invocation, Reason, Secret, Server
from broker.redaction import Redactor
from broker.storage.connections import ConnectionStore, Moved
from broker.storage.server_state import ServerState, ServerStateStore
from broker.storage.tools import StoredTools
from broker.telemetry import count, timed
from broker.tokens import Tokens, TokenSealer, Unusable, Usable, Verdicts
from broker.vault import Vault

FRESH_FOR = timedelta(minutes=15)
"""How old a tool list may be before it is fetched again, where the server says nothing."""
_LONGEST_FRESH = timedelta(hours=24)
CALL_SECONDS = 5.0
"""No call starts with less time than this left."""
_KEPT_BACK = 1.0


class Redactable(Protocol):
    """What a server answered; it may echo what it was sent."""

    def redacted(self, redactor: Redactor) -> Self:
        """Return it without the secrets that the server was sent."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """How a server is spoken to."""

    era: Era
    protocol_version: str | None


@dataclass(frozen=True, slots=True)
class Memory:
    """What this container remembers of servers: their era, and sessions that are nobody's own."""

    eras: dict[str, Spoken] = field(default_factory=dict)
    sessions: dict[tuple[str, str], Secret] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Caller:
    """Calls MCP servers.

    Its methods raise InsufficientScope, McpServerError, McpServerTimeout, McpResultTooLarge,
    InvalidToolArguments, TooManyRequests, ServerMisconfigured, RefreshInProgress,
    TemporarilyUnavailable.
    """

    clock: Clock
    client: McpClient
    tokens: Tokens
    verdicts: Verdicts
    sealer: TokenSealer
    vault: Vault
    connections: ConnectionStore
    server_states: ServerStateStore
    memory: Memory = field(default_factory=Memory)

    def call_tool(
        self,
        server: Server,
        user_id: str,
        tool: str,
        arguments: Mapping[str, object],
        invocation: Invocation,
        *,
        input_responses: Mapping[str, object] | None = None,
        request_state: str | None = None,
    ) -> ToolResult | InputNeeded | Unusable:
        """Run one tool as the user; Unusable: the user must connect first."""

        def call(target: Target, deadline: float) -> tuple[ToolResult | InputNeeded, Learned]:
            called = self.client.call_tool(
                target,
                tool,
                arguments,
                deadline=deadline,
                input_responses=input_responses,
                request_state=request_state,
            )
            return called.outcome, called.learned

        return self._as_user(server, user_id, invocation, call)

    def list_tools(
        self, server: Server, user_id: str, invocation: Invocation
    ) -> ToolList | Unusable:
        """Fetch the tools that this user's token is shown."""

        def call(target: Target, deadline: float) -> tuple[ToolList, Learned]:
            listed = self.client.list_tools(target, deadline=deadline)
            return listed, listed.learned

        return self._as_user(server, user_id, invocation, call)

    def list_tools_with(self, server: Server, token: Secret, invocation: Invocation) -> ToolList:
        """Fetch the tools with a token that belongs to no connection: a test's."""

        def call(target: Target, deadline: float) -> tuple[ToolList, Learned]:
            listed = self.client.list_tools(target, deadline=deadline)
            return listed, listed.learned

        listed, learned = self._ask(server, token, None, invocation, call)
        self._learn(server, None, None, learned)
        return listed

    def _as_user[Answer: Redactable](
        self,
        server: Server,
        user_id: str,
        invocation: Invocation,
        call: Callable[[Target, float], tuple[Answer, Learned]],
    ) -> Answer | Unusable:
        if server.auth_type is not AuthType.CONSUMER_OAUTH:
            return self._shared(server, invocation, call)
        refused: Connection | None = None
        while True:
            found = self.tokens.for_call(server, user_id, invocation, refused=refused)
            if isinstance(found, Unusable):
                return found
            try:
                return self._once(server, found, invocation, call)
            except McpUnauthorized:
                count(MCP_UNAUTHORIZED, attempt="again" if refused else "first")
                if refused is not None:
                    return self._rejected(server, found)
                self._check_circuit(self._refusing(server, found.connection))
                refused = found.connection

    def _once[Answer: Redactable](
        self,
        server: Server,
        found: Usable,
        invocation: Invocation,
        call: Callable[[Target, float], tuple[Answer, Learned]],
    ) -> Answer:
        session = self.sealer.open_session(found.connection)
        answer, learned = self._ask(server, found.access_token, session, invocation, call)
        self._learn(server, found.connection, session, learned)
        return answer

    def _ask[Answer: Redactable](
        self,
        server: Server,
        token: Secret | None,
        session: Secret | None,
        invocation: Invocation,
        call: Callable[[Target, float], tuple[Answer, Learned]],
    ) -> tuple[Answer, Learned]:
        """Call, and take the token out of what comes back: its reader must not have it."""
        redactor = Redactor(token, session)
        target = self._target(server, token, session)
        deadline = self._deadline(invocation)
        try:
            with timed(MCP_LATENCY, self.clock):
                answer, learned = call(target, deadline)
        except InsufficientScope as exc:
            exc.scopes = redactor.without(exc.scopes)
            raise
        return answer.redacted(redactor), learned

    def _shared[Answer: Redactable](
        self,
        server: Server,
        invocation: Invocation,
        call: Callable[[Target, float], tuple[Answer, Learned]],
    ) -> Answer:
        token = self.vault.bearer_token_of(server)
        session = self.memory.sessions.get((server.server_id, server.config_digest))
        try:
            answer, learned = self._ask(server, token, session, invocation, call)
        except McpUnauthorized as exc:
            message = "The MCP server refuses the credentials that its builder set."
            raise ServerMisconfigured(message) from exc
        self._learn(server, None, session, learned)
        return answer

    def _refusing(self, server: Server, connection: Connection) -> ServerState:
        """Look at the server's circuit; a token that cannot be renewed counts at once."""
        if connection.tokens.refresh is not None:
            return self.server_states.get(server.server_id)
        now = self.clock.now()
        return self.server_states.note_rejection(server.server_id, connection.user_id, now)

    def _rejected(self, server: Server, found: Usable) -> Unusable:
        """Refreshed just now and still refused: only the user can help.

        But a server that refuses many is broken itself, and none of its users is flagged.
        """
        user_id = found.connection.user_id
        now = self.clock.now()
        self._check_circuit(self.server_states.note_rejection(server.server_id, user_id, now))
        flagged = self.verdicts.give_up(found.connection, Reason.REJECTED_BY_SERVER)
        return Unusable(flagged or replace(found.connection, reason=Reason.REJECTED_BY_SERVER))

    def _check_circuit(self, state: ServerState) -> None:
        if state.refuses_everybody(self.clock.now()):
            count(SERVER_REJECTS_EVERYBODY)
            message = "The MCP server refuses the access of many users just now."
            raise McpServerError(message, details={"upstream_status": 401})

    def _target(self, server: Server, token: Secret | None, session: Secret | None) -> Target:
        headers = {}
        if token is not None:
            value = f"{server.token_scheme} {token.reveal()}".strip()
            headers[server.token_header] = value
        spoken = self._spoken(server)
        if spoken is None:
            return Target(server.mcp_url, headers)
        return Target(server.mcp_url, headers, spoken.era, session, spoken.protocol_version)

    def _spoken(self, server: Server) -> Spoken | None:
        known = self.memory.eras.get(server.mcp_url)
        if known is not None:
            return known
        state = self.server_states.get(server.server_id)
        if state.era not in {era.value for era in Era}:
            return None
        return Spoken(Era(state.era), state.protocol_version)

    def _learn(
        self, server: Server, connection: Connection | None, used: Secret | None, learned: Learned
    ) -> None:
        """Keep era and session, so that the steady state is one request; best effort."""
        with suppress(TemporarilyUnavailable, Moved):
            spoken = Spoken(learned.era, learned.protocol_version)
            if self._spoken(server) != spoken:
                self.server_states.remember_era(
                    server.server_id, learned.era.value, learned.protocol_version
                )
            self.memory.eras[server.mcp_url] = spoken
            if learned.session == used:
                return
            if connection is None:
                self._keep_shared_session(server, learned.session)
                return
            session = learned.session
            sealed = session and self.sealer.seal_session(connection, session)
            self.connections.remember_session(connection, sealed)

    def _keep_shared_session(self, server: Server, session: Secret | None) -> None:
        if server.auth_type is AuthType.CONSUMER_OAUTH:
            return  # a test's: nobody calls with it again
        key = (server.server_id, server.config_digest)
        if session is None:
            self.memory.sessions.pop(key, None)
        else:
            self.memory.sessions[key] = session

    def _deadline(self, invocation: Invocation) -> float:
        deadline = invocation.deadline - _KEPT_BACK
        if deadline - self.clock.monotonic() < CALL_SECONDS - _KEPT_BACK:
            message = "Too little time is left to start the call."
            raise TemporarilyUnavailable(message, retry_after=1)
        return deadline


def listing_of(
    fetched: ToolList, server: Server, now: datetime, grant_id: str | None = None
) -> StoredTools:
    """Return a list as it is kept; it serves as long as the server says (ttlMs), within reason."""
    fresh_for = FRESH_FOR
    if fetched.ttl_ms is not None:
        fresh_for = min(timedelta(milliseconds=max(0, fetched.ttl_ms)), _LONGEST_FRESH)
    return StoredTools(fetched.tools, now, server.config_digest, fresh_for, grant_id)
