"""Breadth first through every state of a scenario, or at random through its longest runs."""

import random
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.model.actors import Node, Spec, connect
from tests.model.answers import successors
from tests.model.invariants import Invariant, Violation
from tests.model.quiet import quiet
from tests.model.rest import Rest, is_at_rest
from tests.model.state import Faults, Scenario, State
from tests.model.told import Told
from tests.model.world import Step, World

type _Cause = tuple[State, Node | None, str] | None


@dataclass(slots=True)
class Found:
    """What a search saw."""

    scenario: Scenario
    states: int = 0
    transitions: int = 0
    runs: int = 0
    """How often the code ran."""
    seconds: float = 0.0
    complete: bool = False
    """Whether every state was seen."""
    violation: Violation | None = None
    trace: list[str] = field(default_factory=list)
    spared: set[str] = field(default_factory=set)
    """Faults of the scenario that never happened."""


def explore(
    scenario: Scenario, at_most: int | None = None, sought: Invariant | None = None
) -> Found:
    """See every state, up to a number of them; stop at the first violation.

    Of a broken variant one violation is sought, and nothing is looked at behind any other.
    """
    current: list[Told] = [Told([], 0, None)]
    started = time.process_time()
    found = Found(scenario)
    with quiet(current):
        world = World(scenario, current)
        _breadth_first(world, found, at_most, sought)
        found.runs = world.runner.runs
    found.seconds = time.process_time() - started
    return found


def _breadth_first(
    world: World, found: Found, at_most: int | None, sought: Invariant | None
) -> None:
    first = beginning(world)
    rest = Rest(world)
    seen: dict[State, _Cause] = {first: None}
    ahead = deque([first])
    found.spared = {name for name, times in first.faults._asdict().items() if times}
    while ahead and (at_most is None or len(seen) < at_most):
        state = ahead.popleft()
        violation = rest.violation(state) if is_at_rest(state) else None
        if violation and violation.invariant is (sought or violation.invariant):
            return _tell(found, seen, state, violation)
        for step in successors(world, state) if violation is None else ():
            found.transitions += 1
            if step.violation and step.violation.invariant is (sought or step.violation.invariant):
                found.trace = [sentence(state, step.who, step.what)]
                return _tell(found, seen, state, step.violation)
            if step.state.faults != state.faults:
                found.spared -= _spent(state, step)
            if step.state not in seen and step.violation is None:
                seen[step.state] = (state, step.who, step.what)
                ahead.append(step.state)
    found.states, found.complete = len(seen), not ahead
    return None


def _spent(state: State, step: Step) -> set[str]:
    left = zip(Faults._fields, state.faults, step.state.faults, strict=True)
    return {name for name, before, after in left if after < before}


def _tell(found: Found, seen: dict[State, _Cause], state: State, violation: Violation) -> None:
    found.states, found.violation = len(seen), violation
    cause = seen[state]
    while cause:
        before, who, what = cause
        found.trace.insert(0, sentence(before, who, what))
        cause = seen[before]


def sentence(state: State, who: Node | None, what: str) -> str:
    """Say a step."""
    name = f"{who.spec.name} [{who.started}] " if who else ""
    return f"{state.time:>4} s: {name}{what}"


def beginning(world: World) -> State:
    """Return the first state: a user who has connected, some time ago."""
    empty = State(
        time=0,
        rows=(),
        grants=(),
        queue=(),
        actors=(),
        todo=tuple(spec.number for spec in world.scenario.specs),
        faults=type(world.scenario.faults)(),
    )
    step = world.started(empty, Spec("the user", connect), None)
    while step.state.actors:
        step = next(successors(world, step.state))
    return step.state._replace(time=world.scenario.begins_at, faults=world.scenario.faults)


def wander(scenario: Scenario, seed: int, walks: int) -> Found:
    """Walk at random, from the beginning to where nothing more can happen, many times."""
    current: list[Told] = [Told([], 0, None)]
    started = time.process_time()
    found = Found(scenario)
    chance = random.Random(seed)
    with quiet(current):
        world = World(scenario, current)
        rest = Rest(world)
        first = beginning(world)
        seen = {first}
        for _ in range(walks):
            trace = []
            for state, step in _walk(world, rest, first, chance, found):
                trace.append(sentence(state, step.who, step.what))
                seen.add(step.state)
            if found.violation:
                found.trace = trace
                break
        found.states, found.runs = len(seen), world.runner.runs
    found.seconds = time.process_time() - started
    return found


def _walk(
    world: World, rest: Rest, state: State, chance: random.Random, found: Found
) -> Iterator[tuple[State, Step]]:
    """Go on until nothing more can happen, or something is violated."""
    while found.violation is None:
        found.violation = rest.violation(state) if is_at_rest(state) else None
        options = [] if found.violation else list(successors(world, state))
        if not options:
            return
        step = chance.choice(options)
        found.transitions += 1
        found.violation = step.violation
        yield state, step
        state = step.state
