"""One run of a function: what a flow may know of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Invocation:
    """The request's id, when it must have answered, and the address it was reached at."""

    request_id: str
    deadline: float
    """In seconds of ``Clock.monotonic()``: this invocation is dead afterwards."""
    base_url: str = ""
    """Public origin of the broker, without a trailing slash."""
