"""Look at the connections that are due: refresh, or go on removing; apply rescued sets."""

from dataclasses import dataclass

from broker.errors import BrokerError
from broker.metrics import AHEAD_REFUSED
from broker.model import Invocation, Status
from broker.queues import DueMessage, RescueMessage
from broker.removal import Remover
from broker.storage.connections import ConnectionStore
from broker.storage.servers import ServerStore
from broker.telemetry import count
from broker.tokens import Rescuer, Tokens


@dataclass(frozen=True, slots=True)
class RefreshWorker:
    """One message at a time; a failure that may pass is a processed message."""

    servers: ServerStore
    connections: ConnectionStore
    tokens: Tokens
    remover: Remover
    rescuer: Rescuer

    def look(self, message: DueMessage, invocation: Invocation) -> None:
        """Do what the connection's moment has come for.

        A failure of our own parts (TemporarilyUnavailable) passes: the claim brings the
        connection back after 15 minutes, or its ``retry_at`` before that.
        """
        try:
            self._look(message, invocation)
        except BrokerError as exc:
            count(AHEAD_REFUSED, error=exc.error)

    def _look(self, message: DueMessage, invocation: Invocation) -> None:
        connection, _ = self.connections.get(message.user_id, message.server_id)
        server = self.servers.get(message.server_id)
        if connection is None:
            return
        if server is None or connection.status is Status.REMOVING:
            self.remover.resume(connection, server, invocation)
        else:
            self.tokens.ahead(server, message.user_id, invocation)

    def rescue(self, message: RescueMessage) -> None:
        """Apply a rescued set; raise TemporarilyUnavailable to have it delivered again."""
        self.rescuer.apply(message, self.servers.get(message.server_id))
