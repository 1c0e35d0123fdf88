"""The revocation endpoint (RFC 7009)."""

from dataclasses import dataclass, field
from enum import StrEnum

from broker.clock import Clock
from broker.diagnosis import Evidence, Kind, Step
from broker.errors import OutboundError
from broker.model import Secret, TokenRequestStyle
from broker.outbound import Outbound

from .client_authentication import CredentialMissing, client_request
from .failures import GrantRefused, NoUsableAnswer, TokenRequestFailed
from .token_answer import TokenAnswer, unanswered

_CAP = 64 * 1024


class RevocationOutcome(StrEnum):
    """What became of a token."""

    CONFIRMED = "confirmed"
    """It is dead, and may have been before (RFC 7009 §2.2: an unknown token is a success)."""
    REFUSED = "refused"
    """A no that would be a no again."""
    UNSUPPORTED = "unsupported"
    """``unsupported_token_type`` (§2.2.1): not this kind of token."""
    NO_ANSWER = "no_answer"
    """Not known: ask again later (§2.2.1 on 503)."""


_REFUSED = RevocationOutcome.REFUSED


@dataclass(frozen=True, slots=True)
class RevocationAnswer:
    """The outcome, and what was seen."""

    outcome: RevocationOutcome
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Revoker:
    """Revokes tokens; never raises for what a service or the configuration does."""

    outbound: Outbound
    clock: Clock = field(default_factory=Clock)

    def revoke(
        self,
        endpoint: str,
        *,
        client_id: str,
        style: TokenRequestStyle,
        client_secret: Secret | None,
        token: Secret,
        token_type_hint: str | None = None,
        deadline: float,
    ) -> RevocationOutcome:
        """Revoke one token (RFC 7009 §2.1); ``deadline`` is in ``Clock.monotonic()`` seconds."""
        answer = self.ask(
            endpoint,
            client_id=client_id,
            style=style,
            client_secret=client_secret,
            token=token,
            token_type_hint=token_type_hint,
            deadline=deadline,
        )
        return answer.outcome

    def ask(
        self,
        endpoint: str,
        *,
        client_id: str,
        style: TokenRequestStyle,
        client_secret: Secret | None,
        token: Secret,
        token_type_hint: str | None = None,
        deadline: float,
    ) -> RevocationAnswer:
        """As revoke(), with the evidence."""
        parameters = {"token": token.reveal()}
        if token_type_hint:
            parameters["token_type_hint"] = token_type_hint
        try:
            request = client_request(
                parameters, style=style, client_id=client_id, client_secret=client_secret
            )
            answer = self.outbound.send(
                "POST",
                endpoint,
                headers=request.headers,
                content=request.content,
                deadline=deadline,
                cap=_CAP,
                fresh=True,
            )
        except CredentialMissing as exc:
            missing = Evidence(Step.REVOCATION, Kind.NOT_SENT, error=f"{exc}_missing")
            return RevocationAnswer(RevocationOutcome.REFUSED, missing)
        except OutboundError as exc:
            evidence = unanswered(Step.REVOCATION, exc).evidence
            return RevocationAnswer(RevocationOutcome.NO_ANSWER, evidence)
        secrets = [secret.reveal() for secret in (token, client_secret) if secret]
        return _judged(TokenAnswer(Step.REVOCATION, answer, self.clock.now(), secrets))


def _judged(answered: TokenAnswer) -> RevocationAnswer:
    if answered.succeeded:
        evidence = Evidence(Step.REVOCATION, Kind.OK, status=answered.answer.status)
        return RevocationAnswer(RevocationOutcome.CONFIRMED, evidence)
    failure = answered.failure()
    return RevocationAnswer(_outcome(failure), failure.evidence)


def _outcome(failure: TokenRequestFailed) -> RevocationOutcome:
    """Read a failure as an outcome.

    A service that calls the token invalid (Google: 400 ``invalid_token``) says that it is dead;
    with 401 that is said of the client (RFC 6750 §3.1). Only a busy or broken one is asked again;
    a redirect or a page would come again.
    """
    error, status = failure.evidence.error, failure.evidence.status
    if isinstance(failure, GrantRefused) or (error, status) == ("invalid_token", 400):
        return RevocationOutcome.CONFIRMED
    if error == "unsupported_token_type":
        return RevocationOutcome.UNSUPPORTED
    if isinstance(failure, NoUsableAnswer):
        broken = (status or 0) >= 500
        return RevocationOutcome.NO_ANSWER if broken or not failure.ambiguous else _REFUSED
    return _REFUSED
