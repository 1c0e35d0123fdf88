"""Judge the answer of a token endpoint: members of a success, or the failure it amounts to."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from broker.diagnosis import Evidence, Fact, Kind, Step, scrub, short_code
from broker.errors import AddressBlocked, AnswerTooLarge, NotSent, OutboundError
from broker.outbound import Answer, Unreached

from .answer_body import Members, NotMembers, read_members
from .equivalents import Refusal
from .failures import (
    ClientRefused,
    GrantRefused,
    NoUsableAnswer,
    RequestRefused,
    TokenRequestFailed,
)
from .refusals import refusal_of
from .retry_after import http_date, retry_after
from .stated_error import StatedError, stated_error, states_error
from .token_response import Unusable, holds_token

_NOTABLE_SKEW = 60
_OAUTH = frozenset({*range(200, 300), 400, 401})
"""What an error of RFC 6749 §5.2 comes with; beside another status it may be a gateway's."""


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """One answer to one request; ``sent`` are the secrets that it must not quote."""

    step: Step
    answer: Answer
    received_at: datetime
    sent: Iterable[str] = field(repr=False)
    error_field: str | None = None
    """Where the builder says that a success states an error."""

    def granted(self) -> Members:
        """Return the members of a 2xx that states no error; raise TokenRequestFailed."""
        members = self._members()
        if members is None or not self.succeeded:
            raise self.failure()
        return members

    def failure(self, unusable: Unusable | None = None) -> TokenRequestFailed:
        """Say what the answer amounts to, knowing that it brings no token set.

        ``unusable`` names the member of a success that cannot be used.
        """
        said = stated_error(self._members() or {}, self.error_field)
        refusal = self._refusal(said)
        match refusal:
            case Refusal.GRANT:
                return GrantRefused(self._evidence(Kind.REFUSED, said, refusal))
            case Refusal.CLIENT:
                return ClientRefused(self._evidence(Kind.REFUSED, said, refusal))
            case Refusal.OTHER if self._wait:  # it says when to come back
                evidence = self._evidence(Kind.REFUSED, said)
            case Refusal.OTHER if self.answer.status in _OAUTH:
                return RequestRefused(self._evidence(Kind.REFUSED, said))
            case Refusal.BUSY:
                evidence = self._evidence(Kind.REFUSED, said, refusal)
            case Refusal.OTHER | Refusal.BROKEN | None:
                evidence = self._evidence(Kind.UNUSABLE, said, unusable=unusable)
        refused = evidence.kind is Kind.REFUSED
        return NoUsableAnswer(
            evidence,
            ambiguous=not refused,
            retry_after=self._wait,
            refresh_token=unusable.refresh_token if unusable else None,
        )

    @property
    def succeeded(self) -> bool:
        """Tell a 2xx that does not state an error in its body."""
        stated = states_error(self._members() or {}, self.error_field)
        return 200 <= self.answer.status < 300 and not stated

    @property
    def _wait(self) -> float | None:
        """Return the seconds until the service wants to be asked again.

        A date is taken against the answer's own, so that a wrong clock on either side is no
        matter.
        """
        headers = self.answer.headers
        now = http_date(headers.get("date", "")) or self.received_at
        return retry_after(headers.get("retry-after"), now)

    def _members(self) -> Members | None:
        try:
            return read_members(self.answer.body)
        except NotMembers:
            return None

    def _refusal(self, said: StatedError) -> Refusal | None:
        """Find what the answer refuses; None: a redirect, a page, a success without a token."""
        status = self.answer.status
        if 300 <= status < 400:
            return None
        if status == 401 and self._is_page and "www-authenticate" not in self.answer.headers:
            return None  # a firewall's, not the token endpoint's
        refusal = refusal_of(status, said.codes, said.description, self.step)
        if refusal not in (Refusal.GRANT, Refusal.CLIENT) and self._contradicts:
            return None
        return None if self.succeeded and refusal is Refusal.OTHER else refusal

    @property
    def _contradicts(self) -> bool:
        """Tell a 2xx with an access token and an error: who knows what was done."""
        return 200 <= self.answer.status < 300 and holds_token(self._members() or {})

    @property
    def _is_page(self) -> bool:
        return self.answer.body.lstrip().startswith(b"<")

    def _evidence(
        self,
        kind: Kind,
        said: StatedError,
        refusal: Refusal | None = None,
        unusable: Unusable | None = None,
    ) -> Evidence:
        sent = tuple(self.sent)
        named: dict[str, Fact] = {refusal.value: True} if refusal else {}
        if unusable:
            named["unusable"] = unusable.member
        codes = (short_code(code, sent) for code in said.codes)
        return Evidence(
            self.step,
            kind,
            status=self.answer.status,
            content_type=self.answer.headers.get("content-type"),
            error=next((code for code in codes if code), None),
            description=scrub(said.description, sent),
            facts=self._facts(sent) | named,
        )

    def _facts(self, sent: tuple[str, ...]) -> dict[str, Fact]:
        facts: dict[str, Fact] = {}
        headers = self.answer.headers
        if self._is_page:
            facts["html"] = True
        if self._wait is not None:
            facts["retry_after_seconds"] = round(self._wait)
        if 300 <= self.answer.status < 400 and "location" in headers:
            facts["redirects_to"] = scrub(re.split("[?#]", headers["location"])[0], sent)
        told = http_date(headers.get("date", ""))
        skew = round((self.received_at - told).total_seconds()) if told else 0
        if abs(skew) >= _NOTABLE_SKEW:
            facts["clock_skew_seconds"] = skew
        return facts


def unanswered(step: Step, error: OutboundError) -> NoUsableAnswer:
    """Turn a request without an answer into the failure it amounts to."""
    facts: dict[str, Fact] = {}
    if isinstance(error, Unreached):
        facts["obstacle"] = error.obstacle.value
    if isinstance(error, AnswerTooLarge):
        facts["too_large"] = True
    # An outbound error's text is ours, and public.
    evidence = Evidence(step, _kind(error), description=str(error), facts=facts)
    return NoUsableAnswer(evidence, ambiguous=not isinstance(error, NotSent))


def _kind(error: OutboundError) -> Kind:
    match error:
        case AddressBlocked():
            return Kind.BLOCKED
        case NotSent():
            return Kind.NOT_SENT
        case AnswerTooLarge():
            return Kind.UNUSABLE
        case _:
            return Kind.NO_ANSWER
