"""The product's own rules, asked often enough to know how their answers spread."""

import functools
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from benchmarks.fleet.assumptions import LIFETIME, STEP, Stack
from broker.model import AuthType, Sealed, SealedTokens, Server
from broker.tokens.timing import RefreshPolicy

_SEED, _DRAWS = 20, 2000
_NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
_NOTHING = Sealed(b"", b"", b"")
_SERVER = Server("any", "Any", "https://mcp.example.com/mcp", AuthType.CONSUMER_OAUTH)


@dataclass(frozen=True, slots=True)
class Rules:
    """In steps."""

    lifetime: int
    leads: Mapping[int, float]
    """How long before its expiry a token set is due, and the share of those due then."""
    buffer: int
    """How long before expiry a call refreshes by itself."""

    @classmethod
    def of(cls, policy: RefreshPolicy) -> Self:
        """Ask the policy when token sets of an hour are due while they are in use."""
        tokens = SealedTokens(_NOTHING, _NOTHING, _NOW + LIFETIME, _NOW, ())
        found: Counter[int] = Counter()
        with _seeded():
            for _ in range(_DRAWS):
                due_at = policy.due_at(tokens, _SERVER, _NOW, _NOW)
                if due_at is None:
                    raise ValueError("This policy refreshes nothing ahead.")
                found[_steps(_NOW + LIFETIME - due_at)] += 1
        leads = {lead: number / _DRAWS for lead, number in sorted(found.items())}
        return cls(_steps(LIFETIME), leads, _steps(policy.buffer_of(tokens)))

    @property
    def period(self) -> float:
        """Steps from one refresh until the next is due, on average."""
        return self.lifetime - sum(lead * share for lead, share in self.leads.items())


@functools.cache
def rules_with(stack: Stack) -> Rules:
    """Return the rules that a stack's settings lead to."""
    return Rules.of(RefreshPolicy(buffer=timedelta(seconds=stack.buffer_seconds)))


def _steps(time: timedelta) -> int:
    """Return whole steps; of a lead, fewer: the latest moment counts."""
    return int(time.total_seconds()) // STEP


@contextmanager
def _seeded() -> Iterator[None]:
    """Draw the same each time, and leave chance to others as it was."""
    before = random.getstate()
    random.seed(_SEED)
    try:
        yield
    finally:
        random.setstate(before)
