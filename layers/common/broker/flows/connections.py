"""A user's connections: list, connect, complete, disconnect, erase."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from broker.clock import Clock
from broker.completion import Completions
from broker.connect import Connector
from broker.errors import (
    ConnectionNotFound,
    InvalidRequest,
    ServerMisconfigured,
    ServerNotFound,
    SessionMismatch,
)
from broker.grants import Grants
from broker.model import (
    AuthType,
    Claimant,
    Connected,
    Connection,
    ConnectLink,
    Erased,
    Invocation,
    Listed,
    PromptReason,
    Reason,
    Revocation,
    Secret,
    Server,
    SessionWish,
    SeveralRequired,
    StartedSession,
    Status,
    Wish,
)
from broker.proposals import FirstUse
from broker.removal import Remover
from broker.sessions import Sessions
from broker.storage.connections import ConnectionStore
from broker.storage.pending import PendingStore
from broker.storage.server_state import ServerStateStore
from broker.storage.servers import ServerStore

PAGE = 50
_KEPT_BACK = 12.0
"""Seconds that one more disconnect may take: revoking two tokens, and storing."""


@dataclass(frozen=True, slots=True)
class Connections:
    """The routes under ``/v1/connections`` and ``/v1/sessions``, and who is connected."""

    clock: Clock
    servers: ServerStore
    server_states: ServerStateStore
    connections: ConnectionStore
    connector: Connector
    pending: PendingStore
    completions: Completions
    grants: Grants
    remover: Remover
    sessions: Sessions
    first_use: FirstUse

    def of_user(self, user_id: str) -> Sequence[Listed]:
        """Return all of a user's connections; an unknown user has none."""
        found = self.connections.of_user(user_id)
        return [Listed(c, self.servers.get(c.server_id)) for c in found if _shown(c)]

    def one(self, user_id: str, server_id: str) -> Listed:
        """Return one connection; raise ConnectionNotFound."""
        connection, _ = self.connections.get(user_id, server_id)
        if connection is None or not _shown(connection):
            raise ConnectionNotFound
        return Listed(connection, self.servers.get(server_id))

    def of_server(self, server_id: str, start: str | None) -> tuple[Sequence[Listed], str | None]:
        """Return a page of who is connected, and the user to go on after."""
        server = self._server(server_id)
        users, last = self.connections.users_of(server_id, start, PAGE)
        found = (self.connections.get(user_id, server_id)[0] for user_id in users)
        return [Listed(c, server) for c in found if c is not None], last

    def connect(self, server_id: str, wish: Wish, invocation: Invocation) -> ConnectLink:
        """Make a connect link without invoking first."""
        server = self._server(server_id)
        if server.auth_type is not AuthType.CONSUMER_OAUTH:
            raise InvalidRequest("server_id: users do not connect to this server.")
        server = self.first_use.complete(server, invocation)
        if self._refuses_client(server):
            message = "The service refuses this app's own credentials; its builder must fix them."
            raise ServerMisconfigured(message)
        return self.connector.link(server, wish, base_url=invocation.base_url)

    def prompt(
        self, server_ids: Sequence[str], wish: Wish, invocation: Invocation
    ) -> SeveralRequired:
        """Return one card for all the servers that the user still has to connect to."""
        cards, misconfigured = [], []
        for server in [self._server(server_id) for server_id in dict.fromkeys(server_ids)]:
            reason, connection = self._needed(server, wish.user_id)
            if reason is None:
                continue
            complete = self._usable(server, invocation)
            if complete is None:
                misconfigured.append(server.server_id)
                continue
            card = self.connector.card(
                complete,
                wish,
                reason,
                base_url=invocation.base_url,
                why=connection.reason if connection else None,
                failure=connection.failure if connection else None,
            )
            cards.append(card)
        prompt = self.connector.several([card.server for card in cards], wish.locale)
        only = cards[0].prompt if len(cards) == 1 else prompt
        return SeveralRequired(only, cards, tuple(misconfigured))

    def start_session(self, wish: SessionWish) -> StartedSession:
        """Start a session for an MCP client; raise ServerNotFound, InvalidRequest (return_url)."""
        for server_id in wish.server_ids:
            self._server(server_id)
        return_url = self.connector.session_return_url(wish.return_url)
        return self.sessions.start(replace(wish, return_url=return_url))

    def end_session(self, session_id: str) -> None:
        """End a session: its bearer is dead from now on."""
        self.sessions.end(session_id)

    def complete(
        self, claimant: Claimant, completion_code: Secret, invocation: Invocation
    ) -> Connected:
        """Redeem a consent for the user whose session asked for it; raise SessionMismatch."""
        server = self.servers.get(claimant.server_id)
        claim = self.completions.claim(claimant, completion_code, server)
        if server is None:
            raise SessionMismatch
        return self.grants.connect(server, claim.ticket, claim.pending, claim.code, invocation)

    def disconnect(self, user_id: str, server_id: str, invocation: Invocation) -> Revocation:
        """Revoke and erase one connection; raise ConnectionNotFound."""
        server = self.servers.get(server_id)
        revocation = self.remover.disconnect(user_id, server_id, server, invocation)
        if revocation is None:
            raise ConnectionNotFound
        return revocation

    def erase(self, user_id: str, invocation: Invocation) -> Erased:
        """Disconnect a user everywhere, as far as this invocation's time goes."""
        self.pending.erase_user(user_id, self.clock.now())
        self.sessions.end_all(user_id)
        revocations: dict[str, Revocation] = {}
        waiting = self.connections.of_user(user_id)
        for done, connection in enumerate(waiting):
            if self.clock.monotonic() + _KEPT_BACK > invocation.deadline:
                return Erased(revocations, len(waiting) - done)
            server = self.servers.get(connection.server_id)
            revocation = self.remover.disconnect(user_id, connection.server_id, server, invocation)
            if revocation is not None:
                revocations[connection.server_id] = revocation
        return Erased(revocations, 0)

    def _needed(
        self, server: Server, user_id: str
    ) -> tuple[PromptReason | None, Connection | None]:
        """Say why the user must be asked for this server; None: they need not."""
        if server.auth_type is not AuthType.CONSUMER_OAUTH:
            return None, None
        connection, _ = self.connections.get(user_id, server.server_id)
        if connection is None or not _shown(connection):
            return PromptReason.NOT_CONNECTED, None
        if connection.status is Status.ACTIVE:
            if connection.config_digest == server.config_digest:
                return None, connection
            connection = replace(connection, reason=Reason.SERVER_CHANGED)
        return PromptReason.RECONNECT_REQUIRED, connection

    def _usable(self, server: Server, invocation: Invocation) -> Server | None:
        """Return the server complete; None: its builder has to mend it."""
        try:
            complete = self.first_use.complete(server, invocation)
        except ServerMisconfigured:
            return None
        return None if self._refuses_client(complete) else complete

    def _refuses_client(self, server: Server) -> bool:
        state = self.server_states.get(server.server_id)
        return state.refuses_client(self.clock.now())

    def _server(self, server_id: str) -> Server:
        server = self.servers.get(server_id)
        if server is None:
            raise ServerNotFound
        return server


def _shown(connection: Connection) -> bool:
    """A connection being removed is gone for everybody but the worker."""
    return connection.status is not Status.REMOVING
