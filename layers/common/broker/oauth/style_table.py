"""Which token request style a service takes: decided from how it answers invented requests.

A table without a network: from what was heard so far to what to ask next, or to a verdict. A style
is proven only by two answers that differ as they should: with the real secret the service looks at
the (invented) code or token, with a wrong one it does not. An answer to the real secret alone
proves nothing: there are services that look at the code first.

No style of a place is told of a client that fails to authenticate more than once: a wrong secret
is never sent where the real one was refused.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from broker.model import SECRET_STYLES, StyleVerdict, Sureness, TokenRequestStyle

from .style_hearing import Heard

type Styles = tuple[TokenRequestStyle, ...]

MOST = 10
"""Requests, at most."""
_BLIND = 2
"""Styles whose real and wrong secrets lead to the code alike, after which a place is given up: it
looks at the code before the client. One alone could be a style that is not heard at all."""
_JSON = frozenset({TokenRequestStyle.JSON_POST, TokenRequestStyle.JSON_BASIC})
_GONE = frozenset({Heard.BROKEN, Heard.SILENT})
_RANKS = {Heard.TAKEN: 0, Heard.OTHER: 2, Heard.BROKEN: 3, Heard.SILENT: 3, Heard.UNREAD: 4}
_UNASKED = 1


class Place(StrEnum):
    """Where an invented thing is presented."""

    TOKEN = "token"
    """A code, at the token endpoint (RFC 6749 §4.1.3)."""
    REVOCATION = "revocation"
    """A token, at the revocation endpoint (RFC 7009 §2.1)."""


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


type Known = dict[Ask, Heard]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The end of asking: what it came to, and the styles still worth trying, best first."""

    verdict: StyleVerdict
    candidates: Styles
    sure: Sureness = Sureness.GUESS


def next_step(
    trials: Sequence[Trial], order: Styles = SECRET_STYLES, *, revocable: bool
) -> Ask | Verdict:
    """Return the next request, or the verdict.

    ``order`` are the styles in question, the first guess first; ``revocable``: there is a
    revocation endpoint, which is asked where the token endpoint tells nothing.
    """
    known = _known(trials)
    left = worth_trying(trials, order)
    if Heard.HOLD in known.values():
        return Verdict(StyleVerdict.HELD_BACK, left)
    if _is_gone(known, order):
        return Verdict(StyleVerdict.UNUSABLE, left)
    step = _along(known, order, Place.TOKEN)
    if step is None and (refusing := _refusing(known, order)):
        return Verdict(StyleVerdict.CLIENT_REFUSED, refusing[:1])
    if step is None and revocable:
        step = _along(known, _read(known, left), Place.REVOCATION)
    if step is None or (isinstance(step, Ask) and len(trials) >= MOST):
        return Verdict(StyleVerdict.UNDECIDED, left)
    return step


def worth_trying(trials: Sequence[Trial], order: Styles) -> Styles:
    """Put the styles in order for a code: what was shown not to work comes last.

    First those in which a code was looked at, then those not asked about. What was refused with
    the real secret is left out; all but the first of it where that is everything.
    """
    known = _known(trials)

    def rank(style: TokenRequestStyle) -> tuple[int, bool]:
        elsewhere = known.get(Ask(style, Place.REVOCATION, real=True)) is Heard.REFUSED
        heard = known.get(Ask(style, Place.TOKEN, real=True))
        return (_RANKS.get(heard, _UNASKED) if heard else _UNASKED, elsewhere)

    kept = (s for s in order if not _was(known, s, Heard.REFUSED))
    return tuple(sorted(kept, key=rank)) or order[:1]


def _along(known: Known, styles: Styles, place: Place) -> Ask | Verdict | None:
    """Go through the styles at one place; None: it tells nothing (more)."""
    taken = [s for s in styles if known.get(Ask(s, place, real=True)) is Heard.TAKEN]
    for style in taken:
        match known.get(wrong := Ask(style, place, real=False)):
            case None:
                return wrong
            case Heard.REFUSED:
                return Verdict(StyleVerdict.PROVEN, (style,), Sureness.CERTAIN)
            case Heard.OTHER:
                return Verdict(StyleVerdict.PROVEN, (style,), Sureness.LIKELY)
    blind = sum(known[Ask(style, place, real=False)] is Heard.TAKEN for style in taken)
    if blind >= _BLIND:
        return None
    unasked = [s for s in styles if Ask(s, place, real=True) not in known]
    if unasked:
        return Ask(_likeliest(known, unasked, place), place, real=True)
    return None if taken else _compared(known, styles, place)


def _likeliest(
    known: Known, unasked: Sequence[TokenRequestStyle], place: Place
) -> TokenRequestStyle:
    """Choose another body where one came to nothing: half of the styles may not be read."""
    dead = {s in _JSON for s in _asked(known, place) if known[Ask(s, place, real=True)] in _GONE}
    return next((style for style in unasked if (style in _JSON) not in dead), unasked[0])


def _compared(known: Known, styles: Styles, place: Place) -> Ask | Verdict | None:
    """Hold a wrong secret against what was answered to the real one, where no code was looked at.

    Only now, for a style that is taken would prove more. A broken answer is compared only to see
    whether a client that is refused elsewhere is refused for its style.
    """
    refused = any(known[Ask(s, place, real=True)] is Heard.REFUSED for s in styles)
    compared = {Heard.OTHER, Heard.BROKEN} if refused else {Heard.OTHER}
    for style in styles:
        real, wrong = Ask(style, place, real=True), Ask(style, place, real=False)
        if known[real] not in compared:
            continue
        if wrong not in known:
            return wrong
        if known[real] is Heard.OTHER and known[wrong] is Heard.REFUSED:
            return Verdict(StyleVerdict.PROVEN, (style,), Sureness.LIKELY)
    return None


def _refusing(known: Known, order: Styles) -> Styles:
    """Return the styles in which the client is heard and refused, if it is read in no other.

    Not read is also what answers a JSON body in the same way whatever the secret, where both form
    bodies are refused: RFC 6749 knows forms alone.
    """
    refused = tuple(style for style in order if _was(known, style, Heard.REFUSED))
    forms = all(style in refused for style in order if style not in _JSON)

    def is_deaf(style: TokenRequestStyle) -> bool:
        real = known.get(Ask(style, Place.TOKEN, real=True))
        alike = real is known.get(Ask(style, Place.TOKEN, real=False))
        unread_json = real is Heard.OTHER and forms and style in _JSON
        return real is Heard.UNREAD or (alike and (real is Heard.BROKEN or unread_json))

    return refused if all(s in refused or is_deaf(s) for s in order) else ()


def _read(known: Known, styles: Styles) -> Styles:
    """Return the styles worth a proof at the revocation endpoint: the token endpoint reads them."""
    ranked = [(known.get(Ask(s, Place.TOKEN, real=True)), s) for s in styles]
    if any(heard is Heard.TAKEN for heard, _ in ranked):
        return tuple(style for heard, style in ranked if heard in (Heard.TAKEN, None))
    return tuple(style for heard, style in ranked if heard is Heard.OTHER)


def _is_gone(known: Known, order: Styles) -> bool:
    """Tell a place where nobody is: silent to both bodies, or broken in every style."""
    if not known or not _GONE.issuperset(known.values()):
        return False
    silent = {ask.style in _JSON for ask, heard in known.items() if heard is Heard.SILENT}
    return len(silent) == len({style in _JSON for style in order}) or len(known) >= len(order)


def _known(trials: Iterable[Trial]) -> Known:
    return {trial.ask: trial.heard for trial in trials}


def _asked(known: Known, place: Place) -> list[TokenRequestStyle]:
    return [ask.style for ask in known if ask.real and ask.place is place]


def _was(known: Known, style: TokenRequestStyle, heard: Heard) -> bool:
    return known.get(Ask(style, Place.TOKEN, real=True)) is heard
