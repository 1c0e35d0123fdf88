"""How a walk through steps speaks: one line a step, what was expected where one does not hold."""

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

_GREEN, _RED, _DIM, _PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[2m", "\x1b[0m"
_WIDTH = 44


class NotHeldError(Exception):
    """A step showed something else than the product promises."""

    def __init__(self, expected: object, seen: object) -> None:
        super().__init__(f"expected {expected}, seen {seen}")
        self.expected = expected
        self.seen = seen


class NotRunError(Exception):
    """A step was left out, and so shows nothing of the product; says why."""


def expect(expected: object, seen: object) -> None:
    """Compare; raise NotHeldError."""
    if expected != seen:
        raise NotHeldError(expected, seen)


def expect_within(expected: Mapping[str, object], seen: Mapping[str, object]) -> None:
    """Compare the named members of an answer alone; raise NotHeldError."""
    expect(expected, {name: seen.get(name) for name in expected})


@dataclass(slots=True)
class Teller:
    """Numbers the steps, and counts those that held."""

    walk: str
    """What is walked: the last line begins with it."""
    colours: bool = field(default_factory=sys.stdout.isatty)
    logs: str = ""
    """Where to read on; nothing is said of logs that nobody has."""
    told: int = 0
    left_out: int = 0
    began: float = field(default_factory=time.monotonic)

    def heard_of_logs(self, logs: str) -> None:
        """Take note of where the logs are."""
        self.logs = os.path.relpath(logs)

    def held(self, title: str, seen: str) -> None:
        """Print a step that held."""
        self.told += 1
        print(f"{self._in(_GREEN, f'{self.told:>2}')}  {title:<{_WIDTH}}{seen}", flush=True)

    def not_run(self, title: str, why: str) -> None:
        """Print a step that was left out; it keeps its place in the numbering."""
        self.told += 1
        self.left_out += 1
        print(f"{self._in(_DIM, ' –')}  {title:<{_WIDTH}}not run: {why}", flush=True)

    def not_held(self, title: str, expected: object, seen: object) -> None:
        """Print a step that did not."""
        number = self._in(_RED, f"{self.told + 1:>2}")
        print(f"{number}  {title:<{_WIDTH}}{self._in(_RED, 'did not hold')}")
        lines = [("expected", expected), ("seen", seen)]
        for name, value in lines + ([("logs", self.logs)] if self.logs else []):
            print(f"    {name:<10}{value}", flush=True)

    def ended(self) -> None:
        """Print how long it took, and the last line."""
        seconds = time.monotonic() - self.began
        logs = f"; logs in {self.logs}" if self.logs else ""
        print(self._in(_DIM, f"    {seconds:.0f} s{logs}"))
        held = self.told - self.left_out
        every = f"{held} steps, all held"
        some = f"{held} steps held, {self.left_out} not run"
        print(f"{self.walk}: {some if self.left_out else every}", flush=True)

    def _in(self, colour: str, text: str) -> str:
        return f"{colour}{text}{_PLAIN}" if self.colours else text
