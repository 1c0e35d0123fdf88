"""Ctrl-C and its kin: the first one stops the walk, none stops the deletion after it."""

import signal
from types import FrameType
from typing import Any, Self

from smoke.failures import StoppedError

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """A context manager, in the main thread; afterwards all is as it was."""

    def __init__(self) -> None:
        self.held = False
        """Whether signals are ignored; to be set by assignment, which no signal can interrupt."""
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for each in _SIGNALS:
            before = signal.getsignal(each)
            if (each, before) != (signal.SIGHUP, signal.SIG_IGN):  # as nohup wants it
                self._before[each] = signal.signal(each, self._stop)
        return self

    def __exit__(self, *_: object) -> None:
        for each, before in self._before.items():
            signal.signal(each, before)

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        if not self.held:
            self.held = True
            raise StoppedError(number)
