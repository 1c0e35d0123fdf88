"""Tickets, connect links, and the prompt that carries one."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import urlsplit

from broker.clock import Clock
from broker.errors import InvalidRequest
from broker.model import (
    AuthorizationRequired,
    ConnectLink,
    Failure,
    Prompt,
    PromptReason,
    Purpose,
    Reason,
    Secret,
    Server,
    Session,
    Ticket,
    Wish,
)
from broker.settings import SessionBinding, Settings
from broker.storage.pending import PendingStore, connect_id_of
from broker.wording import say

TICKET_LIFETIME = timedelta(minutes=10)
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})


@dataclass(frozen=True, slots=True)
class Connector:
    """Makes connect links and the cards that show them."""

    pending: PendingStore
    settings: Settings
    clock: Clock

    def card(
        self,
        server: Server,
        wish: Wish,
        reason: PromptReason,
        *,
        base_url: str,
        scopes: tuple[str, ...] | None = None,
        why: Reason | None = None,
        failure: Failure | None = None,
    ) -> AuthorizationRequired:
        """Return the prompt with a fresh link; raise InvalidRequest (return_url, user_label)."""
        wanted = server.scopes if scopes is None else scopes
        link = self.link(server, wish, base_url=base_url, scopes=wanted)
        prompt = self.prompt(server, reason, wish.locale, why)
        return AuthorizationRequired(reason, server, prompt, link, wanted, failure)

    def link(
        self, server: Server, wish: Wish, *, base_url: str, scopes: tuple[str, ...] | None = None
    ) -> ConnectLink:
        """Make a single-use connect link, valid ten minutes; raise InvalidRequest."""
        if self.settings.session_binding is SessionBinding.NONE and not wish.user_label:
            raise InvalidRequest(
                "user_label is required: the stack's SessionBinding is none, so the user must"
                " see for whom they connect."
            )
        return_url = self.return_url(wish.return_url)
        ticket, secret = self._ticket(server, wish, Purpose.CONNECT, return_url)
        return self._issue(
            ticket if scopes is None else replace(ticket, scopes=scopes), secret, base_url
        )

    def test_link(
        self, server: Server, test_id: str, return_url: str | None, base_url: str
    ) -> ConnectLink:
        """Make the link of a test: it may return to a loopback page, or to our own."""
        if return_url is not None and not _is_loopback(return_url):
            self.return_url(return_url)
        ticket, secret = self._ticket(server, Wish(test_id), Purpose.TEST, return_url)
        return self._issue(ticket, secret, base_url)

    def prompt(
        self,
        server: Server,
        reason: PromptReason,
        locale: str | None,
        why: Reason | None = None,
    ) -> Prompt:
        """Word the card: what and why, the button, the reassurance."""
        names = {"chat": _capital(self.settings.chat_name), "service": server.name}
        inner = {"chat": self.settings.chat_name, "service": server.name}
        because = [f"because_{why.value}"] if why else []
        return Prompt(
            text=" ".join(say(key, locale, **inner) for key in (reason.value, *because)),
            button_label=say(f"button_{reason.value}", locale, **inner),
            detail=say("detail", locale, **names),
        )

    def return_url(self, wanted: str | None) -> str | None:
        """Return the flow's way back: exactly one of the allowed URLs; raise InvalidRequest."""
        allowed = self.settings.allowed_return_urls
        url = wanted or self.settings.default_return_url or None
        if url is None:
            if self.settings.session_binding is SessionBinding.NONE:
                return None
            raise InvalidRequest("return_url is required: the stack names no default return URL.")
        if url not in (*allowed, self.settings.default_return_url) or not self._secure(url):
            raise InvalidRequest("return_url must be exactly one of the stack's return URLs.")
        return url

    def session_return_url(self, wanted: str | None) -> str | None:
        """Return where a session's links return to; None: it has none; raise InvalidRequest.

        A session is handed to a client that shows links, so its way back must be known before.
        """
        return self.return_url(wanted) if wanted or self.settings.default_return_url else None

    def may_link(self, session: Session) -> bool:
        """Say whether an MCP client may be given a connect link (docs: session binding).

        It must return to a page that checks its own login; without such a page, and where the
        stack opted out of session binding, whoever is sent the link could connect their account.
        """
        bound = self.settings.session_binding is SessionBinding.BACKEND
        return bound and session.return_url is not None

    def several(self, servers: Sequence[Server], locale: str | None) -> Prompt:
        """Word one card for several servers; each has a button of its own."""
        names = ", ".join(server.name for server in servers)
        chat = self.settings.chat_name
        return Prompt(
            text=say("several", locale, chat=chat, services=names),
            button_label=say("button_several", locale),
            detail=say("detail_several", locale, chat=_capital(chat)),
        )

    def _secure(self, url: str) -> bool:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        return parts.scheme == "https" or origin in self.settings.broker_local_origins

    def _ticket(
        self, server: Server, wish: Wish, purpose: Purpose, return_url: str | None
    ) -> tuple[Ticket, Secret]:
        secret = Secret(secrets.token_urlsafe(32))
        now = self.clock.now()
        ticket = Ticket(
            connect_id=connect_id_of(secret),
            purpose=purpose,
            user_id=wish.user_id,
            server_id=server.server_id,
            created_at=now,
            expires_at=now.replace(microsecond=0) + TICKET_LIFETIME,
            return_url=return_url,
            user_label=wish.user_label,
            client_state=wish.client_state,
            locale=wish.locale,
            scopes=server.scopes,
        )
        return ticket, secret

    def _issue(self, ticket: Ticket, secret: Secret, base_url: str) -> ConnectLink:
        self.pending.put_ticket(ticket)
        url = f"{base_url}/authorize?ticket={secret.reveal()}"
        return ConnectLink(url, ticket.connect_id, ticket.expires_at)


def _is_loopback(url: str) -> bool:
    """Judge a test's return URL (RFC 8252 §7.3)."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.removesuffix(f":{parts.port}")
    except ValueError:
        return False
    return parts.scheme == "http" and host in _LOOPBACK and not parts.fragment


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
