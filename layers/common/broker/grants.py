"""Code → token set → account → connection: what a consent becomes."""

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from broker.clock import Clock
from broker.errors import (
    AuthorizationServerError,
    ServerChanged,
    ServerMisconfigured,
    SessionMismatch,
    TemporarilyUnavailable,
)
from broker.events import EventBus, EventType
from broker.metrics import EXCHANGE
from broker.model import (
    Account,
    Connected,
    Connection,
    Invocation,
    PendingAuthorization,
    RevocationScope,
    RevocationTarget,
    SealedTokens,
    Secret,
    Server,
    Status,
    Ticket,
)
from broker.oauth import (
    AccountFinder,
    ClientRefused,
    ForeignResponse,
    Revoker,
    TokenEndpoint,
    TokenRequestFailed,
    TokenResponse,
)
from broker.storage.connections import ConnectionStore, Moved
from broker.storage.pending import PendingStore
from broker.storage.servers import ServerStore
from broker.storage.table import PATIENCE
from broker.telemetry import count
from broker.tokens import NewGrant, TokenSealer, seal_first
from broker.tokens.timing import RefreshPolicy
from broker.vault import Vault, verifier_place

EXCHANGE_SECONDS = 10.0
ACCOUNT_SECONDS = 5.0
_KEPT_BACK = 3.0
_STORE_PAUSES = (0.05, 0.2, 0.5)


@dataclass(frozen=True, slots=True)
class Grants:
    """Redeems authorization codes."""

    clock: Clock
    vault: Vault
    sealer: TokenSealer
    connections: ConnectionStore
    servers: ServerStore
    pending: PendingStore
    endpoint: TokenEndpoint
    accounts: AccountFinder
    revoker: Revoker
    events: EventBus
    policy: RefreshPolicy

    def exchange(
        self, server: Server, pending: PendingAuthorization, code: Secret, invocation: Invocation
    ) -> TokenResponse:
        """Redeem the code once (RFC 6749 §4.1.3); raise TokenRequestFailed."""
        verifier = pending.code_verifier and self.vault.open(
            verifier_place(server.server_id, pending.state_id), pending.code_verifier
        )
        return self.endpoint.exchange(
            server,
            self.vault.client_secret_of(server),
            code=code,
            code_verifier=verifier,
            redirect_uri=pending.redirect_uri,
            deadline=self._deadline(EXCHANGE_SECONDS, invocation),
        )

    def account(
        self,
        server: Server,
        response: TokenResponse,
        pending: PendingAuthorization,
        invocation: Invocation,
    ) -> Account:
        """Find out whose account it is; not knowing never fails a connection."""
        deadline = self._deadline(ACCOUNT_SECONDS, invocation)
        return self.accounts.find(response, server, nonce=pending.nonce, deadline=deadline)

    def connect(
        self,
        server: Server,
        ticket: Ticket,
        pending: PendingAuthorization,
        code: Secret,
        invocation: Invocation,
    ) -> Connected:
        """Turn the code into a connection, in place of the one before.

        Raises AuthorizationServerError, ServerMisconfigured, TemporarilyUnavailable.
        """
        keys = self.sealer.new_keys(ticket.user_id, server.server_id)
        try:
            response = self.exchange(server, pending, code, invocation)
        except ClientRefused as exc:
            count(EXCHANGE, outcome=exc.outcome)
            message = "The service refuses this app's own credentials; its builder must fix them."
            raise ServerMisconfigured(message) from exc
        except TokenRequestFailed as exc:
            count(EXCHANGE, outcome=exc.outcome)
            message = "The service did not exchange the authorization code for tokens."
            raise AuthorizationServerError(message) from exc
        count(EXCHANGE, outcome="exchanged")
        grant = NewGrant(ticket.user_id, server.server_id, secrets.token_urlsafe(16))
        try:
            account = self.account(server, response, pending, invocation)
            scope = response.token_set.scope
            granted = ticket.scopes if scope is None else scope
            sealed = seal_first(keys, grant, response.token_set, granted)
            consent = _Consent(server, ticket, response, grant, sealed, account)
            return self._establish(consent, invocation)
        except ForeignResponse:
            self._discard(server, response, invocation)
            raise
        except TemporarilyUnavailable:
            if self._is_not_stored(grant):
                self._discard(server, response, invocation)
            raise

    def _establish(self, consent: "_Consent", invocation: Invocation) -> Connected:
        before, stands = self._store(consent, invocation)
        connected = Connected(
            stands,
            consent.server,
            account_changed=_differs(before, stands.account),
            recovered=_needed_reconnect(before, consent.server),
        )
        if stands.grant_id != consent.grant.grant_id:
            return connected  # whoever stored it has told
        self._check_wanted(consent, stands, invocation)
        event = EventType.RECOVERED if connected.recovered else EventType.ESTABLISHED
        self.events.publish(event, stands, account_changed=connected.account_changed)
        return connected

    def _store(
        self, consent: "_Consent", invocation: Invocation
    ) -> tuple[Connection | None, Connection]:
        """Store the grant in place of the one before; return that one, and what stands now.

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
                if moved.stands is None:
                    continue  # the one before was disconnected in this moment
                if moved.stands.status is not Status.ACTIVE:
                    raise SessionMismatch from None
                self._discard(consent.server, consent.response, invocation)
                return before, moved.stands
            return before, connection

    def _check_wanted(
        self, consent: "_Consent", connection: Connection, invocation: Invocation
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
        now = self.clock.now()
        with suppress(Moved):
            self.connections.begin_removal(connection, now, now)
        if erased:
            raise SessionMismatch
        raise ServerChanged

    def _connection(self, consent: "_Consent", before: Connection | None) -> Connection:
        now = self.clock.now()
        server, ticket, sealed = consent.server, consent.ticket, consent.sealed
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
            revocation=RevocationTarget(server.revocation_endpoint, server.client_id),
            account=consent.account,
            user_label=ticket.user_label or (before.user_label if before else None),
            requested_scopes=ticket.scopes,
            scope_requests=_scope_requests(consent, before),
            used_at=now,
            due_at=self.policy.due_at(sealed, server, now, now),
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

    def _is_not_stored(self, grant: NewGrant) -> bool:
        """A write whose answer was lost may have succeeded; not knowing, nothing is revoked."""
        try:
            stands, _ = self.connections.get(grant.user_id, grant.server_id)
        except TemporarilyUnavailable:
            return False
        return stands is None or stands.grant_id != grant.grant_id

    def _discard(self, server: Server, response: TokenResponse, invocation: Invocation) -> None:
        """End tokens that no connection will hold, where that cannot end another grant."""
        count(EXCHANGE, outcome="discarded")
        if server.revocation_endpoint is None:
            return
        if server.revocation_scope is not RevocationScope.TOKEN:
            return
        tokens = response.token_set
        self.revoker.revoke(
            server.revocation_endpoint,
            client_id=server.client_id or "",
            style=server.token_request_style,
            client_secret=self.vault.client_secret_of(server),
            token=tokens.refresh_token or tokens.access_token,
            deadline=min(self.clock.monotonic() + _KEPT_BACK, invocation.deadline),
        )

    def _deadline(self, seconds: float, invocation: Invocation) -> float:
        return min(self.clock.monotonic() + seconds, invocation.deadline - _KEPT_BACK)


@dataclass(frozen=True, slots=True)
class _Consent:
    """What becomes a connection."""

    server: Server
    ticket: Ticket
    response: TokenResponse
    grant: NewGrant
    sealed: SealedTokens
    account: Account


def _scope_requests(consent: _Consent, before: Connection | None) -> int:
    """Count the consents in a row that did not bring what they were asked for."""
    wanted = set(consent.ticket.scopes)
    if wanted <= set(consent.sealed.scope):
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
