"""The MCP endpoint: one server, to any MCP client, as the user of its bearer."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from broker.endpoint_errors import InvalidToken, McpRefusal
from broker.errors import NotFound
from broker.mcp.messages import VERSION
from broker.model import (
    HANDSHAKE_REVISIONS,
    REVISIONS,
    URL_REVISION,
    Invocation,
    McpOutcome,
    McpRequest,
    McpResult,
    ProtectedResource,
    Secret,
    Session,
    elicits_urls,
)
from broker.model.mcp import INVALID_PARAMS, METHOD_NOT_FOUND
from broker.sessions import Sessions
from broker.settings import Settings
from broker.storage.mcp_calls import McpCallStore

from .asking import client_of
from .invoke import McpInvoke
from .loudness import audible, has_logs, level_of
from .questions import ASKED, LISTS, Questions
from .tool_calls import ToolCalls

if TYPE_CHECKING:  # its cryptography is imported by those stacks alone that need it
    from broker.oauth.trusted_issuer import TrustedIssuer

_CAPABILITIES: Mapping[str, object] = {
    "completions": {},
    "logging": {},
    "prompts": {},
    "resources": {},
    "tools": {},
}
_DISCOVERY_TTL_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class McpEndpoint:
    """``/mcp/{server_id}`` and its RFC 9728 metadata."""

    settings: Settings
    sessions: Sessions
    invoke: McpInvoke
    tools: ToolCalls
    questions: Questions
    calls: McpCallStore
    issuer: "TrustedIssuer | None"
    """The customer's own authorization server; None: session bearers alone are taken."""

    def admit(self, bearer: Secret | None, server_id: str, invocation: Invocation) -> Session:
        """Return whom a bearer acts as at a server; raise InvalidToken, TemporarilyUnavailable."""
        if bearer is None:
            raise InvalidToken
        if self.issuer is None or "." not in bearer.reveal():  # a session's bearer has none
            return self.sessions.admit(bearer, server_id)
        return self._admit_jwt(self.issuer, bearer, server_id, invocation)

    def metadata(self, server_id: str, invocation: Invocation) -> ProtectedResource:
        """Return which authorization server lets clients in here; raise NotFound."""
        server = self.invoke.servers.get(server_id)
        if self.issuer is None or server is None:
            raise NotFound("There is nothing at this address.")
        url = resource_url(server_id, invocation)
        return ProtectedResource(url, self.issuer.issuer, server)

    def serve(
        self, session: Session, server_id: str, request: McpRequest, invocation: Invocation
    ) -> McpOutcome:
        """Answer one request; raise McpRefusal, or what McpInvoke raises."""
        outcome = self._answer(session, server_id, request, invocation)
        if not has_logs(outcome.notices):
            return outcome
        if request.is_modern:
            return audible(outcome, request.hearing.log_level)
        return audible(outcome, self.calls.client_log_level(client_of(session, server_id)))

    def _answer(
        self, session: Session, server_id: str, request: McpRequest, invocation: Invocation
    ) -> McpOutcome:
        if request.method in LISTS:
            return self.questions.list(session, server_id, request, invocation)
        if request.method in ASKED:
            return self.questions.ask(session, server_id, request, invocation)
        match request.method, request.is_modern:
            case "tools/call", _:
                return self.tools.call(session, server_id, request, invocation)
            case "tools/list", _:
                return self.tools.list(session, server_id, request, invocation)
            case "server/discover", True:
                return self._discover(server_id, invocation)
            case "initialize", False:
                return self._initialize(session, server_id, request, invocation)
            case "ping", False:
                return McpResult({})
            case "logging/setLevel", False:
                client = client_of(session, server_id)
                self.calls.remember_log_level(client, level_of(request), session.expires_at)
                return McpResult({})
        raise McpRefusal(METHOD_NOT_FOUND, "There is no such method here.")

    def _initialize(
        self, session: Session, server_id: str, request: McpRequest, invocation: Invocation
    ) -> McpResult:
        """Agree on a revision; no session id is given, for every request brings its bearer."""
        wanted, declared = request.params.get("protocolVersion"), request.params.get("capabilities")
        if not isinstance(wanted, str) or not isinstance(declared, Mapping):
            raise McpRefusal(INVALID_PARAMS, "protocolVersion and capabilities are required.")
        agreed = wanted if wanted in HANDSHAKE_REVISIONS else URL_REVISION
        self.calls.remember_client(
            client_of(session, server_id),
            elicits_urls=agreed == URL_REVISION and elicits_urls(declared),
            until=session.expires_at,
        )
        info = self._info(server_id, invocation)
        return McpResult(
            {"protocolVersion": agreed, "capabilities": _CAPABILITIES, "serverInfo": info}
        )

    def _discover(self, server_id: str, invocation: Invocation) -> McpResult:
        about = {
            "supportedVersions": [*REVISIONS],
            "capabilities": _CAPABILITIES,
            "_meta": {"io.modelcontextprotocol/serverInfo": self._info(server_id, invocation)},
        }
        return McpResult(about, _DISCOVERY_TTL_MS)

    def _info(self, server_id: str, invocation: Invocation) -> Mapping[str, object]:
        server = self.invoke.complete_server(server_id, invocation)
        return {"name": server.server_id, "title": server.name, "version": VERSION}

    def _admit_jwt(
        self, issuer: "TrustedIssuer", token: Secret, server_id: str, invocation: Invocation
    ) -> Session:
        url = resource_url(server_id, invocation)
        granted = issuer.verify(token, audience=url, deadline=invocation.deadline)
        if self.sessions.pending.erased_after(granted.sub, granted.issued_at):
            raise InvalidToken
        named = hashlib.sha256(f"{issuer.issuer} {granted.sub}".encode()).hexdigest()
        return Session(
            f"jwt-{named}",
            granted.sub,
            (server_id,),
            granted.issued_at,
            granted.expires_at,
            self.settings.default_return_url or None,
        )


def resource_url(server_id: str, invocation: Invocation) -> str:
    """Return the endpoint's own URL: its resource identifier, and the audience of its tokens."""
    return f"{invocation.base_url}/mcp/{server_id}"
