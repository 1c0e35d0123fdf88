"""What becomes of a state at rest: rescued sets are applied, removals end, a call is answered."""

from collections.abc import Iterator

from broker.model import Status
from tests.model import answers, invariants
from tests.model.actors import Outcome, Spec, call, look, refused_call
from tests.model.invariants import Invariant, Violation
from tests.model.state import Faults, State
from tests.model.world import Step, World

_LOOK = Spec("a later look", look, seconds=30)
_CALL = Spec("a later call", call)
_REFUSED_CALL = Spec("a later call, refused at first", refused_call)
_PAUSES = (0, 50, 50, 300, 700)
"""Seconds before each try: a recovery, a backoff, the life of an access token."""
_STEPS_AT_MOST = 400


def is_at_rest(state: State) -> bool:
    """Return whether nothing is under way."""
    return not state.actors


class Rest:
    """Judges states at rest, each kind of them once."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._judged: dict[object, Violation | None] = {}

    def violation(self, state: State) -> Violation | None:
        """Judge a state at rest."""
        known = (state.time, state.rows, state.grants, state.queue)
        if known not in self._judged:
            self._judged[known] = self._judge(state)
        return self._judged[known]

    def _judge(self, state: State) -> Violation | None:
        state = state._replace(
            faults=Faults(), todo=(0,) * len(state.todo), outage=False, belated=()
        )
        kind = self._world.scenario.kind
        if not state.queue:
            found = invariants.at_rest(self._world.row(state), state.grants, kind)
            if found:
                return found
        said = ""
        for pause in _PAUSES:
            state = self._later(state, pause)
            outcome, violation, state = self._probed(state)
            if violation:
                return violation
            if self._settled(state, outcome):
                return None
            said += f" {outcome.word} {outcome.token or ''};"
        return Violation(Invariant.NO_STUCK_LEASE, f"a call gets:{said}")

    def _later(self, state: State, pause: int) -> State:
        """Let time pass, as the queue and the due index have it."""
        state = state._replace(time=state.time + pause)
        while waiting := [m for m in state.queue if m.visible_at <= state.time]:
            fetched = next(s for s in self._world.deliveries(state))
            state, _, _ = self._finished(fetched)
            if len(state.queue) >= len(waiting) and waiting[0] in state.queue:
                break
        row = self._world.row(state)
        if row and invariants.held(row).status == Status.REMOVING:
            state = self._finished(self._world.started(state, _LOOK, None))[0]
        return state

    def _probed(self, state: State) -> tuple[Outcome, Violation | None, State]:
        after, outcome, violation = self._finished(self._world.started(state, _CALL, None))
        if violation or outcome.word != "usable" or self._is_good(after, outcome):
            return outcome, violation, after
        step = self._world.started(after, _REFUSED_CALL, None)
        after, outcome, violation = self._finished(step)
        return outcome, violation, after

    def _settled(self, state: State, outcome: Outcome) -> bool:
        row = self._world.row(state)
        match outcome.word:
            case "usable":
                return self._is_good(state, outcome)
            case "not connected":
                return row is None or invariants.held(row).status == Status.REMOVING
            case "reconnect_required":
                if row is None:
                    return False
                kind = self._world.scenario.kind
                return invariants.has_cause(invariants.held(row), state.grants, kind)
        return False

    def _is_good(self, state: State, outcome: Outcome) -> bool:
        token = outcome.token or ""
        return state.grants[int(token[1:].partition(".")[0])].alive

    def _finished(self, step: Step) -> tuple[State, Outcome, Violation | None]:
        """Run what was started to its end without a fault, and what that waits for."""
        spec = next((a.node.spec for a in step.state.actors), None)
        outcome = step.outcome or Outcome("goes on for ever")
        for _ in range(_STEPS_AT_MOST):
            if step.violation or not step.state.actors:
                return step.state, outcome, step.violation
            step = next(_plain(self._world, step.state))
            if step.outcome and step.who and step.who.spec is spec:
                outcome = step.outcome
        return step.state, Outcome("goes on for ever"), None


def _plain(world: World, state: State) -> Iterator[Step]:
    """The first way of answering is the one without a fault; who waits lets time pass."""
    for actor in state.actors:
        if not actor.blocked:
            yield from answers.steps(world, state, actor)
    yield from world.deliveries(state)
    yield from world.passes(state)
