"""How much a tick may queue: as much as the workers clear in two minutes, less what waits."""

IN_FLIGHT = 5
"""Messages that one worker handles at once; the queue's BatchSize in the template."""
SECONDS_PER_REFRESH = 1.0
"""What a batch is assumed to take: as long as the slowest refresh in it.

Assumed too long, the workers would idle before the next tick: at most half of this may be true.
Assumed too short, messages wait longer than two minutes; where every refresh takes the eight
seconds that one may, a message waits 16 minutes, about as long as its claim stands.
"""
_SECONDS = 120
"""Two ticks: a late one leaves no worker idle."""
QUEUED_AT_MOST = 20_000
"""More than one run can claim; what is read must fit into memory."""


def clears(worker_concurrency: int) -> int:
    """Return how many connections the workers clear in two minutes."""
    return int(worker_concurrency * IN_FLIGHT * _SECONDS / SECONDS_PER_REFRESH)


def room(workers_clear: int, waiting: int) -> int:
    """Return how many connections may be queued while so many wait already."""
    return min(max(0, workers_clear - waiting), QUEUED_AT_MOST)
