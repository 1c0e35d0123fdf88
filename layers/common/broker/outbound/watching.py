"""What left through the door, for whoever wants to tell the builder: each request, in order."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import httpx

from broker.clock import Clock
from broker.errors import OutboundError


@dataclass(frozen=True, slots=True)
class Sent:
    """One request and how it ended; its URL may hold secrets, and is for comparing only."""

    method: str
    url: str = field(repr=False)
    seconds: float
    """From the look-up of the name to the end of the answer, as far as it was read."""
    status: int | None = None
    headers: httpx.Headers = field(default_factory=httpx.Headers, repr=False)
    failure: OutboundError | None = None
    """Why there is no whole answer."""


_watched: ContextVar[list[Sent] | None] = ContextVar("watched", default=None)


@contextmanager
def watching() -> Iterator[list[Sent]]:
    """Collect the requests that this thread of work sends inside the block."""
    sent: list[Sent] = []
    token = _watched.set(sent)
    try:
        yield sent
    finally:
        _watched.reset(token)


@contextmanager
def noted(clock: Clock, method: str, url: str) -> Iterator[Callable[[httpx.Response], None]]:
    """Note one request, if somebody watches; the block hands in the response when it is there."""
    sent, started = _watched.get(), clock.monotonic()
    responses: list[httpx.Response] = []
    failure: OutboundError | None = None
    try:
        yield responses.append
    except OutboundError as exc:
        failure = exc
        raise
    finally:
        if sent is not None:
            status = responses[0].status_code if responses else None
            headers = responses[0].headers if responses else httpx.Headers()
            took = clock.monotonic() - started
            sent.append(Sent(method, url, took, status, headers, failure))
