"""The authorization server's grants: each a chain of refresh tokens, rt0 → rt1 → …, and a log."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from tests.faults import wire

GRACE_SECONDS = 600.0
"""How long a server with a grace period gives the same next set again."""


class Rotation(StrEnum):
    """What a refresh does to the refresh token, and what a second use of it does."""

    STRICT = "strict"
    """A new one each time; a used one ends the family."""
    GRACE = "grace"
    """A new one each time; the one just used gives the same set again for a while."""
    STATIC = "static"
    """It stays the same."""


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """What goes wrong with one request."""

    before: Callable[[], object] | None = None
    """Happens as it arrives, before anything is processed."""
    processes: bool = True
    during: Callable[[], object] | None = None
    """Happens once it was processed, before the answer goes out."""
    answer: wire.Message | None = None
    """Goes out in place of the true one."""
    without: str = ""
    """A member that the true answer lacks."""
    silent: bool = False
    """Nothing goes out: the connection is closed."""
    cut: bool = False
    """Half of the answer goes out."""
    loses: bool = False
    """The client cannot learn what was issued."""


@dataclass(frozen=True, slots=True)
class Presented:
    """A line of the log: a refresh token was presented."""

    at: float
    token: int
    """Its place in the chain."""
    outcome: str
    """``issued``, ``again`` (within grace), ``reuse``, ``dead``, or ``unprocessed``."""


@dataclass(slots=True)
class Family:
    """What one consent gave."""

    number: int
    rotation: Rotation
    life: int
    user: str = ""
    newest: int = 0
    """The place of the newest set in the chain; without rotation, of the newest access token."""
    rotated_at: float = 0.0
    ended: str = ""
    """Why it is dead: ``reuse``, ``revoked``, ``withdrawn``."""
    log: list[Presented] = field(default_factory=list)
    script: deque[Misbehaviour | None] = field(default_factory=deque)
    """What goes wrong with the next requests, one for each; None is nothing."""
    losses: int = 0
    """Answers that were processed and could not arrive."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def refresh_token(self, place: int) -> str:
        """Return the refresh token at a place of the chain."""
        return f"rt.{self.number}.{0 if self.rotation is Rotation.STATIC else place}"

    def present(self, place: int, now: float) -> tuple[int | None, str]:
        """Spend a refresh token: return the place of the set it gives, or None and why not."""
        if self.ended:
            return None, "dead"
        if self.rotation is Rotation.STATIC:
            self.newest += 1
            return self.newest, "issued"
        if place == self.newest:
            self.newest, self.rotated_at = self.newest + 1, now
            return self.newest, "issued"
        graced = self.rotation is Rotation.GRACE and now <= self.rotated_at + GRACE_SECONDS
        if graced and place == self.newest - 1:
            return self.newest, "again"
        self.ended = "reuse"
        return None, "reuse"

    def set_at(self, place: int) -> dict[str, object]:
        """Return the token response for a place of the chain."""
        told: dict[str, object] = {
            "access_token": f"at.{self.number}.{place}",
            "token_type": "Bearer",
            "expires_in": self.life,
        }
        if place == 0 or self.rotation is not Rotation.STATIC:
            told["refresh_token"] = self.refresh_token(place)
        return told

    @property
    def requests(self) -> int:
        """How many refresh requests came in."""
        return len(self.log)

    @property
    def spent_twice(self) -> int:
        """How many times a single-use token was spent again after it had been processed once."""
        if self.rotation is Rotation.STATIC:
            return 0
        spent = [each.token for each in self.log if each.outcome in {"issued", "again", "reuse"}]
        return len(spent) - len(set(spent))
