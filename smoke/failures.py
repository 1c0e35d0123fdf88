"""Why a walk ends early, in words for who runs it."""

import signal

_LONGEST = 160


class CannotRunError(Exception):
    """It cannot be checked as asked; says in plain words what to do. Nothing was sent by then."""


class NoAnswerError(Exception):
    """A request left and no answer came: nobody knows what became of it."""


class StoppedError(BaseException):
    """Somebody stopped the walk; not an Exception, so that nothing on the way swallows it."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def in_one_line(text: str) -> str:
    """Return what others said without control characters, which would act on a terminal."""
    shown = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"
