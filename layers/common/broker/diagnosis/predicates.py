"""What a rule may ask of an observation."""

import re
from collections.abc import Callable

from .evidence import Evidence, Kind, Step

type Predicate = Callable[[Evidence], bool]

_SKEW_SECONDS = 300


def every(*predicates: Predicate) -> Predicate:
    """Hold when all of them hold."""
    return lambda evidence: all(predicate(evidence) for predicate in predicates)


def either(*predicates: Predicate) -> Predicate:
    """Hold when one of them holds."""
    return lambda evidence: any(predicate(evidence) for predicate in predicates)


def at(*steps: Step) -> Predicate:
    """Hold at one of these steps."""
    return lambda evidence: evidence.step in steps


def of(*kinds: Kind) -> Predicate:
    """Hold for one of these outcomes."""
    return lambda evidence: evidence.kind in kinds


def answered(*statuses: int) -> Predicate:
    """Hold for one of these HTTP statuses."""
    return lambda evidence: evidence.status in statuses


def failed(evidence: Evidence) -> bool:
    """Hold for HTTP 5xx."""
    return (evidence.status or 0) >= 500


def coded(*codes: str) -> Predicate:
    """Hold for one of these error codes, however it is written."""
    return lambda evidence: (evidence.error or "").lower().replace("-", "_") in codes


def saying(pattern: str) -> Predicate:
    """Hold when the service's code or description says so."""
    said = re.compile(pattern, re.IGNORECASE)
    return lambda seen: bool(said.search(f"{seen.error or ''} {seen.description or ''}"))


def knowing(fact: str, value: object = None) -> Predicate:
    """Hold when this fact was recorded (with this value, if one is given)."""
    return lambda evidence: (
        fact in evidence.facts and (value is None or evidence.facts[fact] == value)
    )


def skewed(evidence: Evidence) -> bool:
    """Hold when the two clocks are more than five minutes apart."""
    skew = evidence.facts.get("clock_skew_seconds", 0)
    return isinstance(skew, int) and abs(skew) > _SKEW_SECONDS


def html(evidence: Evidence) -> bool:
    """Hold when a web page came back, by its looks or, if nothing was understood, its type."""
    typed = evidence.kind is not Kind.REFUSED and "html" in (evidence.content_type or "")
    return typed or evidence.facts.get("html") is True
