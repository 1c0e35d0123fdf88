"""End a connection: revoke at the service where it can be (RFC 7009), and erase here."""

from dataclasses import dataclass
from datetime import timedelta

from broker.clock import Clock
from broker.credentials import ClientCredentials
from broker.errors import SealBroken, TemporarilyUnavailable
from broker.events import EventBus, EventType
from broker.metrics import REMOVAL
from broker.model import (
    Connection,
    Invocation,
    Revocation,
    RevocationRequest,
    RevocationScope,
    RevocationShape,
    Secret,
    Server,
    TokenName,
    TokenRequestStyle,
)
from broker.oauth import RevocationOutcome, Revoker
from broker.storage.connections import ConnectionStore, Moved
from broker.storage.pending import PendingStore
from broker.storage.tools import ToolStore
from broker.telemetry import count
from broker.tokens import TokenSealer

RETRIED_FOR = timedelta(hours=1)
_RETRY_AFTER = timedelta(minutes=2)
_NEW = timedelta(minutes=10)
"""For so long a write may be repeated, however wrong the clocks are."""
_REVOKE_SECONDS = 5.0
_LEASE_WAIT = 20.0
_KEPT_BACK = 7.0
_POLL = 0.25


@dataclass(frozen=True, slots=True)
class Remover:
    """Disconnects users. Methods may raise TemporarilyUnavailable."""

    clock: Clock
    connections: ConnectionStore
    tools: ToolStore
    pending: PendingStore
    sealer: TokenSealer
    credentials: ClientCredentials
    revoker: Revoker
    events: EventBus

    def disconnect(
        self, user_id: str, server_id: str, server: Server | None, invocation: Invocation
    ) -> Revocation | None:
        """Revoke and erase; None: there is no such connection.

        ``PENDING``: the service could not be reached; the worker goes on trying for an hour,
        and calls are refused from now on.
        """
        while True:
            connection, _ = self.connections.get(user_id, server_id)
            if connection is None:
                return None
            try:
                removing = self._begin(connection)
            except Moved:
                continue
            self._remember(removing)
            settled = self._settled(removing, invocation)
            if settled is None:
                return None
            self.tools.forget(server_id, user_id)
            if settled.grant_id != removing.grant_id:
                return self._overtaken(removing, server, invocation)
            return self._end(settled, server, invocation)

    def resume(self, connection: Connection, server: Server | None, invocation: Invocation) -> None:
        """Go on with a removal that is pending: the worker's part.

        One of a server that is gone may not have begun.
        """
        if connection.removing_since is None:
            try:
                connection = self._begin(connection)
            except Moved:
                return
        self._end(connection, server, invocation)

    def _begin(self, connection: Connection) -> Connection:
        now = self.clock.now()
        return self.connections.begin_removal(connection, now, now + _RETRY_AFTER)

    def _remember(self, removing: Connection) -> None:
        """Let no repetition of the write that made a connection bring it back."""
        now = self.clock.now()
        if now - removing.connected_at < _NEW:
            self.pending.end_grant(removing.grant_id, now)

    def _settled(self, removing: Connection, invocation: Invocation) -> Connection | None:
        """Wait for a refresh under way, so that the newest token is the one revoked.

        What stands there then: another grant where the user connected again, None where the row
        is gone.
        """
        give_up = min(self.clock.monotonic() + _LEASE_WAIT, invocation.deadline - _KEPT_BACK)
        while True:
            connection, time = self.connections.get(removing.user_id, removing.server_id)
            if connection is None or connection.grant_id != removing.grant_id:
                return connection
            held = connection.lease is not None and connection.lease.until > time.now()
            if not held or self.clock.monotonic() > give_up:
                return connection
            self.clock.sleep(_POLL)

    def _end(
        self, connection: Connection, server: Server | None, invocation: Invocation
    ) -> Revocation:
        revocation = self._revoke(connection, server, invocation)
        since = connection.removing_since or self.clock.now()
        try:
            if revocation is Revocation.PENDING and self.clock.now() - since < RETRIED_FOR:
                self.connections.reschedule(connection, self.clock.now() + _RETRY_AFTER)
                return revocation
            self.connections.remove(connection)
        except Moved as moved:
            if moved.stands and moved.stands.grant_id == connection.grant_id:
                return self._end(moved.stands, server, invocation)
            return _settle(revocation)  # connected again meanwhile: the new grant stays
        revocation = _settle(revocation)
        self.tools.forget(connection.server_id, connection.user_id)
        count(REMOVAL, revocation=revocation.value)
        self.events.publish(EventType.REMOVED, connection, revocation.value)
        return revocation

    def _overtaken(
        self, removing: Connection, server: Server | None, invocation: Invocation
    ) -> Revocation:
        """Revoke a grant that the user has replaced, where that cannot end the new one."""
        alone = server is not None and server.revocation_scope is RevocationScope.TOKEN
        if removing.revocation.endpoint and not alone:
            return Revocation.FAILED
        return _settle(self._revoke(removing, server, invocation))

    def _revoke(
        self, connection: Connection, server: Server | None, invocation: Invocation
    ) -> Revocation:
        endpoint = connection.revocation.endpoint
        if endpoint is None:
            return Revocation.UNSUPPORTED
        outcomes: list[RevocationOutcome] = []
        try:
            shape = _shape(connection, server)
            for token, hint in self._tokens(connection, shape.request):
                secret, style = self._credentials(connection, server)  # for one request each
                outcome = self.revoker.revoke(
                    endpoint,
                    client_id=connection.revocation.client_id or "",
                    style=style,
                    client_secret=secret,
                    token=token,
                    token_type_hint=hint,
                    deadline=min(self.clock.monotonic() + _REVOKE_SECONDS, invocation.deadline - 1),
                    shape=shape,
                )
                outcomes.append(outcome)
        except TemporarilyUnavailable:
            return Revocation.PENDING
        except SealBroken:
            return Revocation.FAILED
        return _judged(outcomes)

    def _tokens(
        self, connection: Connection, request: RevocationRequest
    ) -> list[tuple[Secret, str]]:
        """Open the tokens that are revoked, the one that ends most first; one of a kind once.

        Where the service wants a refresh token and there is none, the access token is all there is.
        """
        refresh = self.sealer.open_refresh(connection)
        access = self.sealer.open_access(connection)
        found = [(refresh, TokenName.REFRESH)] if refresh is not None and refresh != access else []
        wanted = [(token, name.value) for token, name in found if request.ends(name)]
        if request.ends(TokenName.ACCESS) or not wanted:
            wanted.append((access, TokenName.ACCESS.value))
        return wanted

    def _credentials(
        self, connection: Connection, server: Server | None
    ) -> tuple[Secret | None, TokenRequestStyle]:
        """Return how to authenticate at the endpoint that this connection was made with.

        A secret that was set for other endpoints since is not sent to this one.
        """
        if server is None or server.config_digest != connection.config_digest:
            return None, TokenRequestStyle.NONE
        return self.credentials.of(server), server.token_request_style


def _shape(connection: Connection, server: Server | None) -> RevocationShape:
    """Return how the endpoint is asked: as its server says, or as it did for this connection."""
    if server is None or server.config_digest != connection.config_digest:
        made = connection.revocation
        name, error_field = made.client_id_parameter, made.error_field
        return RevocationShape(made.request, client_id_parameter=name, error_field=error_field)
    return server.revocation_shape


def _settle(revocation: Revocation) -> Revocation:
    """Say what an outcome comes to when nobody will try again."""
    return Revocation.FAILED if revocation is Revocation.PENDING else revocation


def _judged(outcomes: list[RevocationOutcome]) -> Revocation:
    """The refresh token decides; a service may not revoke access tokens, or nothing else."""
    if RevocationOutcome.NO_ANSWER in outcomes:
        return Revocation.PENDING
    if set(outcomes) == {RevocationOutcome.UNSUPPORTED}:
        return Revocation.UNSUPPORTED
    first, *others = outcomes
    confirmed = RevocationOutcome.CONFIRMED
    if first is confirmed or (first is RevocationOutcome.UNSUPPORTED and confirmed in others):
        return Revocation.CONFIRMED
    return Revocation.FAILED
