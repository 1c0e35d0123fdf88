"""What a fleet needs: settings with which the goal should hold. They are reckoned; a run shows."""

import math
from collections.abc import Iterator
from dataclasses import replace

from benchmarks.fleet.assumptions import GROUPS, STEP, WHEN_STRUGGLING, Effort, Stack
from benchmarks.fleet.rules import Rules, rules_with
from benchmarks.fleet.scenarios import Fleet, Scenario

GOAL = 0.999
MOST_WORKERS, MOST_PACE = 1000, 1000
"""What the template takes."""
_BUFFERS = (300, 900, 1800)
_SPARE = 1.2
_TICK_SECONDS = 60


def needed(fleet: Fleet, scenario: Scenario, effort: Effort) -> Stack:
    """Return settings for this day: the first that the product takes, else the last tried.

    A fifth more than what is needed on average. Where everything is due at once, a longer buffer
    gives more time; it costs refreshes, and so is only tried there.
    """
    tried = Stack()
    for tried in _candidates(fleet, scenario, effort):
        if possible(tried):
            break
    return tried


def possible(stack: Stack) -> bool:
    """Return whether the product takes these settings."""
    return stack.workers <= MOST_WORKERS and stack.pace <= MOST_PACE and stack.schedulers == 1


def _candidates(fleet: Fleet, scenario: Scenario, effort: Effort) -> Iterator[Stack]:
    for buffer in _BUFFERS if scenario.everything_due else _BUFFERS[:1]:
        stack = Stack(buffer_seconds=buffer)
        rules = rules_with(stack)
        rate = fleet.active / _seconds_for(rules, scenario)
        looks = _looks(fleet) if scenario.away else 0.0
        busy = rate * effort.refresh_seconds + looks * effort.look_seconds
        claims = (rate + looks) * _TICK_SECONDS / effort.claims_a_tick
        yield replace(
            stack,
            workers=max(stack.workers, math.ceil(_SPARE * busy)),
            pace=max(stack.pace, math.ceil(_SPARE * rate * _of_the_largest(scenario))),
            schedulers=math.ceil(_SPARE * claims),
        )


def _seconds_for(rules: Rules, scenario: Scenario) -> float:
    """Return the seconds in which each connection is refreshed once."""
    period = rules.period * STEP
    if scenario.everything_due:
        return min(period, min(rules.leads) * STEP - _TICK_SECONDS)
    return period


def _of_the_largest(scenario: Scenario) -> float:
    """Return the largest server's part of the refreshes, when it has most of them.

    Where everything is due at once, all servers get the same until the smaller ones are through;
    what the largest has left then is to be sent in what is left of the time.
    """
    largest, other = GROUPS
    if not scenario.everything_due:
        return largest.share
    servers = largest.servers + other.servers
    return (largest.share - other.share) / (1 - servers * other.share / _SPARE) / _SPARE


def _looks(fleet: Fleet) -> float:
    """Return how often a second the connections of the server that is away are looked at."""
    return fleet.active * GROUPS[0].share / (sum(WHEN_STRUGGLING) / 2)
