"""Send a code to the token endpoint: once, unless how to authenticate there is a guess."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from broker.clock import Clock
from broker.credentials import ClientCredentials
from broker.errors import TemporarilyUnavailable
from broker.model import (
    Secret,
    Server,
    StyleFinding,
    StyleVerdict,
    Sureness,
    TokenRequestStyle,
    placed,
)
from broker.oauth import ClientRefused, TokenEndpoint, TokenRequestFailed, TokenResponse
from broker.oauth.style_hearing import Heard, heard_of
from broker.storage.styles import StyleStore

SECONDS = 10.0
"""How long a token endpoint may take, at most."""
_DATING_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code, and what belongs to it."""

    code: Secret
    code_verifier: Secret | None
    redirect_uri: str
    kept: Mapping[str, str] = field(default_factory=dict)
    """What its authorization response told of where to send it."""


@dataclass(frozen=True, slots=True)
class Redeemer:
    """Redeems codes."""

    clock: Clock
    credentials: ClientCredentials
    endpoint: TokenEndpoint
    styles: StyleStore

    def redeem(self, server: Server, code: Code, deadline: float) -> tuple[Server, TokenResponse]:
        """Redeem a code (RFC 6749 §4.1.3); return the server as it was authenticated with.

        Where the token request style is a guess, the next is tried after ``invalid_client`` and
        after a request that was not read, and after nothing else: neither has spent the code. The
        style that works is for settled() to keep, before there is a connection, which will need
        it. ``deadline`` is in seconds of ``Clock.monotonic()``. Raises TokenRequestFailed, that of
        a client refused rather than that of a style not read; TemporarilyUnavailable.
        """
        others, refused = iter(server.other_styles), None
        while True:
            try:
                return server, self._send(server, code, deadline)
            except TokenRequestFailed as exc:
                following = next(others, None)
                if not _leaves_the_code(exc):
                    raise
                refused = refused or (exc if isinstance(exc, ClientRefused) else None)
                if following is None or self.clock.monotonic() >= deadline:
                    raise (refused or exc) from exc.__cause__
            server = replace(server, token_request_style=following)

    def completed(self, server: Server, response: TokenResponse, deadline: float) -> TokenResponse:
        """Exchange it for a set that lives longer, and ask when it ends, where that is declared.

        Raises TokenRequestFailed, TemporarilyUnavailable: the code is spent.
        """
        reached, quirks = placed(server, response.kept), server.quirks
        if quirks.long_lived_exchange:
            proof = self.credentials.of(server)
            until = min(self.clock.monotonic() + SECONDS, deadline)
            response = self.endpoint.prolong(reached, proof, response, until)
        if quirks.introspection_endpoint and not response.lifetime_told:
            with suppress(TemporarilyUnavailable):  # not knowing fails nothing
                proof = self.credentials.of(server)
                until = min(self.clock.monotonic() + _DATING_SECONDS, deadline)
                return self.endpoint.dated(reached, proof, response, until)
        return response

    def _send(self, server: Server, code: Code, deadline: float) -> TokenResponse:
        return self.endpoint.exchange(
            placed(server, code.kept),
            self.credentials.of(server),
            code=code.code,
            code_verifier=code.code_verifier,
            redirect_uri=code.redirect_uri,
            deadline=min(self.clock.monotonic() + SECONDS, deadline),
        )

    def settled(self, server: Server) -> Server:
        """Keep what an exchange has proven of a guess; raise TemporarilyUnavailable."""
        if server.style_finding is None or server.style_finding.proven:
            return server
        found = _proven(server.token_request_style, server.style_finding, self.clock)
        self.styles.put(server, found)
        return server.with_style(found)


def _proven(style: TokenRequestStyle, guess: StyleFinding, clock: Clock) -> StyleFinding:
    now = clock.now()
    return StyleFinding(StyleVerdict.PROVEN, (style,), Sureness.CERTAIN, now, guess.requests)


def _leaves_the_code(failed: TokenRequestFailed) -> bool:
    """Tell a client that was not known so, or not read, from one that is locked or may not."""
    heard, error = heard_of(failed.evidence), failed.evidence.error
    is_unknown = heard is Heard.REFUSED and error != "unauthorized_client"
    return is_unknown or heard is Heard.UNREAD
