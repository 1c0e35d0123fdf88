"""Tell an MCP client that its user must connect, in the form that it understands."""

from collections.abc import Mapping
from dataclasses import dataclass

from broker.clock import Clock
from broker.connect import Connector
from broker.endpoint_errors import McpRefusal
from broker.model import (
    URL_REVISION,
    AuthorizationRequired,
    Invocation,
    McpInput,
    McpOutcome,
    McpRequest,
    McpResult,
    Session,
    Status,
    Wish,
    elicits_urls,
)
from broker.model.mcp import URL_ELICITATION_REQUIRED, USER_NEEDED
from broker.storage.connections import ConnectionStore
from broker.storage.mcp_calls import McpCallStore
from broker.wording import say

from .invoke import McpInvoke, Needed
from .rounds import Asked, Round, Rounds, input_responses

CONNECT = "connect"
"""Names our own request among ``inputRequests``, and the tool that stands in for a list."""
POLL_SECONDS = 20.0
_PAUSE = 1.0
_KEPT_FOR_THE_CALL = 8.0


@dataclass(frozen=True, slots=True)
class Asking:
    """The three forms of "the user must connect", and the wait for the user."""

    clock: Clock
    invoke: McpInvoke
    connector: Connector
    connections: ConnectionStore
    calls: McpCallStore
    rounds: Rounds

    def tell(
        self, needed: Needed, session: Session, request: McpRequest, invocation: Invocation
    ) -> McpOutcome:
        """Ask the user to connect; raise McpRefusal where an error is the form for it."""
        if not self.connector.may_link(session):
            return self._without_link(needed, session, request)
        card = self.invoke.card(needed, wish_of(session), invocation)
        if request.is_modern:
            if elicits_urls(request.capabilities or {}):
                return self._input(card, session, request)
        elif request.revision == URL_REVISION and self.calls.client_elicits_urls(
            client_of(session, needed.server.server_id)
        ):
            elicitations = [{**_elicitation(card), "elicitationId": card.link.connect_id}]
            raise McpRefusal(
                URL_ELICITATION_REQUIRED, card.prompt.text, {"elicitations": elicitations}
            )
        link = say("open_link", session.locale, link=card.link.connect_url)
        return text(request, f"{card.prompt.text} {link}", connects=True)

    def has_refused(self, round_: Round | None, request: McpRequest) -> bool:
        """Say whether the user was asked to connect and declined, or closed the question."""
        if round_ is None or not round_.waited.connects:
            return False
        return _action(request) in ("decline", "cancel")

    def wait(
        self,
        round_: Round | None,
        session: Session,
        server_id: str,
        request: McpRequest,
        invocation: Invocation,
    ) -> None:
        """Wait for the connection, 20 seconds at most: ``accept`` means opened, not done."""
        if round_ is None or not round_.waited.connects or _action(request) != "accept":
            return
        until = self.clock.monotonic() + POLL_SECONDS
        until = min(until, invocation.deadline - _KEPT_FOR_THE_CALL)
        while not self._is_connected(session, server_id, round_.waited.grant_id):
            if self.clock.monotonic() + _PAUSE > until:
                return
            self.clock.sleep(_PAUSE)

    def _is_connected(self, session: Session, server_id: str, before: str | None) -> bool:
        connection, _ = self.connections.get(session.user_id, server_id)
        if connection is None or connection.status is not Status.ACTIVE:
            return False
        return connection.grant_id != before

    def _input(
        self, card: AuthorizationRequired, session: Session, request: McpRequest
    ) -> McpInput:
        server_id = card.server.server_id
        connection, _ = self.connections.get(session.user_id, server_id)
        grant_id = connection.grant_id if connection else None
        asked = Asked(server_id, connects=True, grant_id=grant_id)
        state = self.rounds.begin(session, request, asked)
        question = {"method": "elicitation/create", "params": _elicitation(card)}
        return McpInput({CONNECT: question}, state, connects=True)

    def _without_link(self, needed: Needed, session: Session, request: McpRequest) -> McpOutcome:
        locale = session.locale
        prompt = self.connector.prompt(needed.server, needed.reason, locale, needed.why)
        chat = self.connector.settings.chat_name
        said = f"{prompt.text} {say('connect_in_chat', locale, chat=chat)}"
        return text(request, said, connects=True)


def wish_of(session: Session) -> Wish:
    """Return who would connect, and where they come back to."""
    return Wish(session.user_id, session.return_url, locale=session.locale)


def client_of(session: Session, server_id: str) -> str:
    """Name the client of a session at a server."""
    return f"{session.session_id} {server_id}"


def text(
    request: McpRequest, said: str, *, is_error: bool = True, connects: bool = False
) -> McpResult:
    """Return a tool result that says something; for another method, raise McpRefusal."""
    if request.method != "tools/call":
        raise McpRefusal(USER_NEEDED, said)
    result = {"content": [{"type": "text", "text": said}], "isError": is_error}
    return McpResult(result, connects=connects)


def _elicitation(card: AuthorizationRequired) -> Mapping[str, object]:
    return {
        "mode": "url",
        "url": card.link.connect_url,
        "message": card.prompt.text,
    }


def _action(request: McpRequest) -> object:
    answer = (input_responses(request) or {}).get(CONNECT)
    return answer.get("action") if isinstance(answer, Mapping) else None
