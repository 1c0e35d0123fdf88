"""Finds out which token request style a service takes, with invented codes and tokens."""

import secrets
from dataclasses import dataclass, replace

from broker.clock import Clock
from broker.diagnosis import Evidence, Kind, Step
from broker.model import (
    SECRET_STYLES,
    RevocationRequest,
    Secret,
    Server,
    StyleFinding,
    StyleVerdict,
    TokenRequestStyle,
)
from broker.templates import gaps

from .failures import TokenRequestFailed
from .pkce import new_code_verifier
from .revocation import Revoker
from .style_hearing import Heard, heard_of
from .style_table import Ask, Place, Trial, Verdict, next_step, worth_trying
from .token_endpoint import TokenEndpoint

REQUEST_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class StyleProbe:
    """Asks; never with a code or token of anybody's."""

    endpoint: TokenEndpoint
    revoker: Revoker
    clock: Clock

    def find(
        self,
        server: Server,
        secret: Secret,
        *,
        redirect_uri: str,
        deadline: float,
        order: tuple[TokenRequestStyle, ...] = SECRET_STYLES,
    ) -> StyleFinding:
        """Ask until it is known, at most ten times, and not past ``deadline``.

        That is in seconds of ``Clock.monotonic()``. Stops at the first 429 and at words of a lock.
        """
        trials: list[Trial] = []
        wrong = wrong_secret(secret)
        while True:
            step = next_step(trials, order, revocable=_is_revocable(server))
            if isinstance(step, Verdict):
                break
            if self.clock.monotonic() + REQUEST_SECONDS > deadline:
                step = Verdict(StyleVerdict.UNDECIDED, worth_trying(trials, order))
                break
            heard = self._heard(step, server, secret if step.real else wrong, redirect_uri)
            trials.append(Trial(step, heard))
        now = self.clock.now()
        return StyleFinding(step.verdict, step.candidates, step.sure, now, len(trials))

    def _heard(self, ask: Ask, server: Server, secret: Secret, redirect_uri: str) -> Heard:
        styled = replace(server, token_request_style=ask.style)
        if ask.place is Place.REVOCATION:
            return self._at_revocation(styled, secret)
        return self._at_token(styled, secret, redirect_uri)

    def _at_token(self, server: Server, secret: Secret, redirect_uri: str) -> Heard:
        try:
            self.endpoint.exchange(
                server,
                secret,
                code=Secret(secrets.token_urlsafe(24)),
                code_verifier=new_code_verifier() if server.pkce else None,
                redirect_uri=redirect_uri,
                deadline=self.clock.monotonic() + REQUEST_SECONDS,
            )
        except TokenRequestFailed as exc:
            return heard_of(exc.evidence)
        return Heard.BROKEN  # tokens for an invented code: whatever that is, it proves nothing

    def _at_revocation(self, server: Server, secret: Secret) -> Heard:
        answer = self.revoker.ask(
            server.revocation_endpoint or "",
            client_id=server.client_id or "",
            style=server.token_request_style,
            client_secret=secret,
            token=Secret(secrets.token_urlsafe(24)),
            deadline=self.clock.monotonic() + REQUEST_SECONDS,
        )
        return heard_of(answer.evidence)


def _is_revocable(server: Server) -> bool:
    """Say whether a revocation shows how the client authenticates (RFC 7009 §2.1)."""
    is_usual = server.quirks.revocation_request == RevocationRequest()
    return bool(server.revocation_endpoint) and is_usual and not gaps(server.revocation_endpoint)


def wrong_secret(secret: Secret) -> Secret:
    """Invent a secret of about the same look: as long, letters and digits, another one."""
    while True:
        length = max(16, len(secret.reveal()))
        invented = Secret(secrets.token_hex(length)[:length])
        if invented != secret:
            return invented


def told(finding: StyleFinding) -> Evidence | None:
    """Return what a builder must know of a finding that decided nothing; None: nothing."""
    error = {
        StyleVerdict.CLIENT_REFUSED: "invalid_client",
        StyleVerdict.UNUSABLE: "no_token_endpoint",
    }.get(finding.verdict)
    if error is None:
        return None
    facts = {"styles_tried": finding.requests}
    if finding.verdict is StyleVerdict.CLIENT_REFUSED:
        return Evidence(Step.EXCHANGE, Kind.REFUSED, error=error, facts=facts)
    return Evidence(Step.EXCHANGE, Kind.UNUSABLE, error=error, facts=facts)
