"""Shares out what a tick may queue: max–min fair between servers, earliest first within one.

In rounds: in each one, every server that has something due gives its earliest that is left, until
the room is used up. A server with little gets all of it; what it leaves is the others'; and among
those that have more than their share nobody gets more than one above another. Who gives first in
the last, broken round is who has waited longest.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from broker.storage.schedule import Due


def share(due: Sequence[Due], room: int) -> list[Due]:
    """Return what to queue, round by round; ``due`` is in the order of its moments.

    Whoever stops early, for lack of time, has been fair so far.
    """
    given: Counter[str] = Counter()
    ranked: list[tuple[int, Due]] = []
    for one in due:
        ranked.append((given[one.server_id], one))
        given[one.server_id] += 1
    ranked.sort(key=lambda pair: pair[0])  # stable: the order stays within a round
    return [one for _, one in ranked[:room]]


def at_most(demands: Iterable[int], room: int) -> int:
    """Return how many one server gets at most, whatever else of it is due.

    The water rises in all servers alike until the room is used; what is above it cannot matter.
    More demand elsewhere only lowers it. ``room`` is not negative.
    """
    ordered = sorted(demands)
    for position, demand in enumerate(ordered):
        others = len(ordered) - position
        if demand > room // others:
            return math.ceil(room / others)  # some get one more, in the broken round
        room -= demand
    return room + max(ordered, default=0)
