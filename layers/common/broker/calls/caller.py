"""Caller: what a server can be asked as a user."""

from collections.abc import Mapping
from dataclasses import dataclass

from broker.clock import Clock
from broker.mcp import (
    FORMS,
    Called,
    Era,
    Listing,
    McpClient,
    ToolList,
)
from broker.model import NOTHING, Connection, Hearing, Invocation, Secret, Server
from broker.tokens import Unusable

from .as_user import Access, AsUser, Errand, Line
from .inquiry import Claim, Inquiry
from .learning import Learner
from .memory import Owner


@dataclass(frozen=True, slots=True)
class Caller:
    """Calls MCP servers.

    Its methods raise InsufficientScope, MissingCapability, McpServerError, McpServerTimeout,
    McpResultTooLarge, InvalidToolArguments, TooManyRequests, ServerMisconfigured,
    RefreshInProgress, TemporarilyUnavailable.
    """

    clock: Clock
    client: McpClient
    as_user: AsUser
    learner: Learner

    def ask(
        self,
        server: Server,
        user_id: str,
        method: str,
        params: Mapping[str, object],
        invocation: Invocation,
        *,
        input_responses: Mapping[str, object] | None = None,
        request_state: str | None = None,
        capabilities: Mapping[str, object] = FORMS,
        hearing: Hearing = NOTHING,
        mirrored: Mapping[str, str | None] | None = None,
        claim: Claim | None = None,
    ) -> Called | Unusable:
        """Ask as the user: tools/call, prompts/get, resources/read or completion/complete.

        Args:
            server: Whom to ask.
            user_id: As whom.
            method: One of those.
            params: Its parameters, without ``_meta``, ``inputResponses`` and ``requestState``.
            invocation: Until when.
            input_responses: Answers to an earlier InputNeeded.
            request_state: The same one's, byte for byte.
            capabilities: What whoever asks can be asked in return (ClientCapabilities).
            hearing: Which of the server's notifications are wanted; they are in ``notices``.
            mirrored: What of its arguments an MCP client of ours mirrored in headers.
            claim: Says at the last moment what ``request_state`` is, in place of that.

        Raises also InvalidRequest: Another method, or parameters that are none of it;
        McpRefusal: A header of the client's disagrees with the argument it mirrors; and what
        ``claim`` raises.
        """
        inquiry = Inquiry(
            method, params, input_responses, request_state, capabilities, hearing, mirrored
        )

        def run(line: Line) -> Called:
            tool = inquiry.tool
            schema = tool and self.learner.schema(server, line.connection, tool)
            inquiry.check_headers(schema or None)
            ready = inquiry.claimed(claim, server, line.connection)
            return ready.put(self.client, line, schema or None)

        def keep(connection: Connection | None, called: Called) -> None:
            if called.listed is not None:
                self.learner.learn_tools(server, connection, called.listed, keep=True)

        return self.as_user.run(server, user_id, invocation, Errand(run, keep))

    def list_all(
        self, server: Server, user_id: str, method: str, invocation: Invocation
    ) -> Listing | Unusable:
        """List what this user's token is shown, all pages: one of ``broker.mcp.LISTS``.

        A list that its server lets be kept (2026-07-28, ttlMs) is not fetched again before that;
        a private one serves nobody but its user. Raises also InvalidRequest: Another method.
        """

        def run(line: Line) -> Listing:
            owner = Owner.of(server, line.connection)
            known = line.target.remembered
            if known is not None and known.era is Era.MODERN:
                kept = self.learner.memory.listed(owner, method, self.clock.now())
                if kept is not None:
                    return kept
            return self.client.list_all(line.target, method, deadline=line.deadline)

        def keep(connection: Connection | None, listing: Listing) -> None:
            owner = Owner.of(server, connection)
            self.learner.memory.keep_list(owner, method, listing, self.clock.now())
            if method == "tools/list":
                self.learner.learn_tools(server, connection, listing, keep=True)

        return self.as_user.run(server, user_id, invocation, Errand(run, keep))

    def list_tools(
        self, server: Server, user_id: str, invocation: Invocation
    ) -> ToolList | Unusable:
        """Fetch the tools that this user's token is shown."""

        def keep(connection: Connection | None, listed: ToolList) -> None:
            self.learner.learn_tools(server, connection, listed, keep=False)

        return self.as_user.run(server, user_id, invocation, Errand(self._fetch_tools, keep))

    def list_tools_with(
        self, server: Server, token: Secret, kept: Mapping[str, str], invocation: Invocation
    ) -> ToolList:
        """Fetch the tools with a token that belongs to no connection: a test's."""
        errand = Errand(self._fetch_tools)
        return self.as_user.with_access(server, Access(token, kept=kept), invocation, errand)

    def _fetch_tools(self, line: Line) -> ToolList:
        return self.client.list_tools(line.target, deadline=line.deadline)
