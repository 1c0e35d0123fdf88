"""Code → token set → account → connection: what a consent becomes."""

import secrets
from dataclasses import dataclass

from broker.clock import Clock
from broker.errors import AuthorizationServerError, ServerMisconfigured
from broker.events import EventBus, EventType
from broker.model import (
    Account,
    Connected,
    Connection,
    Invocation,
    PendingAuthorization,
    RevocationTarget,
    Secret,
    Server,
    Status,
    Ticket,
)
from broker.oauth import (
    AccountFinder,
    ClientRefused,
    TokenEndpoint,
    TokenRequestFailed,
    TokenResponse,
)
from broker.storage.connections import ConnectionStore
from broker.telemetry import count
from broker.tokens import TokenSealer
from broker.tokens.timing import RefreshPolicy
from broker.vault import Vault, verifier_place

EXCHANGE_SECONDS = 10.0
ACCOUNT_SECONDS = 5.0
_KEPT_BACK = 3.0


@dataclass(frozen=True, slots=True)
class Grants:
    """Redeems authorization codes."""

    clock: Clock
    vault: Vault
    sealer: TokenSealer
    connections: ConnectionStore
    endpoint: TokenEndpoint
    accounts: AccountFinder
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
        try:
            response = self.exchange(server, pending, code, invocation)
        except ClientRefused as exc:
            count("Exchange", outcome="client_refused")
            message = "The service refuses this app's own credentials; its builder must fix them."
            raise ServerMisconfigured(message) from exc
        except TokenRequestFailed as exc:
            count("Exchange", outcome=type(exc).__name__)
            message = "The service did not exchange the authorization code for tokens."
            raise AuthorizationServerError(message) from exc
        count("Exchange", outcome="exchanged")
        account = self.account(server, response, pending, invocation)
        return self._establish(server, ticket, response, account)

    def _establish(
        self, server: Server, ticket: Ticket, response: TokenResponse, account: Account
    ) -> Connected:
        before, _ = self.connections.get(ticket.user_id, server.server_id)
        connection = self._connection(server, ticket, response, account, before)
        self.connections.establish(connection)
        connected = Connected(
            connection,
            server,
            account_changed=_differs(before, account),
            recovered=_needed_reconnect(before, server),
        )
        event = EventType.RECOVERED if connected.recovered else EventType.ESTABLISHED
        self.events.publish(event, connection, account_changed=connected.account_changed)
        return connected

    def _connection(
        self,
        server: Server,
        ticket: Ticket,
        response: TokenResponse,
        account: Account,
        before: Connection | None,
    ) -> Connection:
        now = self.clock.now()
        grant_id = secrets.token_urlsafe(16)
        tokens = response.token_set
        granted = ticket.scopes if tokens.scope is None else tokens.scope
        sealed = self.sealer.seal_first(ticket.user_id, server.server_id, grant_id, tokens, granted)
        return Connection(
            user_id=ticket.user_id,
            server_id=server.server_id,
            grant_id=grant_id,
            generation=1,
            status=Status.ACTIVE,
            config_digest=server.config_digest,
            tokens=sealed,
            created_at=before.created_at if before else now,
            connected_at=now,
            revocation=RevocationTarget(server.revocation_endpoint, server.client_id),
            account=account,
            user_label=ticket.user_label or (before.user_label if before else None),
            requested_scopes=ticket.scopes,
            used_at=now,
            due_at=self.policy.due_at(sealed, server, now, now),
        )

    def _deadline(self, seconds: float, invocation: Invocation) -> float:
        return min(self.clock.monotonic() + seconds, invocation.deadline - _KEPT_BACK)


def _differs(before: Connection | None, account: Account) -> bool:
    if before is None or before.account.subject_hash is None or account.subject_hash is None:
        return False
    return before.account.subject_hash != account.subject_hash


def _needed_reconnect(before: Connection | None, server: Server) -> bool:
    if before is None or before.status is Status.REMOVING:
        return False
    changed = before.config_digest != server.config_digest
    return before.status is Status.RECONNECT_REQUIRED or changed
