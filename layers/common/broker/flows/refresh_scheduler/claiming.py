"""Claim, then queue: nothing is claimed for long that is not queued, and nothing queued unclaimed.

Claiming first means that a tick which is killed, or a second one at the same time, queues nothing
twice. What it had claimed and not queued comes back when the claim runs out.
"""

import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from broker.clock import Clock
from broker.errors import StoredByNewerVersion, TemporarilyUnavailable
from broker.queues import DueMessage, Queues
from broker.storage.schedule import Due, Schedule
from broker.storage.table import PATIENCE

CLAIMED_FOR = timedelta(minutes=15)
"""A claimed connection is not queued again before this: an outage of hours would otherwise
queue it at every tick."""
_KEPT_BACK = 2 * PATIENCE + 1
"""Seconds in which the last claim and the request that queues it have ended, come what may."""
_REMEMBERED = 100_000


@dataclass(frozen=True, slots=True)
class Claims:
    """Claims and queues for one run; used by several threads at once."""

    clock: Clock
    schedule: Schedule
    queues: Queues
    passed_over: set[Due]
    """Connections that a newer version wrote, as they were due: remembered by the container, so
    that they take a place in one tick and not in every one."""
    deadline: float
    failed: Counter[str] = field(default_factory=Counter)
    """Requests that failed: ``claim`` or ``queue``. A count is only ever shown."""

    def queue(self, due: Sequence[Due]) -> int:
        """Claim up to ten and queue them together; return how many were queued."""
        again_at = self.clock.now() + CLAIMED_FOR
        claim_id = secrets.token_urlsafe(8)
        claimed = [one for one in due if self._claims(one, again_at, claim_id)]
        if not claimed:
            return 0
        left = self._send(claimed)
        self._give_back(left, again_at)
        return len(claimed) - len(left)

    def _claims(self, due: Due, again_at: datetime, claim_id: str) -> bool:
        if not self._has(_KEPT_BACK):
            return False
        try:
            return self.schedule.claim(due, again_at, claim_id)
        except StoredByNewerVersion:
            if len(self.passed_over) >= _REMEMBERED:
                self.passed_over.clear()
            self.passed_over.add(due)
        except TemporarilyUnavailable:  # where it was claimed all the same, the claim runs out
            self.failed["claim"] += 1
        return False

    def _send(self, claimed: list[Due]) -> list[Due]:
        """Return what was not queued."""
        by_message = {DueMessage(user_id=d.user_id, server_id=d.server_id): d for d in claimed}
        try:
            left = self.queues.send_due(list(by_message))
        except TemporarilyUnavailable:
            left = list(by_message)
        if left:
            self.failed["queue"] += 1
        return [by_message[message] for message in left]

    def _give_back(self, left: Iterable[Due], claimed_until: datetime) -> None:
        """Let the next tick find what could not be queued; else the claim's end will."""
        for due in left:
            if not self._has(PATIENCE):
                return
            claimed = replace(due, due_at=int(claimed_until.timestamp()))
            again_at = datetime.fromtimestamp(due.due_at, UTC)
            try:
                self.schedule.claim(claimed, again_at, secrets.token_urlsafe(8))
            except TemporarilyUnavailable:
                self.failed["claim"] += 1

    def _has(self, seconds: float) -> bool:
        return self.clock.monotonic() + seconds <= self.deadline
