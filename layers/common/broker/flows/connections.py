"""A user's connections: list, connect, complete, disconnect, erase."""

from collections.abc import Sequence
from dataclasses import dataclass

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
    Revocation,
    Secret,
    Server,
    Status,
    Wish,
)
from broker.removal import Remover
from broker.storage.connections import ConnectionStore
from broker.storage.pending import PendingStore
from broker.storage.server_state import ServerStateStore
from broker.storage.servers import ServerStore

PAGE = 50
_KEPT_BACK = 12.0
"""Seconds that one more disconnect may take: revoking two tokens, and storing."""


@dataclass(frozen=True, slots=True)
class Connections:
    """The routes under ``/v1/connections``, and the builder's list of who is connected."""

    clock: Clock
    servers: ServerStore
    server_states: ServerStateStore
    connections: ConnectionStore
    connector: Connector
    pending: PendingStore
    completions: Completions
    grants: Grants
    remover: Remover

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
        if server.missing:
            raise ServerMisconfigured(
                "The server's configuration is not complete.",
                details={"missing": list(server.missing)},
            )
        if self.server_states.get(server_id).refuses_client(self.clock.now()):
            message = "The service refuses this app's own credentials; its builder must fix them."
            raise ServerMisconfigured(message)
        return self.connector.link(server, wish, base_url=invocation.base_url)

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

    def _server(self, server_id: str) -> Server:
        server = self.servers.get(server_id)
        if server is None:
            raise ServerNotFound
        return server


def _shown(connection: Connection) -> bool:
    """A connection being removed is gone for everybody but the worker."""
    return connection.status is not Status.REMOVING
