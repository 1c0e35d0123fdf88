"""How a tick's room is shared between servers: for every backlog, not for examples."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.flows.refresh_scheduler.budget import clears, room
from broker.flows.refresh_scheduler.fairness import at_most, share
from broker.storage.schedule import Due

ROOMS = st.integers(0, 60)
SERVERS = st.sampled_from(["a", "b", "c", "d", "e"])
BACKLOGS = st.lists(SERVERS, max_size=120).map(
    lambda servers: [Due(f"user-{n}", server, n // 3) for n, server in enumerate(servers)]
)


def by_server(due: list[Due]) -> Counter[str]:
    return Counter(one.server_id for one in due)


@given(BACKLOGS, ROOMS)
def test_the_room_is_used_and_never_more(due: list[Due], room: int) -> None:
    assert len(share(due, room)) == min(room, len(due))


@given(BACKLOGS, ROOMS)
def test_nobody_gets_less_than_an_equal_part_unless_less_is_due(due: list[Due], room: int) -> None:
    demands, given_ = by_server(due), by_server(share(due, room))
    for server, demand in demands.items():
        assert given_[server] >= min(demand, room // len(demands))


@given(BACKLOGS, ROOMS)
def test_whoever_got_less_than_was_due_got_no_less_than_others(due: list[Due], room: int) -> None:
    """Max–min: more for one would have to come from one that has no more."""
    demands, given_ = by_server(due), by_server(share(due, room))
    for server, demand in demands.items():
        if given_[server] < demand:
            assert given_[server] + 1 >= max(given_.values(), default=0)


@given(BACKLOGS, ROOMS)
def test_within_a_server_the_earliest_go_first(due: list[Due], room: int) -> None:
    chosen = share(due, room)
    for server in by_server(due):
        waiting = [one for one in due if one.server_id == server]
        got = [one for one in chosen if one.server_id == server]
        assert got == waiting[: len(got)]


@given(BACKLOGS, ROOMS, ROOMS)
def test_whoever_stops_early_was_fair_so_far(due: list[Due], room: int, done: int) -> None:
    assert share(due, room)[:done] == share(due, min(room, done))


@given(BACKLOGS, ROOMS)
def test_a_round_is_in_the_order_of_the_moments(due: list[Due], room: int) -> None:
    chosen = share(due, room)
    seen: Counter[str] = Counter()
    rounds = []
    for one in chosen:
        rounds.append((seen[one.server_id], due.index(one)))
        seen[one.server_id] += 1
    assert all(one < other for one, other in pairwise(rounds))


@given(BACKLOGS, ROOMS)
def test_what_is_beyond_the_most_that_a_server_gets_changes_nothing(
    due: list[Due], room: int
) -> None:
    most = at_most(by_server(due).values(), room)
    seen: Counter[str] = Counter()
    enough = []
    for one in due:
        seen[one.server_id] += 1
        if seen[one.server_id] <= most:
            enough.append(one)
    assert share(enough, room) == share(due, room)


@given(st.lists(st.integers(1, 50), max_size=6), st.lists(st.integers(1, 50)), ROOMS)
def test_more_demand_never_raises_what_others_get_at_most(
    demands: list[int], more: list[int], room: int
) -> None:
    if sum(demands) >= room:  # before, whoever has little may still get more
        assert at_most(demands + more, room) <= at_most(demands, room)


def test_the_workers_clear_five_at_once_each_for_two_minutes() -> None:
    assert clears(5) == 5 * 5 * 120
    assert clears(10) == 2 * clears(5)


@pytest.mark.parametrize(
    ("waiting", "left"), [(0, 3000), (1000, 2000), (3000, 0), (10_000, 0), (2999, 1)]
)
def test_what_waits_takes_room(waiting: int, left: int) -> None:
    assert room(clears(5), waiting) == left


def test_one_run_promises_no_more_than_it_can_hold() -> None:
    assert room(clears(1000), 0) == 20_000
