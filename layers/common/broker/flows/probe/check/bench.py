"""What every check works with: the server, the time and the requests that are left."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from broker.clock import Clock
from broker.diagnosis import Evidence, Kind
from broker.flows.probe.places import redirect_uri
from broker.model import Checked, CheckOutcome, Invocation, Server
from broker.outbound import Sent
from broker.reports import diagnosis_of, told

MOST_REQUESTS = 12
"""After so many no further check is begun.

One that is under way may send more: the search for a token request style, up to ten.
"""
SECONDS = 24.0
PATIENCE = 5.0
"""Seconds for one request."""


@dataclass(slots=True)
class Bench:
    """One server under check, and what was seen of it."""

    clock: Clock
    server: Server
    invocation: Invocation
    sent: Sequence[Sent]
    """The requests so far, as the door notes them."""
    until: float = 0.0
    checks: list[Checked] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin the time."""
        self.until = min(self.clock.monotonic() + SECONDS, self.invocation.deadline - 2)

    @property
    def redirect_uri(self) -> str:
        """The server's own redirection endpoint."""
        return redirect_uri(self.server.server_id, self.invocation)

    @property
    def deadline(self) -> float:
        """Until when one request may take."""
        return min(self.clock.monotonic() + PATIENCE, self.until)

    @property
    def has_room(self) -> bool:
        """Say whether another check may be begun."""
        return len(self.sent) < MOST_REQUESTS and self.clock.monotonic() + 1 < self.until

    def ok(self, name: str, seen: str) -> None:
        """Note what holds."""
        self.checks.append(Checked(name, CheckOutcome.OK, seen))

    def unknown(self, name: str, seen: str) -> None:
        """Note what cannot be known."""
        self.checks.append(Checked(name, CheckOutcome.UNKNOWN, seen))

    def warning(self, name: str, seen: str) -> None:
        """Note what should be looked at, and has no cause that is known."""
        self.checks.append(Checked(name, CheckOutcome.WARNING, seen))

    def diagnosed(
        self, name: str, evidence: Evidence, outcome: CheckOutcome = CheckOutcome.FAILED
    ) -> None:
        """Note what is wrong, with its cause and what to do."""
        found = diagnosis_of(evidence, self.server, self.redirect_uri)
        self.checks.append(Checked(name, outcome, found.seen, told(found)))

    def not_asked(self, name: str) -> bool:
        """Note what there was no room for; True: it was so noted."""
        if self.has_room:
            return False
        self.unknown(name, "Not asked: enough time and requests were spent on this check.")
        return True


def is_there(evidence: Evidence) -> bool:
    """Say whether an endpoint that was asked without credentials answered as one does."""
    return evidence.kind in (Kind.OK, Kind.REFUSED)
