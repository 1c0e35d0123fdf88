"""What a run gets: a folder, a seed, children that end with it, and what runs share."""

import random
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from local.processes import Children


@dataclass
class Stage:
    """The surroundings of fault runs; a context manager that ends all it started.

    ``shared(make)`` makes something once, on first use, for all runs: ``make`` is a function of
    the stage that returns a context manager, and is what the thing is remembered by.
    """

    folder: Path
    """Where logs go."""
    seed: int = 1
    """What is random is drawn from this."""
    children: Children = field(default_factory=Children)
    _open: ExitStack = field(default_factory=ExitStack, repr=False)
    _made: dict[Callable[..., Any], Any] = field(default_factory=dict, repr=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._open.close()
        finally:
            self.children.close()

    def shared[Thing](self, make: Callable[["Stage"], AbstractContextManager[Thing]]) -> Thing:
        """Return the one thing that ``make`` makes, open until the stage ends."""
        if make not in self._made:
            self._made[make] = self._open.enter_context(make(self))
        thing: Thing = self._made[make]
        return thing

    def random(self, name: str) -> random.Random:
        """Return a generator that draws the same for the same seed and name."""
        return random.Random(f"{self.seed}:{name}")
