"""What is due: every shard page by page, earliest first over all of them."""

import heapq
from collections import Counter
from collections.abc import Callable, Container, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime

from broker.errors import TemporarilyUnavailable
from broker.storage.connection_items import SHARDS
from broker.storage.schedule import LEFT_OUT_AT_MOST, Due, Schedule

from .fairness import at_most

_SMALLEST_PAGE = 25


@dataclass(frozen=True, slots=True)
class _Page:
    due: list[Due]
    last: Due | None = None
    """Where the next page starts; None: nothing follows."""
    unread: bool = False


@dataclass(slots=True)
class Agenda:
    """One tick's reading. Pages are read when they are needed, as long as ``may_go_on`` says.

    It ends when nothing is left or time runs out, never because much was found: behind a long
    backlog of one server another's few may wait. But once a server has all that it can get
    (fairness.at_most), the table leaves it out of the pages, which then are as long as DynamoDB
    reads at once: a backlog is passed by the thousands, for hardly any CPU.
    """

    schedule: Schedule
    now: datetime
    room: int
    passed_over: Container[Due]
    """What cannot be claimed: it takes nobody's room."""
    may_go_on: Callable[[], bool]
    found: int = 0
    """How many were seen; what the table left out is not counted."""
    oldest: int | None = None
    """The earliest moment of all; None: nothing is due."""
    unread: int = 0
    """Shards that could not be read, or not to their end; the next tick tries again."""
    unread_heads: int = 0
    """Those of which not even the earliest is known."""
    whole: bool = True
    """Whether all of it was read."""
    _kept: Counter[str] = field(default_factory=Counter)
    """By server."""
    _enough: int = 0
    """Of one server."""

    def read(self, pool: Executor) -> list[Due]:
        """Return what may be queued, in the order of its moments."""
        self._enough = self.room
        heads = list(pool.map(self._page, range(SHARDS)))
        self.unread_heads = sum(head.unread for head in heads)
        self.oldest = min((head.due[0].due_at for head in heads if head.due), default=None)
        shards = [self._shard(shard, head) for shard, head in enumerate(heads)]
        return [one for one in heapq.merge(*shards, key=_moment) if self._keeps(one)]

    def _shard(self, shard: int, page: _Page) -> Iterator[Due]:
        while True:
            self.found += len(page.due)
            yield from page.due
            if page.unread or page.last is None:
                break
            if not self.room:
                self.whole = False
                return
            page = self._page(shard, page.last)
        self.unread += page.unread
        self.whole = self.whole and not page.unread

    def _page(self, shard: int, last: Due | None = None) -> _Page:
        if not self.may_go_on():
            return _Page([], unread=True)
        self._enough = at_most(self._kept.values(), self.room)
        full = [
            server
            for server, kept in self._kept.most_common(LEFT_OUT_AT_MOST)
            if kept >= self._enough
        ]
        # A shard holds about a 64th of all: a second page is seldom needed, and if so, a long one.
        limit = None if full else _SMALLEST_PAGE + 2 * self.room // SHARDS
        try:
            found, last = self.schedule.due(shard, self.now, limit, after=last, without=full)
        except TemporarilyUnavailable:
            return _Page([], unread=True)
        return _Page(found, last)

    def _keeps(self, one: Due) -> bool:
        if one in self.passed_over or self._kept[one.server_id] >= self._enough:
            return False
        self._kept[one.server_id] += 1
        return True


def _moment(due: Due) -> int:
    return due.due_at
