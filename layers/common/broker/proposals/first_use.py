"""The first use of a server that was registered with nothing but its URL."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from broker.clock import Clock
from broker.errors import ServerMisconfigured, TemporarilyUnavailable
from broker.metrics import FIRST_USE
from broker.model import AuthType, Found, Invocation, Problem, Server
from broker.storage.found import FoundStore
from broker.telemetry import count

from .proposals import Proposals
from .styles import Styles

LOOK_AGAIN = timedelta(minutes=5)
"""How long a look that came to nothing stands."""
SECONDS = 10.0
"""No look starts with less time than this left."""


@dataclass(frozen=True, slots=True)
class FirstUse:
    """Completes servers, or says why they are not complete."""

    clock: Clock
    found: FoundStore
    proposals: Callable[[], Proposals]
    """Only a first use pays for what discovery imports."""
    styles: Callable[[], Styles]

    def complete(self, server: Server, invocation: Invocation, *, afresh: bool = False) -> Server:
        """Return a server that users can connect to, having it discovered where that is wanted.

        Discovered is what has neither client nor endpoint of its builder's, once: what was found
        stays while the server keeps its URL. A token request style of ``auto`` is settled, as far
        as it can be; ``afresh``: again. Raises ServerMisconfigured, TemporarilyUnavailable.
        """
        if not server.missing:
            finding = server.style_finding
            settled = finding is None or (finding.proven and not afresh)
            return server if settled else self.styles().settle(server, invocation, again=afresh)
        if not server.is_bare:
            raise _incomplete(server)
        known = self.found.get(server)
        if known is None or self._is_worth_a_look(known):
            known = self._look(server, invocation)
        if known.server is None:
            raise _incomplete(server, known.problems)
        return known.server

    def _is_worth_a_look(self, known: Found) -> bool:
        return known.server is None and known.found_at + LOOK_AGAIN <= self.clock.now()

    def _look(self, server: Server, invocation: Invocation) -> Found:
        if invocation.deadline - self.clock.monotonic() < SECONDS:
            message = "Too little time is left to find out about the server."
            raise TemporarilyUnavailable(message, retry_after=1)
        discovered = self.proposals().of(server, invocation)
        # One that is open to everybody is its builder's to say so: nobody connects to it.
        usable = discovered.ready and discovered.server.auth_type is AuthType.CONSUMER_OAUTH
        count(FIRST_USE, outcome="completed" if usable else "failed")
        complete = discovered.server if usable else None
        return self.found.put(server, Found(complete, discovered.problems, self.clock.now()))


def _incomplete(server: Server, problems: Sequence[Problem] = ()) -> ServerMisconfigured:
    """Name what is missing, and what discovery met when it looked for it."""
    details: dict[str, object] = {"missing": list(server.missing)}
    if problems:
        details["problems"] = [
            {"code": one.code, "message": one.message, "url": one.url} for one in problems
        ]
    return ServerMisconfigured("The server's configuration is not complete.", details=details)
