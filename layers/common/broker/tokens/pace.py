"""How fast refreshes ahead of time go to one authorization server.

Logins and calls are never held back by it. What the worker does for users who are not waiting is:
a backlog of refreshes must not use up what the service lets one client ask, nor may a service that
is away keep the workers busy.
"""

import random
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from broker.errors import TemporarilyUnavailable
from broker.model import Server
from broker.storage.authorization_servers import AuthorizationServerStore, Standing

_WHEN_FULL = (10.0, 120.0)
_WHEN_STRUGGLING = (60.0, 900.0)
"""Seconds after which the worker looks again; spread, so that nobody comes back in a crowd."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether a refresh ahead of time may be sent now."""

    again_at: datetime | None
    """When to look again; None: it may be sent."""
    struggled: bool = False
    """Whether the server left refreshes unanswered lately."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Holds refreshes ahead of time to ``rate`` a second for each authorization server."""

    authorization_servers: AuthorizationServerStore
    rate: int

    def admit(self, server: Server, now: datetime) -> Admission:
        """Take a place for one refresh; may raise TemporarilyUnavailable."""
        admitted, standing = self.authorization_servers.admit(
            server.authorization_server, self.rate, now
        )
        again_at = None if admitted else _again_at(standing, now)
        return Admission(again_at, standing.failures > 0)

    def unanswered(self, server: Server, asked_to_wait: float | None, now: datetime) -> None:
        """Note a refresh without an answer that can be read; ``asked_to_wait``: Retry-After."""
        paused_until = now + timedelta(seconds=asked_to_wait) if asked_to_wait else None
        with suppress(TemporarilyUnavailable):
            self.authorization_servers.failed(server.authorization_server, now, paused_until)

    def answered(self, server: Server) -> None:
        """Note that the server answers again."""
        with suppress(TemporarilyUnavailable):
            self.authorization_servers.answers(server.authorization_server)


def _again_at(standing: Standing, now: datetime) -> datetime:
    start = max(now, standing.paused_until or now)
    span = _WHEN_STRUGGLING if standing.struggles else _WHEN_FULL
    return start + timedelta(seconds=random.uniform(*span))  # noqa: S311 - spreads load
