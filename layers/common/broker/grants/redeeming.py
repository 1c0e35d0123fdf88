"""Code → token set → account: what a consent gives; ``consents`` makes a connection of it."""

import secrets
from contextlib import suppress
from dataclasses import dataclass, replace

from broker.clock import Clock
from broker.credentials import ClientCredentials
from broker.diagnosis import Step
from broker.errors import (
    AuthorizationServerError,
    ServerMisconfigured,
    TemporarilyUnavailable,
)
from broker.metrics import EXCHANGE
from broker.model import (
    Account,
    Connected,
    Invocation,
    PendingAuthorization,
    RevocationScope,
    Secret,
    Server,
    Ticket,
    placed,
    unknown_before_code,
)
from broker.oauth import (
    AccountFinder,
    ClientRefused,
    ForeignResponse,
    Revoker,
    TokenRequestFailed,
    TokenResponse,
    check_kept,
    kept_of_response,
    place_refused,
)
from broker.telemetry import count
from broker.tokens import NewGrant, TokenSealer, seal_first
from broker.vault import Vault, verifier_place

from .consents import Consent, Consents, Overtaken
from .redemption import Code, Redeemer

ACCOUNT_SECONDS = 5.0
_KEPT_BACK = 3.0


@dataclass(frozen=True, slots=True)
class Grants:
    """Redeems authorization codes."""

    clock: Clock
    vault: Vault
    credentials: ClientCredentials
    sealer: TokenSealer
    consents: Consents
    redeemer: Redeemer
    accounts: AccountFinder
    revoker: Revoker

    def exchange(
        self, server: Server, pending: PendingAuthorization, code: Secret, invocation: Invocation
    ) -> tuple[Server, TokenResponse]:
        """Redeem the code once (RFC 6749 §4.1.3), and make of its token what is to be kept.

        Return the server as it was authenticated with, see Redeemer. The response has what the
        connection keeps, whether that is all that is declared or not. Raises TokenRequestFailed;
        PlaceRefused where it is not known where to send the code.
        """
        if lacking := unknown_before_code(server, pending.kept):
            raise place_refused(lacking, Step.EXCHANGE)
        verifier = pending.code_verifier and self.vault.open(
            verifier_place(server.server_id, pending.state_id), pending.code_verifier
        )
        secret = self.vault.client_secret_of(server)
        presented = Code(code, verifier, pending.redirect_uri, pending.kept)
        deadline = invocation.deadline - _KEPT_BACK
        server, response = self.redeemer.redeem(server, presented, deadline)
        known = (*response.secrets, code, secret)
        kept = kept_of_response(server, response.members, pending.kept, *known)
        tokens = response.token_set
        if tokens.scope is None and pending.granted_scopes:
            tokens = replace(tokens, scope=pending.granted_scopes)
        response = replace(response, token_set=tokens, kept=kept)
        try:
            server = self.redeemer.settled(server)
            return server, self.redeemer.completed(server, response, deadline)
        except (TokenRequestFailed, TemporarilyUnavailable):
            self.discard(server, response, invocation)
            raise

    def account(
        self,
        server: Server,
        response: TokenResponse,
        pending: PendingAuthorization,
        invocation: Invocation,
    ) -> Account:
        """Find out whose account it is; not knowing never fails a connection."""
        deadline = self._deadline(ACCOUNT_SECONDS, invocation)
        reached = placed(server, response.kept)
        return self.accounts.find(response, reached, nonce=pending.nonce, deadline=deadline)

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
            server, response = self.exchange(server, pending, code, invocation)
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
            check_kept(server, response.kept, Step.EXCHANGE)
            account = self.account(server, response, pending, invocation)
            scope = response.token_set.scope
            granted = ticket.scopes if scope is None else scope
            sealed = seal_first(keys, grant, response.token_set, granted)
            consent = Consent(server, ticket, grant, sealed, account, response.kept)
            return self.consents.establish(consent, invocation)
        except Overtaken as overtaken:
            self.discard(server, response, invocation)
            return overtaken.connected()
        except ForeignResponse:
            self.discard(server, response, invocation)
            raise
        except TemporarilyUnavailable:
            if self._is_not_stored(grant):
                self.discard(server, response, invocation)
            raise

    def _is_not_stored(self, grant: NewGrant) -> bool:
        """A write whose answer was lost may have succeeded; not knowing, nothing is revoked."""
        try:
            stands, _ = self.consents.connections.get(grant.user_id, grant.server_id)
        except TemporarilyUnavailable:
            return False
        return stands is None or stands.grant_id != grant.grant_id

    def discard(self, server: Server, response: TokenResponse, invocation: Invocation) -> None:
        """End tokens that no connection will hold, where that cannot end another grant."""
        count(EXCHANGE, outcome="discarded")
        endpoint = placed(server, response.kept).revocation_endpoint
        if endpoint is None:
            return
        if server.revocation_scope is not RevocationScope.TOKEN:
            return
        tokens = response.token_set
        with suppress(TemporarilyUnavailable):  # without the client's secret, nothing can be done
            self.revoker.revoke(
                endpoint,
                client_id=server.client_id or "",
                style=server.token_request_style,
                client_secret=self.credentials.of(server),
                token=server.revocation_shape.request.first_of(
                    tokens.refresh_token, tokens.access_token
                ),
                deadline=min(self.clock.monotonic() + _KEPT_BACK, invocation.deadline),
                shape=server.revocation_shape,
            )

    def _deadline(self, seconds: float, invocation: Invocation) -> float:
        return min(self.clock.monotonic() + seconds, invocation.deadline - _KEPT_BACK)
