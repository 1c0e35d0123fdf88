"""What a rule may ask of an observation, of the flow before it, and of the configuration."""

import re
from collections.abc import Callable

from .configured import Configured
from .evidence import Evidence, Kind, Step
from .sight import Sight

type Predicate = Callable[[Sight], bool]

_SKEW_SECONDS = 300


def every(*predicates: Predicate) -> Predicate:
    """Hold when all of them hold."""
    return lambda sight: all(predicate(sight) for predicate in predicates)


def either(*predicates: Predicate) -> Predicate:
    """Hold when one of them holds."""
    return lambda sight: any(predicate(sight) for predicate in predicates)


def no(predicate: Predicate) -> Predicate:
    """Hold when it does not."""
    return lambda sight: not predicate(sight)


def at(*steps: Step) -> Predicate:
    """Hold at one of these steps."""
    return lambda sight: sight.seen.step in steps


def of(*kinds: Kind) -> Predicate:
    """Hold for one of these outcomes."""
    return lambda sight: sight.seen.kind in kinds


def answered(*statuses: int) -> Predicate:
    """Hold for one of these HTTP statuses."""
    return lambda sight: sight.seen.status in statuses


def failed(sight: Sight) -> bool:
    """Hold for HTTP 5xx."""
    return (sight.seen.status or 0) >= 500


def coded(*codes: str) -> Predicate:
    """Hold for one of these error codes, however it is written."""
    return lambda sight: (sight.seen.error or "").lower().replace("-", "_") in codes


def saying(pattern: str) -> Predicate:
    """Hold when the service's code or description says so."""
    # Compiled when it is first asked: every function imports the rules, and few judge anything.
    return lambda sight: bool(re.search(pattern, _said(sight.seen), re.IGNORECASE))


def _said(seen: Evidence) -> str:
    return f"{seen.error or ''} {seen.description or ''}"


def knowing(fact: str, value: object = None) -> Predicate:
    """Hold when this fact was recorded (with this value, if one is given)."""
    return lambda sight: (
        fact in sight.seen.facts and (value is None or sight.seen.facts[fact] == value)
    )


def after(step: Step, kind: Kind = Kind.OK) -> Predicate:
    """Hold when a step of the flow came to this before."""
    return lambda sight: any(one.step is step and one.kind is kind for one in sight.earlier)


def consented(sight: Sight) -> bool:
    """Hold when the authorization server has sent a code for this client before."""
    return any(one.facts.get("flow") == "consented" for one in sight.earlier)


def where(holds: Callable[[Configured], bool]) -> Predicate:
    """Hold when the configuration is so."""
    return lambda sight: holds(sight.configured)


def skewed(sight: Sight) -> bool:
    """Hold when the two clocks are more than five minutes apart."""
    return is_skewed(sight.seen)


def is_skewed(seen: Evidence) -> bool:
    """Say whether an answer's clock is more than five minutes from ours."""
    skew = seen.facts.get("clock_skew_seconds", 0)
    return isinstance(skew, int) and abs(skew) > _SKEW_SECONDS


def html(sight: Sight) -> bool:
    """Hold when a web page came back, by its looks or, if nothing was understood, its type."""
    seen = sight.seen
    typed = seen.kind is not Kind.REFUSED and "html" in (seen.content_type or "")
    return typed or seen.facts.get("html") is True
