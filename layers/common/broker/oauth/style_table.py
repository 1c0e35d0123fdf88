"""Which token request style a service takes: decided from how it answers invented requests.

A table without a network: from what was heard so far to what to ask next, or to a verdict. A style
is proven only by two answers that differ as they should: with the real secret the service looks at
the (invented) code or token, with a wrong one it refuses the client. An answer to the real secret
alone proves nothing: there are services that look at the code first.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from broker.diagnosis import Evidence, Kind
from broker.model import SECRET_STYLES, StyleVerdict, Sureness, TokenRequestStyle

MOST = 10
"""Requests, at most."""
_BLIND = 2
"""Styles whose real and wrong secrets lead to the code alike, after which a place is given up: it
looks at the code before the client. One alone could be a style that is not heard at all."""
_LOCKS = re.compile(
    r"(?<![a-z])lock(?:ed|out|ing)(?![a-z])|too[ _]many|(?<![a-z])suspended(?![a-z])|brute"
    r"|temporarily[ _](?:blocked|disabled)|attempts?[ _](?:left|remaining|exceeded)"
    r"|failed[ _]attempt",
    re.IGNORECASE,
)


class Place(StrEnum):
    """Where an invented thing is presented."""

    TOKEN = "token"
    """A code, at the token endpoint (RFC 6749 §4.1.3)."""
    REVOCATION = "revocation"
    """A token, at the revocation endpoint (RFC 7009 §2.1)."""


class Heard(StrEnum):
    """What an answer says of the client."""

    TAKEN = "taken"
    """The code or token was looked at, and is not good: ``invalid_grant``, or it is revoked."""
    OTHER = "other"
    """Some other error that is not about the client."""
    REFUSED = "refused"
    """``invalid_client``."""
    HOLD = "hold"
    """Fewer requests are asked for, or a lock is spoken of."""
    BROKEN = "broken"
    """No answer, or none that a token endpoint gives."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: a style, a place, and whether the secret is the real one."""

    style: TokenRequestStyle
    place: Place
    real: bool


@dataclass(frozen=True, slots=True)
class Trial:
    """What was asked, and what was heard."""

    ask: Ask
    heard: Heard


@dataclass(frozen=True, slots=True)
class Verdict:
    """The end of asking: what it came to, and the styles still worth trying, best first."""

    verdict: StyleVerdict
    candidates: tuple[TokenRequestStyle, ...]
    sure: Sureness = Sureness.GUESS


def heard_of(evidence: Evidence) -> Heard:
    """Read an answer's evidence."""
    said = f"{evidence.error or ''} {evidence.description or ''}"
    if evidence.status == 429 or evidence.facts.get("rate_limited") or _LOCKS.search(said):
        return Heard.HOLD
    if evidence.facts.get("client_refused"):
        return Heard.REFUSED
    if evidence.facts.get("grant_refused") or evidence.kind is Kind.OK:
        return Heard.TAKEN
    return Heard.OTHER if evidence.kind is Kind.REFUSED else Heard.BROKEN


def next_step(
    trials: Sequence[Trial],
    order: tuple[TokenRequestStyle, ...] = SECRET_STYLES,
    *,
    revocable: bool,
) -> Ask | Verdict:
    """Return the next request, or the verdict.

    ``order`` are the styles in question, the first guess first; ``revocable``: there is a
    revocation endpoint, which is asked where the token endpoint tells nothing.
    """
    known = {trial.ask: trial.heard for trial in trials}
    if Heard.HOLD in known.values():
        return Verdict(StyleVerdict.HELD_BACK, _left(known, order))
    if [trial.heard for trial in trials[:2]] == [Heard.BROKEN, Heard.BROKEN]:
        return Verdict(StyleVerdict.UNUSABLE, order)
    step = _along(known, order, Place.TOKEN)
    if step is None and _all_refused(known, order):
        return Verdict(StyleVerdict.CLIENT_REFUSED, order[:1])
    if step is None and revocable:
        step = _along(known, _left(known, order), Place.REVOCATION)
    if step is None or (isinstance(step, Ask) and len(trials) >= MOST):
        return Verdict(StyleVerdict.UNDECIDED, _left(known, order))
    return step


def _along(
    known: dict[Ask, Heard], order: tuple[TokenRequestStyle, ...], place: Place
) -> Ask | Verdict | None:
    """Go through the styles at one place; None: it tells nothing (more)."""
    blind = 0
    for style in order:
        real = Ask(style, place, real=True)
        wrong = Ask(style, place, real=False)
        if real not in known:
            return real
        if known[real] not in (Heard.TAKEN, Heard.OTHER):
            continue
        if wrong not in known:
            return wrong
        if known[wrong] is Heard.REFUSED:
            taken = known[real] is Heard.TAKEN
            sure = Sureness.CERTAIN if taken else Sureness.LIKELY
            return Verdict(StyleVerdict.PROVEN, (style,), sure)
        blind += known[real] is known[wrong] is Heard.TAKEN
        if blind == _BLIND:
            return None
    return None


def _all_refused(known: dict[Ask, Heard], order: tuple[TokenRequestStyle, ...]) -> bool:
    return all(known.get(Ask(s, Place.TOKEN, real=True)) is Heard.REFUSED for s in order)


def _left(
    known: dict[Ask, Heard], order: tuple[TokenRequestStyle, ...]
) -> tuple[TokenRequestStyle, ...]:
    """Leave out what was refused with the real secret; all of it where that is everything."""
    refused = {ask.style for ask, heard in known.items() if ask.real and heard is Heard.REFUSED}
    return tuple(style for style in order if style not in refused) or order[:1]
