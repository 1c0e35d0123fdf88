"""Each minute: put the connections that are due on the queue, earliest first."""

import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from broker.clock import Clock
from broker.errors import TemporarilyUnavailable
from broker.metrics import OLDEST_DUE, TICK
from broker.model import Invocation
from broker.queues import BATCH, DueMessage, Queues
from broker.storage.connection_items import SHARDS
from broker.storage.connections import ConnectionStore, Due
from broker.telemetry import count, logger, record

CLAIMED_FOR = timedelta(minutes=15)
"""A claimed connection is not queued again before this: an outage of hours would otherwise
queue it at every tick."""
PER_SHARD = 25
WAITING_AT_MOST = 1200
"""More than the workers clear in two minutes."""
_KEPT_BACK = 5.0


@dataclass(frozen=True, slots=True)
class Tick:
    """What one run did."""

    due: int
    queued: int


@dataclass(frozen=True, slots=True)
class RefreshScheduler:
    """Claims what is due, then queues it; a duplicate or late tick changes nothing."""

    clock: Clock
    connections: ConnectionStore
    queues: Queues

    def tick(self, invocation: Invocation) -> Tick:
        """Queue what is due; stops when the queue is long or time runs out."""
        waiting = self.queues.waiting()
        due = self._due(invocation)
        record(OLDEST_DUE, self._oldest(due))
        queued = 0
        for start in range(0, len(due), BATCH):
            out_of_time = self.clock.monotonic() + _KEPT_BACK > invocation.deadline
            if out_of_time or waiting + queued >= WAITING_AT_MOST:
                break
            queued += self._queue(due[start : start + BATCH])
        logger().info("tick", extra={"due": len(due), "queued": queued, "waiting": waiting})
        count(TICK, outcome="full" if queued < len(due) else "done")
        return Tick(len(due), queued)

    def _oldest(self, due: list[Due]) -> float:
        now = self.clock.now().timestamp()
        return max((now - one.due_at for one in due), default=0)

    def _due(self, invocation: Invocation) -> list[Due]:
        now = self.clock.now()
        found: list[Due] = []
        for shard in range(SHARDS):
            if self.clock.monotonic() + 2 * _KEPT_BACK > invocation.deadline:
                break
            found += self.connections.due(shard, now, PER_SHARD)
        return sorted(found, key=lambda due: due.due_at)

    def _queue(self, due: list[Due]) -> int:
        """Claim, then queue what was claimed, also where the table goes away in between."""
        again_at = self.clock.now() + CLAIMED_FOR
        claim_id = secrets.token_urlsafe(8)
        claimed: list[Due] = []
        try:
            claimed.extend(one for one in due if self.connections.claim(one, again_at, claim_id))
        finally:
            queued = self._send(claimed, again_at) if claimed else 0
        return queued

    def _send(self, claimed: list[Due], again_at: datetime) -> int:
        messages = {DueMessage(user_id=c.user_id, server_id=c.server_id): c for c in claimed}
        try:
            left = self.queues.send_due(list(messages))
        except TemporarilyUnavailable:
            left = list(messages)
        for message in left:
            self._give_back(messages[message], again_at)
        return len(messages) - len(left)

    def _give_back(self, due: Due, claimed_until: datetime) -> None:
        """Let the next tick find what could not be queued."""
        claimed = replace(due, due_at=int(claimed_until.timestamp()))
        again_at = datetime.fromtimestamp(due.due_at, UTC)
        self.connections.claim(claimed, again_at, secrets.token_urlsafe(8))
