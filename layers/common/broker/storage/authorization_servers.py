"""How an authorization server bears up, and how many refreshes ahead of time it was sent lately.

One row for each, beside those of the servers that use it; its key is the origin of the token
endpoint, which is no ``server_id``. Times are the table's.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from boto3.dynamodb.conditions import Attr, ConditionBase

from broker.storage.table import ConditionFailed, Item, Table, maybe_moment, seconds

WINDOW = 10
"""Seconds in which refreshes are counted together."""
FAILURES = 10
"""How many refreshes in a row without an answer make one that struggles."""
PLEAS = 3
"""How many refreshes in a row fail before one's whole ``Retry-After`` holds for all."""
SHORT_PAUSE = timedelta(minutes=1)
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of an authorization server."""

    failures: int = 0
    """Refreshes in a row, of anybody's, that brought no answer that can be read."""
    paused_until: datetime | None = None
    """Until when it asked to be left alone (429 with Retry-After)."""

    @property
    def struggles(self) -> bool:
        """Return whether it gets no more than one refresh in each window: a probe."""
        return self.failures >= FAILURES

    def pauses(self, now: datetime) -> bool:
        """Return whether it is to be left alone."""
        return self.paused_until is not None and now < self.paused_until


@dataclass(frozen=True, slots=True)
class AuthorizationServerStore:
    """Standings by origin. Every method may raise TemporarilyUnavailable."""

    table: Table

    def admit(self, origin: str, rate: int, now: datetime) -> tuple[bool, Standing]:
        """Count one more refresh if ``rate`` for each second leaves room; say how it stands."""
        window = int(now.timestamp()) // WINDOW
        standing = Standing()
        for _ in range(_TRIES):
            try:
                return True, self._count(origin, window, rate * WINDOW, now)
            except ConditionFailed as failed:
                found = failed.item or {}
            standing = _standing(found)
            counted = found.get("window", -1)
            if counted == window or standing.pauses(now):
                break
            if counted > window:  # another reading of the table's clock is ahead of ours
                window = counted
                continue
            try:
                return True, self._open(origin, window, now)
            except ConditionFailed:
                continue  # another container opened it
        return False, standing

    def failed(self, origin: str, now: datetime, paused_until: datetime | None) -> None:
        """Count a refresh that brought no answer, or the answer to come back later.

        One user's may be meant for that user alone, so that all wait for a minute at most; when
        ``PLEAS`` refreshes in a row fail, for as long as is asked.
        """
        key = {"server_id": origin}
        standing = _standing(self.table.update(key, condition=None, increment=("failures",)))
        if paused_until is None:
            return
        if standing.failures < PLEAS:
            paused_until = min(paused_until, now + SHORT_PAUSE)
        until = seconds(paused_until)
        longer = Attr("paused_until").not_exists() | Attr("paused_until").lt(until)
        with suppress(ConditionFailed):
            self.table.update(key, condition=longer, assign={"paused_until": until})

    def answers(self, origin: str) -> None:
        """Say that it answers."""
        self.table.update(
            {"server_id": origin}, condition=None, remove=("failures", "paused_until")
        )

    def _count(self, origin: str, window: int, most: int, now: datetime) -> Standing:
        struggles_not = Attr("failures").not_exists() | Attr("failures").lt(FAILURES)
        room = Attr("window").eq(window) & Attr("sent").lt(most) & struggles_not
        item = self.table.update(
            {"server_id": origin}, condition=room & _left_in_peace(now), increment=("sent",)
        )
        return _standing(item)

    def _open(self, origin: str, window: int, now: datetime) -> Standing:
        """Begin to count anew; whoever does is the probe of one that struggles."""
        older = Attr("window").not_exists() | Attr("window").lt(window)
        item = self.table.update(
            {"server_id": origin},
            condition=older & _left_in_peace(now),
            assign={"window": window, "sent": 1},
        )
        return _standing(item)


def _left_in_peace(now: datetime) -> ConditionBase:
    return Attr("paused_until").not_exists() | Attr("paused_until").lte(seconds(now))


def _standing(item: Item) -> Standing:
    return Standing(item.get("failures", 0), maybe_moment(item.get("paused_until")))
