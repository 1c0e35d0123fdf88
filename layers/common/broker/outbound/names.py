"""Names to addresses, within a deadline."""

import queue
import socket
import threading
from collections.abc import Callable, Sequence

from broker.clock import Clock

from .failures import Obstacle, Unreached

type Lookup = Callable[[str], Sequence[str]]
"""From a host name to its numeric addresses, in order of preference; raises OSError."""

_LOOKUPS_AT_ONCE = 16


def system_lookup(host: str) -> list[str]:
    """Ask the system's resolver; it may take as long as it likes."""
    # As bytes: a str would go through Python's IDNA codec, a second reading of the name.
    found = socket.getaddrinfo(host.encode("ascii"), None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Names:
    """A resolver that keeps a deadline, which getaddrinfo does not.

    Each look-up runs in a daemon thread of its own, so that one that hangs holds up neither its
    caller nor the end of the process; only so many may hang at once. Nothing is cached: a judged
    answer is used for one connection and never asked for twice.
    """

    def __init__(self, clock: Clock, lookup: Lookup = system_lookup) -> None:
        self._clock = clock
        self._lookup = lookup
        self._slots = threading.BoundedSemaphore(_LOOKUPS_AT_ONCE)

    def resolve(self, host: str, deadline: float) -> Sequence[str]:
        """Return every address of a name; raise Unreached if there is none in time."""
        if not self._slots.acquire(timeout=self._left(deadline)):
            raise Unreached(Obstacle.NAME, "The server's name did not resolve in time.")
        answer = queue.SimpleQueue[Sequence[str] | None]()
        threading.Thread(
            target=self._look_up, args=(host, answer), name="look-up", daemon=True
        ).start()
        try:
            addresses = answer.get(timeout=self._left(deadline))
        except queue.Empty:
            raise Unreached(Obstacle.NAME, "The server's name did not resolve in time.") from None
        if not addresses:
            raise Unreached(Obstacle.NAME, "The server's name does not resolve.")
        return addresses

    def _look_up(self, host: str, answer: "queue.SimpleQueue[Sequence[str] | None]") -> None:
        try:
            answer.put(self._lookup(host))
        except (OSError, UnicodeError):
            answer.put(None)
        finally:
            self._slots.release()

    def _left(self, deadline: float) -> float:
        return max(0.0, deadline - self._clock.monotonic())
