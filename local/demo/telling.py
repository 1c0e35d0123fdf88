"""How the demo speaks: one line a step; colours on a terminal alone."""

import os
import sys
import time
from dataclasses import dataclass, field

_GREEN, _RED, _DIM, _PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[2m", "\x1b[0m"
_WIDTH = 44


@dataclass(slots=True)
class Teller:
    """Numbers the steps as they hold."""

    colours: bool = field(default_factory=sys.stdout.isatty)
    logs: str = "(nothing was started)"
    told: int = 0
    began: float = field(default_factory=time.monotonic)

    def heard_of_logs(self, logs: str) -> None:
        """Take note of where the logs are."""
        self.logs = os.path.relpath(logs)

    def held(self, title: str, seen: str) -> None:
        """Print a step that held."""
        self.told += 1
        print(f"{self._in(_GREEN, f'{self.told:>2}')}  {title:<{_WIDTH}}{seen}", flush=True)

    def not_held(self, title: str, expected: object, seen: object) -> None:
        """Print a step that did not."""
        number = self._in(_RED, f"{self.told + 1:>2}")
        print(f"{number}  {title:<{_WIDTH}}{self._in(_RED, 'did not hold')}")
        for name, value in (("expected", expected), ("seen", seen), ("logs", self.logs)):
            print(f"    {name:<10}{value}", flush=True)

    def ended(self) -> None:
        """Print how long it took, and the last line."""
        seconds = time.monotonic() - self.began
        print(self._in(_DIM, f"    {seconds:.0f} s; logs in {self.logs}"))
        print(f"demo: {self.told} steps, all held", flush=True)

    def _in(self, colour: str, text: str) -> str:
        return f"{colour}{text}{_PLAIN}" if self.colours else text
