"""A connect link, opened in the user's browser: on to the service's own login."""

import hmac
import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

from broker.binding import consent_cookie, cookie_hash, flow_cookie
from broker.clock import Clock
from broker.metrics import AUTHORIZATION_REQUEST, CONSENT_REFUSED
from broker.model import (
    AuthType,
    BrowserOutcome,
    ClosingPage,
    ConsentPage,
    Invocation,
    PendingAuthorization,
    Purpose,
    Redirect,
    Secret,
    Server,
    Ticket,
)
from broker.oauth import authorization_url, new_code_verifier
from broker.settings import SessionBinding, Settings
from broker.storage.pending import PendingStore, connect_id_of, state_id_of
from broker.storage.servers import ServerStore
from broker.telemetry import count
from broker.vault import Vault, verifier_place
from broker.wording import say


@dataclass(frozen=True, slots=True)
class Authorize:
    """``GET /authorize``, and ``POST /authorize`` of the page that SessionBinding=none shows."""

    clock: Clock
    settings: Settings
    servers: ServerStore
    pending: PendingStore
    vault: Vault

    def open(self, secret: Secret, invocation: Invocation) -> BrowserOutcome:
        """Send the browser to the authorization endpoint; consumes nothing of the ticket."""
        found = self._find(secret)
        if isinstance(found, ClosingPage):
            return found
        ticket, server = found
        if self._asks_first(ticket):
            return self._consent_page(secret, ticket, server)
        return self._send(ticket, server, invocation)

    def proceed(
        self, secret: Secret, csrf: Secret, cookie: str | None, invocation: Invocation
    ) -> BrowserOutcome:
        """Go on from the consent page, if the browser that posts is the one that was shown it."""
        found = self._find(secret)
        if isinstance(found, ClosingPage):
            return found
        ticket, server = found
        if not self._asks_first(ticket):
            return _closing("link_expired", ticket.locale)
        if not cookie or not hmac.compare_digest(cookie.encode(), csrf.reveal().encode()):
            count(CONSENT_REFUSED)
            return _closing("other_browser", ticket.locale)
        return self._send(ticket, server, invocation)

    def _asks_first(self, ticket: Ticket) -> bool:
        unbound = self.settings.session_binding is SessionBinding.NONE
        return unbound and ticket.purpose is Purpose.CONNECT

    def _find(self, secret: Secret) -> tuple[Ticket, Server] | ClosingPage:
        ticket = self.pending.ticket(connect_id_of(secret))
        if ticket is None:
            return _closing("link_expired", None)
        if ticket.taken or ticket.expires_at <= self.clock.now():
            return _closing("link_expired", ticket.locale)
        server = self.servers.get(ticket.server_id)
        ready = server and server.auth_type is AuthType.CONSUMER_OAUTH and not server.missing
        if server is None or not ready:
            return _closing("account_refused", ticket.locale)
        return ticket, server

    def _consent_page(self, secret: Secret, ticket: Ticket, server: Server) -> ConsentPage:
        endpoint = urlsplit(server.authorization_endpoint or "")
        return ConsentPage(
            chat_name=self.settings.chat_name,
            chat_logo_url=self.settings.chat_logo_url,
            user_label=ticket.user_label or "",
            service=server.name,
            ticket=secret,
            csrf=Secret(secrets.token_urlsafe(32)),
            cookie_name=consent_cookie(secret),
            action_origin=f"{endpoint.scheme}://{endpoint.netloc}",
            locale=ticket.locale,
        )

    def _send(self, ticket: Ticket, server: Server, invocation: Invocation) -> BrowserOutcome:
        now = self.clock.now()
        state = Secret(secrets.token_urlsafe(32))
        state_id = state_id_of(state)
        cookie = Secret(secrets.token_urlsafe(32))
        verifier = new_code_verifier() if server.pkce else None
        nonce = secrets.token_urlsafe(16) if "openid" in ticket.scopes else None
        pending = PendingAuthorization(
            state_id=state_id,
            connect_id=ticket.connect_id,
            server_id=server.server_id,
            redirect_uri=f"{invocation.base_url}/callback/{server.server_id}",
            config_digest=server.config_digest,
            cookie_hash=cookie_hash(cookie.reveal()),
            expires_at=ticket.expires_at,
            code_verifier=verifier
            and self.vault.seal(verifier_place(server.server_id, state_id), verifier),
            nonce=nonce,
        )
        if not self.pending.put_state(pending, now):
            return _closing("link_expired", ticket.locale)
        count(AUTHORIZATION_REQUEST)
        location = authorization_url(
            server,
            redirect_uri=pending.redirect_uri,
            state=state,
            code_verifier=verifier,
            nonce=nonce,
            scopes=ticket.scopes,
        )
        return Redirect(location, set_cookie=(flow_cookie(state), cookie))


def _closing(key: str, locale: str | None) -> ClosingPage:
    return ClosingPage(say("failed_title", locale), say(key, locale), False, locale=locale)
