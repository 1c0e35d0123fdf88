"""``auto``: find out how a service wants id and secret sent, before anybody is sent to it."""

from contextlib import suppress
from dataclasses import dataclass

from broker.clock import Clock
from broker.credentials import ClientCredentials
from broker.errors import TemporarilyUnavailable
from broker.model import (
    SECRET_STYLES,
    Invocation,
    Server,
    StyleFinding,
    StyleVerdict,
    unconnected,
)
from broker.oauth.style_probe import REQUEST_SECONDS, StyleProbe
from broker.storage.styles import StyleStore

SECONDS = 10.0
"""How long it may take, at most."""
_KEPT_BACK = 12.0
"""Seconds that an invocation keeps for what it was started for."""
_TELLS_NOTHING = frozenset({StyleVerdict.HELD_BACK, StyleVerdict.UNDECIDED, StyleVerdict.UNUSABLE})
"""What does not call in doubt what was proven before."""


@dataclass(frozen=True, slots=True)
class Styles:
    """Settles the style of servers whose builder left it to us."""

    clock: Clock
    store: StyleStore
    credentials: ClientCredentials
    probe: StyleProbe

    def settle(self, server: Server, invocation: Invocation, *, again: bool = False) -> Server:
        """Return the server with the style that the service takes, as far as that can be known.

        Asked once an hour while it is not decided; ``again``: now, whatever is known. A guess that
        is all that can be had is no failure, and neither is a store or key that is away.
        """
        known = server.style_finding
        if known is None or (known.proven and not again):
            return server
        if unconnected(server).token_endpoint is None:
            return server  # only a connection knows whom to ask: its code tries what is left
        deadline = min(self.clock.monotonic() + SECONDS, invocation.deadline - _KEPT_BACK)
        if self.clock.monotonic() + REQUEST_SECONDS > deadline:
            return server  # whoever has more time looks
        with suppress(TemporarilyUnavailable):
            if again or self.store.take_look(server, self.clock.now()):
                return self._found(server, known, invocation.base_url, deadline)
        return server

    def _found(self, server: Server, known: StyleFinding, base_url: str, deadline: float) -> Server:
        secret = self.credentials.of(server)
        if secret is None:
            return server
        first = known.style
        order = (first, *(style for style in SECRET_STYLES if style is not first))
        found = self.probe.find(
            unconnected(server),
            secret,
            redirect_uri=f"{base_url}/callback/{server.server_id}",
            deadline=deadline,
            order=order,
        )
        if known.proven and found.verdict in _TELLS_NOTHING:
            return server
        self.store.put(server, found)
        return server.with_style(found)
