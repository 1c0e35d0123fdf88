"""Run one errand at a server as a user: token, errand, and on a 401 one refresh and one retry."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol, Self

from broker.clock import Clock
from broker.errors import (
    McpServerError,
    McpUnauthorized,
    ServerMisconfigured,
    TemporarilyUnavailable,
)
from broker.mcp import InsufficientScope, Learned, MissingCapability, SessionInDoubt, Target
from broker.metrics import MCP_LATENCY, MCP_UNAUTHORIZED, SERVER_REJECTS_EVERYBODY
from broker.model import (
    AuthType,
    Connection,
    Invocation,
    Reason,
    Secret,
    Server,
    mcp_headers,
    placed,
    token_state_id,
)
from broker.redaction import Redactor
from broker.storage.server_state import ServerState, ServerStateStore
from broker.telemetry import count, timed
from broker.tokens import Tokens, TokenSealer, Unusable, Usable, Verdicts
from broker.vault import Vault

from .learning import Learner

CALL_SECONDS = 5.0
"""No call starts with less time than this left."""
_KEPT_BACK = 1.0


class Redactable(Protocol):
    """What a server answered; it may echo what it was sent."""

    @property
    def learned(self) -> Learned:
        """What was learned of the server on the way."""

    def redacted(self, redactor: Redactor) -> Self:
        """Return it without the secrets that the server was sent."""


@dataclass(frozen=True, slots=True)
class Line:
    """A way to the server for one errand: whom to ask, until when, as whose connection."""

    target: Target
    deadline: float
    connection: Connection | None


@dataclass(frozen=True, slots=True)
class Errand[Answer: Redactable]:
    """What to do at a server, and what to keep of its answer once our secrets are out of it."""

    run: Callable[[Line], Answer]
    keep: Callable[[Connection | None, Answer], None] = lambda _connection, _answer: None


@dataclass(frozen=True, slots=True)
class Access:
    """What a server is asked with: as a connection, else for a user, or for a test."""

    token: Secret | None = field(repr=False)
    session: Secret | None = field(default=None, repr=False)
    connection: Connection | None = None
    user_id: str | None = None
    """Whose session it is where there is no connection."""
    kept: Mapping[str, str] = field(default_factory=dict)
    """What a test's consent brought for the gaps of URLs; a connection has its own."""


@dataclass(frozen=True, slots=True)
class AsUser:
    """Runs errands; raises what they raise, and as Caller says."""

    clock: Clock
    tokens: Tokens
    verdicts: Verdicts
    sealer: TokenSealer
    vault: Vault
    server_states: ServerStateStore
    learner: Learner

    def run[Answer: Redactable](
        self, server: Server, user_id: str, invocation: Invocation, errand: Errand[Answer]
    ) -> Answer | Unusable:
        """Run an errand with the user's token; Unusable: the user must connect first."""
        if server.auth_type is not AuthType.CONSUMER_OAUTH:
            return self._shared(server, user_id, invocation, errand)
        refused: Connection | None = None
        while True:
            found = self.tokens.for_call(server, user_id, invocation, refused=refused)
            if isinstance(found, Unusable):
                return found
            try:
                return self._once(server, found, invocation, errand)
            except McpUnauthorized:
                count(MCP_UNAUTHORIZED, attempt="again" if refused else "first")
                if refused is not None:
                    return self._rejected(server, found)
                self._check_circuit(self._refusing(server, found.connection))
                refused = found.connection

    def with_access[Answer: Redactable](
        self,
        server: Server,
        access: Access,
        invocation: Invocation,
        errand: Errand[Answer],
    ) -> Answer:
        """Run an errand, and take the token out of what comes back: its reader must not have it.

        Raises McpUnauthorized: The server does not take the token.
        """
        redactor = Redactor(access.token, access.session)
        line = Line(self._target(server, access), self._deadline(invocation), access.connection)
        try:
            with timed(MCP_LATENCY, self.clock):
                answer = errand.run(line)
        except InsufficientScope as exc:
            exc.scopes = redactor.without(exc.scopes)
            raise
        except MissingCapability as exc:
            exc.required = redactor.value(exc.required)
            raise
        except SessionInDoubt:
            self.learner.forget_session(server, access.connection, access.user_id)
            raise
        answer = answer.redacted(redactor)
        self.learner.learn(
            server, access.connection, access.session, answer.learned, user_id=access.user_id
        )
        errand.keep(access.connection, answer)
        return answer

    def _once[Answer: Redactable](
        self, server: Server, found: Usable, invocation: Invocation, errand: Errand[Answer]
    ) -> Answer:
        session = self.sealer.open_session(found.connection)
        access = Access(found.access_token, session, found.connection)
        return self.with_access(server, access, invocation, errand)

    def _shared[Answer: Redactable](
        self, server: Server, user_id: str, invocation: Invocation, errand: Errand[Answer]
    ) -> Answer:
        token = self.vault.bearer_token_of(server)
        access = Access(token, self.learner.session_of(server, user_id), user_id=user_id)
        try:
            return self.with_access(server, access, invocation, errand)
        except McpUnauthorized as exc:
            message = "The MCP server refuses the credentials that its builder set."
            raise ServerMisconfigured(message) from exc

    def _refusing(self, server: Server, connection: Connection) -> ServerState:
        """Look at the server's circuit; a token that cannot be renewed counts at once."""
        state_id = token_state_id(server, connection.kept)
        if connection.tokens.refresh is not None:
            return self.server_states.get(state_id)
        return self.server_states.note_rejection(state_id, connection.user_id, self.clock.now())

    def _rejected(self, server: Server, found: Usable) -> Unusable:
        """Refreshed just now and still refused: only the user can help.

        But a server that refuses many is broken itself, and none of its users is flagged.
        """
        user_id, now = found.connection.user_id, self.clock.now()
        state_id = token_state_id(server, found.connection.kept)
        self._check_circuit(self.server_states.note_rejection(state_id, user_id, now))
        flagged = self.verdicts.give_up(found.connection, Reason.REJECTED_BY_SERVER)
        return Unusable(flagged or replace(found.connection, reason=Reason.REJECTED_BY_SERVER))

    def _check_circuit(self, state: ServerState) -> None:
        if state.refuses_everybody(self.clock.now()):
            count(SERVER_REJECTS_EVERYBODY)
            message = "The MCP server refuses the access of many users just now."
            raise McpServerError(message, details={"upstream_status": 401})

    def _target(self, server: Server, access: Access) -> Target:
        kept = access.connection.kept if access.connection else access.kept
        url, headers = placed(server, kept).mcp_url, mcp_headers(server, kept)
        if access.token is not None:
            value = f"{server.token_scheme} {access.token.reveal()}".strip()
            headers[server.token_header] = value
        spoken = self.learner.spoken(server)
        if spoken is None:
            return Target(url, headers)
        era, version = spoken.era, spoken.protocol_version
        return Target(url, headers, era, access.session, version)

    def _deadline(self, invocation: Invocation) -> float:
        deadline = invocation.deadline - _KEPT_BACK
        if deadline - self.clock.monotonic() < CALL_SECONDS - _KEPT_BACK:
            message = "Too little time is left to start the call."
            raise TemporarilyUnavailable(message, retry_after=1)
        return deadline
