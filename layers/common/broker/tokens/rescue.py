"""Apply a token set that was refreshed and could not be stored at the time."""

from dataclasses import dataclass
from datetime import timedelta

from broker.clock import Clock
from broker.credentials import ClientCredentials
from broker.errors import TemporarilyUnavailable
from broker.events import EventBus, EventType
from broker.metrics import RESCUE_APPLIED, RESCUE_DISCARDED
from broker.model import Connection, RevocationScope, Server, Status, placed
from broker.oauth import RevocationOutcome, Revoker
from broker.queues import RescueMessage
from broker.storage.connections import ConnectionStore, Moved
from broker.telemetry import count
from broker.tokens.refresh import MARGIN
from broker.tokens.sealing import TokenSealer
from broker.tokens.timing import RefreshPolicy

_REVOKED_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Rescuer:
    """Applies rescued sets under the same condition as the refresh would have."""

    clock: Clock
    connections: ConnectionStore
    sealer: TokenSealer
    credentials: ClientCredentials
    revoker: Revoker
    events: EventBus
    policy: RefreshPolicy

    def apply(self, message: RescueMessage, server: Server | None) -> bool:
        """Store the set if its grant and generation still stand; True: it was applied.

        A late one counts too: it makes a connection that was flagged meanwhile active again.
        One whose connection is gone is revoked. Raises TemporarilyUnavailable, upon which the
        queue delivers it again.
        """
        connection, time = self.connections.get(message.user_id, message.server_id)
        if connection is None or not _awaits(connection, message):
            self._discard(message, connection, server)
            return False
        tokens = message.tokens()
        now, troubled = time.moment(), message.begins(connection)
        due_at = server and self.policy.due_at(tokens, server, connection.used_at, now)
        try:
            self.connections.advance(connection, tokens, due_at, troubled=troubled)
        except Moved as moved:
            self._discard(message, moved.stands, server)
            return False
        count(RESCUE_APPLIED)
        if connection.status is Status.RECONNECT_REQUIRED:
            self.events.publish(EventType.RECOVERED, connection)
        return True

    def _discard(
        self, message: RescueMessage, stands: Connection | None, server: Server | None
    ) -> None:
        """End a token that no connection holds, where that cannot end a newer grant."""
        if stands is not None:
            known = stands.grant_id == message.grant_id  # delivered twice: the set is in use
            if known or server is None or server.revocation_scope is not RevocationScope.TOKEN:
                return
        endpoint = placed(server, message.kept).revocation_endpoint if server else None
        if server is None or endpoint is None:
            return
        if server.config_digest != message.config_digest:
            return  # what was set since is not where this token may go
        shape = server.revocation_shape
        outcome = self.revoker.revoke(
            endpoint,
            client_id=server.client_id or "",
            style=server.token_request_style,
            client_secret=self.credentials.of(server),
            token=self.sealer.open_rescued(message, shape.request),
            deadline=self.clock.monotonic() + MARGIN,
            shape=shape,
        )
        if outcome is RevocationOutcome.NO_ANSWER and not self._is_old(message):
            raise TemporarilyUnavailable("The service did not answer the revocation.")
        count(RESCUE_DISCARDED)

    def _is_old(self, message: RescueMessage) -> bool:
        """Return whether a revocation was tried for as long as that of a disconnect."""
        return self.clock.now() - message.tokens().obtained_at > _REVOKED_FOR


def _awaits(connection: Connection, message: RescueMessage) -> bool:
    stands = (connection.grant_id, connection.generation)
    return stands == (message.grant_id, message.generation)
