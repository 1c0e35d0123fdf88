"""Which route a request takes, and whether it may take it now."""

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from local.template import Route, Throttle


@dataclass(frozen=True, slots=True)
class Match:
    """A route, and the decoded values of its path's parameters."""

    route: Route
    parameters: Mapping[str, str]


def match(routes: Iterable[Route], method: str, path: str) -> Match | None:
    """Return the most specific route for a raw path; a fixed segment beats a parameter.

    Segments are told apart before they are decoded, so that `%2F` stays within its parameter.
    """
    matches = [
        Match(route, parameters)
        for route in routes
        if route.method in {method, "ANY"}
        and (parameters := _parameters(route.path, path)) is not None
    ]
    return min(matches, key=_vagueness, default=None)


def _vagueness(found: Match) -> tuple[list[int], bool]:
    segments = [_rank(segment) for segment in found.route.path.split("/")]
    return segments, found.route.method == "ANY"


def _rank(segment: str) -> int:
    if not segment.startswith("{"):
        return 0
    return 2 if segment.endswith("+}") else 1


def _parameters(pattern: str, path: str) -> dict[str, str] | None:
    """Return the parameters if the path fits the pattern, else None."""
    expected, given = pattern.split("/"), path.split("/")
    if expected[-1].endswith("+}") and len(given) >= len(expected):
        last = len(expected) - 1
        given = [*given[:last], "/".join(given[last:])]
    if len(expected) != len(given):
        return None
    parameters: dict[str, str] = {}
    for segment, value in zip(expected, given, strict=True):
        if not segment.startswith("{"):
            if segment != value:
                return None
        elif not value:
            return None
        else:
            parameters[segment.strip("{+}")] = unquote(value)
    return parameters


@dataclass
class _Bucket:
    tokens: float
    at: float


@dataclass
class Throttles:
    """One token bucket per route, as the stage's settings say."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _buckets: dict[str, _Bucket] = field(default_factory=dict)

    def admits(self, key: str, throttle: Throttle) -> bool:
        """Take a token, if there is one."""
        now = time.monotonic()
        with self._lock:
            bucket = self._buckets.setdefault(key, _Bucket(throttle.burst, now))
            refilled = bucket.tokens + (now - bucket.at) * throttle.rate
            bucket.tokens, bucket.at = min(refilled, throttle.burst), now
            if bucket.tokens < 1:
                return False
            bucket.tokens -= 1
            return True
