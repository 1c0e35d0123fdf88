"""The shape of a rule: what it looks for, and all that it has to say."""

from collections.abc import Callable
from dataclasses import dataclass, field

from .causes import Cause, Certainty
from .configured import Configured
from .evidence import Evidence
from .predicates import Predicate

AT_SERVICE = "service"
AT_SERVER = "server"


@dataclass(frozen=True, slots=True)
class Paste:
    """The exact value to paste, and where; the value quotes ``Configured.words``."""

    place: str
    """``service``: the app's page there; ``server``: the field of ``PUT /v1/servers``."""
    field: str
    value: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """Another cause that would look the same, and what would tell it apart."""

    cause: Cause
    test: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One cause: when it is meant, why, what to do. Texts quote ``Configured.words``."""

    cause: Cause
    when: Predicate
    summary: str
    why: str
    fix: str | Callable[[Evidence, Configured], str]
    sure: Certainty = Certainty.CERTAIN
    paste: Paste | Callable[[Evidence, Configured], Paste | None] | None = None
    candidates: tuple[Candidate, ...] = field(default=())
    """In the order in which to try them."""
