"""Act as the user: run a tool, or say what the user has to do first; list the tools."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import accumulate
from typing import TYPE_CHECKING

from broker.calls import Caller, Claim, listing_of
from broker.clock import Clock
from broker.connect import Connector
from broker.errors import (
    BrokerError,
    McpServerError,
    ServerMisconfigured,
    ServerNotFound,
    TemporarilyUnavailable,
)
from broker.mcp import FORMS, InputNeeded, InsufficientScope, ToolList
from broker.model import (
    AuthorizationRequired,
    AuthType,
    Completed,
    Connection,
    Failure,
    InputRequired,
    Invocation,
    InvokeOutcome,
    PromptReason,
    Reason,
    Server,
    Status,
    ToolCall,
    ToolListing,
    Wish,
    client_state_id,
    placed,
)
from broker.proposals import FirstUse
from broker.storage.connections import ConnectionStore, Moved
from broker.storage.server_state import ServerStateStore
from broker.storage.servers import ServerStore
from broker.storage.tools import ListTooLarge, StoredTools, ToolStore
from broker.tokens import Unusable

if TYPE_CHECKING:  # a large import for a rare question
    from broker.discovery import Discoverer

SCOPE_LENGTH = 4000
"""Characters of scopes in one authorization request, at most."""
SCOPE_REQUESTS = 3
"""How often in a row a user is asked for scopes that their consents do not bring."""
_SCOPE_PAUSE = timedelta(hours=1)
_KEPT_BACK = 1.0
"""Seconds of an invocation in which nothing more is asked of strangers."""


@dataclass(frozen=True, slots=True)
class Needed:
    """What the user must do first, before there is a link to do it by."""

    server: Server
    reason: PromptReason
    why: Reason | None = None
    failure: Failure | None = None
    scopes: tuple[str, ...] | None = None
    """None: the server's own."""
    missing: tuple[str, ...] = ()
    """Which of them the connection lacks."""


@dataclass(frozen=True, slots=True)
class McpInvoke:
    """``POST /v1/invoke`` and ``GET /v1/servers/{server_id}/tools``."""

    clock: Clock
    servers: ServerStore
    server_states: ServerStateStore
    connections: ConnectionStore
    tools_seen: ToolStore
    connector: Connector
    caller: Caller
    first_use: FirstUse
    discoverer: Callable[[], "Discoverer"]

    def invoke(self, call: ToolCall, invocation: Invocation) -> InvokeOutcome:
        """Run the tool as the user, or return the ready prompt."""
        outcome = self.attempt(call, invocation)
        if isinstance(outcome, Needed):
            return self.card(outcome, call.wish, invocation)
        return outcome

    def attempt(
        self, call: ToolCall, invocation: Invocation, claim: Claim | None = None
    ) -> Completed | InputRequired | Needed:
        """Run the tool as the user, or say what is needed of the user first."""
        server = self.complete_server(call.server_id, invocation)
        try:
            called = self.caller.ask(
                server,
                call.wish.user_id,
                "tools/call",
                {"name": call.tool, "arguments": call.arguments},
                invocation,
                input_responses=call.input_responses,
                request_state=call.request_state,
                capabilities=FORMS if call.capabilities is None else call.capabilities,
                hearing=call.hearing,
                mirrored=call.mirrored,
                claim=claim,
            )
        except InsufficientScope as exc:
            return self.more_scope(server, call.wish.user_id, exc, invocation)
        if isinstance(called, Unusable):
            return self.needed(server, called.connection)
        answer, heard = called.outcome, called.notices.heard
        if isinstance(answer, InputNeeded):
            return InputRequired(answer.input_requests, answer.request_state, heard)
        return Completed(answer.result, heard)

    def card(self, needed: Needed, wish: Wish, invocation: Invocation) -> AuthorizationRequired:
        """Return the ready prompt, with a fresh link."""
        card = self.connector.card(
            needed.server,
            wish,
            needed.reason,
            base_url=invocation.base_url,
            scopes=needed.scopes,
            why=needed.why,
            failure=needed.failure,
        )
        return replace(card, missing_scopes=needed.missing)

    def tools(self, server_id: str, user_id: str, invocation: Invocation) -> ToolListing:
        """Return the tools this user is shown; a failed refresh keeps the last good list."""
        server = self.complete_server(server_id, invocation)
        if server.auth_type is not AuthType.CONSUMER_OAUTH:
            return self._listed(_Owner(server, None, None, "catalogue"), user_id, invocation)
        connection, _ = self.connections.get(user_id, server_id)
        if connection is None or connection.status is Status.REMOVING:
            return self._catalogue(server)
        owner = _Owner(server, user_id, connection.grant_id, "user")
        return self._listed(owner, user_id, invocation)

    def _listed(self, owner: "_Owner", user_id: str, invocation: Invocation) -> ToolListing:
        known = self._known(owner)
        if known and self.clock.now() - known.fetched_at < known.fresh_for:
            return ToolListing(known.tools, known.fetched_at, owner.source)
        try:
            fetched = self.caller.list_tools(owner.server, user_id, invocation)
        except BrokerError as exc:
            if known is None and owner.user_id is None:
                raise
            return self._last_good(owner, known, exc.error)
        if isinstance(fetched, Unusable):
            return self._last_good(owner, known, "not_connected")
        return self._keep(owner, fetched, known)

    def complete_server(self, server_id: str, invocation: Invocation) -> Server:
        """Return a server that can be called; raise ServerNotFound, ServerMisconfigured."""
        server = self.servers.get(server_id)
        if server is None:
            raise ServerNotFound
        return self.first_use.complete(server, invocation)

    def needed(self, server: Server, connection: Connection | None) -> Needed:
        """Say that the user must connect, or connect again; raise ServerMisconfigured."""
        state_id = client_state_id(server, connection.kept if connection else {})
        state = self.server_states.get(state_id)
        if state.refuses_client(self.clock.now()):
            message = "The service refuses this app's own credentials; its builder must fix them."
            raise ServerMisconfigured(message)
        if connection is None:
            return Needed(server, PromptReason.NOT_CONNECTED)
        reason = PromptReason.RECONNECT_REQUIRED
        return Needed(server, reason, connection.reason, connection.failure)

    def more_scope(
        self, server: Server, user_id: str, lacking: InsufficientScope, invocation: Invocation
    ) -> Needed:
        """Ask for the union: a new consent replaces the old one, scopes and all.

        Where the server does not name the scopes that it wants, those that it lists count (MCP,
        Scope Selection).
        Bounded: a server is not believed that asks for what it was given, and a user is not asked
        for ever for what the service does not grant.
        """
        if server.auth_type is not AuthType.CONSUMER_OAUTH:
            message = "The MCP server asks for more than its builder's credentials allow."
            raise ServerMisconfigured(message) from lacking
        connection, _ = self.connections.get(user_id, server.server_id)
        held = connection.tokens.scope if connection else ()
        url = placed(server, connection.kept if connection else {}).mcp_url
        wanted = lacking.scopes or self.discoverer().listed_scopes(
            url, lacking.challenge, invocation.deadline - _KEPT_BACK
        )
        union = _bounded(tuple(dict.fromkeys((*server.scopes, *held, *wanted))))
        missing = server.quirks.lacking(union, held)
        if connection is not None and not missing:
            raise _vain("scope_not_enough", "The MCP server asks for what it was given.")
        if connection is not None and self._was_asked_enough(connection, union):
            raise _vain("scope_not_granted", "The service does not grant what the tool needs.")
        if connection is not None:
            self._remember_challenge(connection, server, missing)
        return Needed(server, PromptReason.ADDITIONAL_SCOPE, scopes=union, missing=missing)

    def _remember_challenge(
        self, connection: Connection, server: Server, missing: tuple[str, ...]
    ) -> None:
        """Let the list of connections show it; to keep it is best effort."""
        if set(missing) <= set(connection.missing_scopes(server.quirks)):
            return
        known = connection.challenged_scopes
        with suppress(TemporarilyUnavailable, Moved):
            scopes = _bounded(tuple(dict.fromkeys((*missing, *known))))
            self.connections.remember_challenge(connection, scopes)

    def _was_asked_enough(self, connection: Connection, union: tuple[str, ...]) -> bool:
        if not set(union) <= set(connection.requested_scopes):
            return False
        recent = self.clock.now() - connection.connected_at < _SCOPE_PAUSE
        return recent and connection.scope_requests >= SCOPE_REQUESTS

    def _known(self, owner: "_Owner") -> StoredTools | None:
        known = self.tools_seen.get(owner.server.server_id, owner.user_id)
        if known is None or known.config_digest != owner.server.config_digest:
            return None
        return known if known.grant_id == owner.grant_id else None

    def _last_good(self, owner: "_Owner", known: StoredTools | None, why: str) -> ToolListing:
        if known is None:
            return self._catalogue(owner.server, why)
        return ToolListing(known.tools, known.fetched_at, owner.source, stale_because=why)

    def _catalogue(self, server: Server, why: str | None = None) -> ToolListing:
        """Answer a user who is not connected: so the agent knows the tools before."""
        published = self._known(_Owner(server, None, None, "catalogue"))
        if published is None:
            return ToolListing([], None, "none", why)
        return ToolListing(published.tools, published.fetched_at, "catalogue", why)

    def _keep(self, owner: "_Owner", fetched: ToolList, known: StoredTools | None) -> ToolListing:
        now = self.clock.now()
        listing = listing_of(fetched, owner.server, now, owner.grant_id)
        try:
            self.tools_seen.put(owner.server.server_id, owner.user_id, listing)
            if fetched.cache_scope == "public" and owner.user_id is not None:
                # The server's own word that everybody may see it (2026-07-28, Caching).
                everybody = replace(listing, grant_id=None)
                self.tools_seen.put(owner.server.server_id, None, everybody)
        except ListTooLarge:
            return self._last_good(owner, known, "list_too_large")
        return ToolListing(fetched.tools, now, owner.source)


def _vain(reason: str, message: str) -> McpServerError:
    return McpServerError(message, details={"upstream_status": 403, "reason": reason})


def _bounded(scopes: tuple[str, ...]) -> tuple[str, ...]:
    """Keep as many scopes as fit an authorization request's URL; a stranger named some."""
    lengths = accumulate(len(scope) + 1 for scope in scopes)
    return tuple(s for s, length in zip(scopes, lengths, strict=True) if length <= SCOPE_LENGTH)


@dataclass(frozen=True, slots=True)
class _Owner:
    """Whose list it is: a user's under one grant, or (None) everybody's catalogue."""

    server: Server
    user_id: str | None
    grant_id: str | None
    source: str
