"""How what a tick may queue is shared: max–min, between servers."""

from collections.abc import Sequence


def shares(demands: Sequence[tuple[int, float]], budget: float) -> list[float]:
    """Return what each server of each group gets; ``demands`` are (servers, each one's demand).

    Who wants less than an equal share gets all of it, and the others share what that leaves.
    """
    given = [0.0] * len(demands)
    left, open_servers = budget, sum(servers for servers, _ in demands)
    for place in sorted(range(len(demands)), key=lambda place: demands[place][1]):
        servers, demand = demands[place]
        given[place] = min(demand, left / open_servers)
        left -= servers * given[place]
        open_servers -= servers
    return given
