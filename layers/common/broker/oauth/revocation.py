"""The revocation endpoint (RFC 7009), and the requests that services have in its place."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from urllib.parse import quote, urlencode

from broker.clock import Clock
from broker.diagnosis import Evidence, Kind, Step
from broker.errors import OutboundError
from broker.model import (
    TOKEN,
    Credentials,
    Method,
    Place,
    RevocationShape,
    Secret,
    TokenName,
    TokenRequestStyle,
)
from broker.outbound import Outbound
from broker.templates import filled

from .client_authentication import (
    ClientRequest,
    CredentialMissing,
    anonymous_request,
    as_query,
    client_request,
)
from .failures import GrantRefused, NoUsableAnswer, TokenRequestFailed
from .token_answer import TokenAnswer, unanswered

RFC_7009 = RevocationShape()
_CAP = 64 * 1024
_OF_THE_TOKEN_ALONE = frozenset({"invalid_token", "token_expired"})
"""Said of an access token that has run out, while its grant may live on."""


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
        shape: RevocationShape = RFC_7009,
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
            shape=shape,
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
        shape: RevocationShape = RFC_7009,
    ) -> RevocationAnswer:
        """As revoke(), with the evidence."""
        draft = _Draft(endpoint, shape, token, token_type_hint)
        try:
            url, request = draft.request(client_id, style, client_secret)
            answer = self.outbound.send(
                shape.request.method.value,
                url,
                headers=request.headers,
                content=request.content or None,
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
        now, errors = self.clock.now(), shape.error_field
        answered = TokenAnswer(Step.REVOCATION, answer, now, secrets, errors)
        return _judged(answered, grant_may_live=not shape.request.ends(TokenName.REFRESH))


@dataclass(frozen=True, slots=True)
class _Draft:
    """A revocation request before the client has shown who it is."""

    endpoint: str
    shape: RevocationShape
    token: Secret
    token_type_hint: str | None

    def request(
        self, client_id: str, style: TokenRequestStyle, client_secret: Secret | None
    ) -> tuple[str, ClientRequest]:
        """Return the URL and the rest, as the service wants it; raise CredentialMissing."""
        asked, parameters = self.shape.request, self._parameters()
        body = parameters if asked.place is Place.BODY else {}
        match asked.credentials:
            case Credentials.BEARER:
                headers = {"Authorization": f"Bearer {self.token.reveal()}"}
                request = ClientRequest({"Accept": "application/json", **headers}, b"")
                return self._url(asked.place, parameters), request
            case Credentials.OMITTED:
                request = anonymous_request(body)
            case Credentials.SAME:
                request = self._of_client(body, style, client_id, client_secret)
            case named:
                own = TokenRequestStyle(named.value)
                request = self._of_client(body, own, client_id, client_secret)
        url = self._url(asked.place, parameters)
        return as_query(url, request) if asked.method is Method.GET else (url, request)

    def _url(self, place: Place, parameters: Mapping[str, str]) -> str:
        if place is Place.QUERY:
            joined = "&" if "?" in self.endpoint else "?"
            return f"{self.endpoint}{joined}{urlencode(parameters)}"
        token = quote(self.token.reveal(), safe="")
        return filled(self.endpoint, {TOKEN: token}) if place is Place.PATH else self.endpoint

    def _parameters(self) -> Mapping[str, str]:
        """A hint goes with the request of RFC 7009 alone."""
        asked = self.shape.request
        standard = replace(asked, token=TokenName.EACH) == RFC_7009.request
        hint = {"token_type_hint": self.token_type_hint} if self.token_type_hint else {}
        return {asked.parameter: self.token.reveal(), **(hint if standard else {})}

    def _of_client(
        self,
        body: Mapping[str, str],
        style: TokenRequestStyle,
        client_id: str,
        client_secret: Secret | None,
    ) -> ClientRequest:
        return client_request(
            body,
            style=style,
            client_id=client_id,
            client_secret=client_secret,
            client_id_parameter=self.shape.client_id_parameter,
            basic_encoding=self.shape.basic_encoding,
        )


def _judged(answered: TokenAnswer, *, grant_may_live: bool) -> RevocationAnswer:
    if answered.succeeded:
        evidence = Evidence(Step.REVOCATION, Kind.OK, status=answered.answer.status)
        return RevocationAnswer(RevocationOutcome.CONFIRMED, evidence)
    failure = answered.failure()
    if grant_may_live and failure.evidence.error in _OF_THE_TOKEN_ALONE:
        return RevocationAnswer(_REFUSED, failure.evidence)
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
