"""A consent that was granted → a connection that stands, if it is still wanted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from broker.clock import Clock
from broker.errors import ServerChanged, SessionMismatch, TemporarilyUnavailable
from broker.events import EventBus, EventType
from broker.metrics import EXCHANGE
from broker.model import (
    Account,
    Connected,
    Connection,
    Invocation,
    Quirks,
    RevocationTarget,
    SealedTokens,
    Server,
    Status,
    Ticket,
    placed,
)
from broker.storage.connections import ConnectionStore, Moved
from broker.storage.pending import PendingStore
from broker.storage.servers import ServerStore
from broker.storage.table import PATIENCE
from broker.telemetry import count
from broker.tokens import NewGrant
from broker.tokens.timing import RefreshPolicy

_STORE_PAUSES = (0.05, 0.2, 0.5)
_BROKEN = Status.RECONNECT_REQUIRED


@dataclass(frozen=True, slots=True)
class Consent:
    """What becomes a connection."""

    server: Server
    ticket: Ticket
    grant: NewGrant
    sealed: SealedTokens
    account: Account
    kept: Mapping[str, str] = field(default_factory=dict)


class Overtaken(Exception):
    """Another consent of the same user for the same server was stored in between."""

    def __init__(self, stands: Connection, before: Connection | None, server: Server) -> None:
        """Take what stands now, and what stood before either."""
        super().__init__()
        self._stands, self._before, self._server = stands, before, server

    def connected(self) -> Connected:
        """Return the other one, of which has been told; raise SessionMismatch if it is going."""
        if self._stands.status is Status.REMOVING:
            raise SessionMismatch
        return _connected(self._stands, self._before, self._server)


@dataclass(frozen=True, slots=True)
class Consents:
    """Makes connections."""

    clock: Clock
    connections: ConnectionStore
    servers: ServerStore
    pending: PendingStore
    events: EventBus
    policy: RefreshPolicy

    def establish(self, consent: "Consent", invocation: Invocation) -> Connected:
        """Store the grant in place of the one before, and tell of it.

        Raises SessionMismatch and ServerChanged where nobody wants it any more, Overtaken where
        another consent came in between, TemporarilyUnavailable.
        """
        before, connection = self._store(consent, invocation)
        self._check_wanted(consent, connection, invocation)
        connected = _connected(connection, before, consent.server)
        event = EventType.RECOVERED if connected.recovered else EventType.ESTABLISHED
        self.events.publish(event, connection, account_changed=connected.account_changed)
        return connected

    def _store(
        self, consent: "Consent", invocation: Invocation
    ) -> tuple[Connection | None, Connection]:
        """Store the grant in place of the one before; return that one, and the new one.

        Of two consents at once one yields to the other, rather than be written over it by a
        repetition that comes late.
        """
        grant = consent.grant
        while True:
            before = self._patiently(
                lambda: self.connections.get(grant.user_id, grant.server_id)[0], invocation
            )
            connection = self._connection(consent, before)
            try:
                self._patiently(partial(self.connections.establish, connection, before), invocation)
            except Moved as moved:
                # Disconnected in this moment: the one before, or this one already.
                if self._patiently(lambda: self.pending.is_ended(grant.grant_id), invocation):
                    raise SessionMismatch from None
                if moved.stands is not None and moved.stands.status is not _BROKEN:
                    raise Overtaken(moved.stands, before, consent.server) from None
            else:
                return before, connection

    def _check_wanted(
        self, consent: "Consent", connection: Connection, invocation: Invocation
    ) -> None:
        """Look again, now that it is stored: is the user erased, or the server changed meanwhile?

        Whoever erased or deleted before it was stored could not see it; whoever does so after
        will. A repeated write may also have brought back what was disconnected since. The worker
        revokes and removes it.
        """
        erased = self._patiently(
            lambda: (
                self.pending.erased_since(consent.ticket)
                or self.pending.is_ended(connection.grant_id)
            ),
            invocation,
        )
        stands = self._patiently(lambda: self.servers.get(connection.server_id), invocation)
        if not erased and stands and stands.config_digest == connection.config_digest:
            return
        count(EXCHANGE, outcome="unwanted")
        self._remove(connection)
        if erased:
            raise SessionMismatch
        raise ServerChanged

    def _remove(self, connection: Connection | None) -> None:
        """Hand a grant to the worker, though it may have been refreshed meanwhile."""
        grant_id, now = connection and connection.grant_id, self.clock.now()
        while connection is not None and connection.grant_id == grant_id:
            try:
                self.connections.begin_removal(connection, now, now)
            except Moved as moved:
                connection = moved.stands
            else:
                return

    def _connection(self, consent: "Consent", before: Connection | None) -> Connection:
        now = self.clock.now()
        server, ticket, sealed = consent.server, consent.ticket, consent.sealed
        endpoint = placed(server, consent.kept).revocation_endpoint
        quirks = server.quirks
        return Connection(
            user_id=ticket.user_id,
            server_id=server.server_id,
            grant_id=consent.grant.grant_id,
            generation=1,
            status=Status.ACTIVE,
            config_digest=server.config_digest,
            tokens=sealed,
            created_at=before.created_at if before else now,
            connected_at=now,
            revocation=RevocationTarget(
                endpoint,
                server.client_id,
                quirks.revocation_request,
                quirks.error_field,
                server.client_id_parameter,
            ),
            account=consent.account,
            user_label=ticket.user_label or (before.user_label if before else None),
            requested_scopes=ticket.scopes,
            scope_requests=_scope_requests(consent, before, quirks),
            used_at=now,
            due_at=self.policy.due_at(sealed, server, now, now),
            kept=consent.kept,
        )

    def _patiently[Result](self, act: Callable[[], Result], invocation: Invocation) -> Result:
        """Repeat while the table is away and time is left: a new grant hangs on it."""
        for pause in _STORE_PAUSES:
            try:
                return act()
            except TemporarilyUnavailable:
                if self.clock.monotonic() + 2 * PATIENCE > invocation.deadline:
                    raise
                self.clock.sleep(pause)
        return act()


def _connected(connection: Connection, before: Connection | None, server: Server) -> Connected:
    return Connected(
        connection,
        server,
        account_changed=_differs(before, connection.account),
        recovered=_needed_reconnect(before, server),
    )


def _scope_requests(consent: Consent, before: Connection | None, quirks: Quirks) -> int:
    """Count the consents in a row that did not bring what they were asked for."""
    wanted = set(consent.ticket.scopes)
    if not quirks.lacking(wanted, consent.sealed.scope):
        return 0
    again = before is not None and wanted <= set(before.requested_scopes)
    return before.scope_requests + 1 if before is not None and again else 1


def _differs(before: Connection | None, account: Account) -> bool:
    if before is None or before.account.subject_hash is None or account.subject_hash is None:
        return False
    return before.account.subject_hash != account.subject_hash


def _needed_reconnect(before: Connection | None, server: Server) -> bool:
    if before is None or before.status is Status.REMOVING:
        return False
    changed = before.config_digest != server.config_digest
    return before.status is Status.RECONNECT_REQUIRED or changed
