"""Each precaution of the protocol, left out, is missed: the search finds what then goes wrong."""

from dataclasses import dataclass, replace

import pytest

from tests.model import variants
from tests.model.invariants import Invariant
from tests.model.parts import ModelParts
from tests.model.scenarios import CALL, CONNECT, DEAD, DISCONNECT, SLOW_CALL, of
from tests.model.search import explore
from tests.model.state import Faults, Scenario

ENOUGH = 60_000


@dataclass(frozen=True, slots=True)
class Broken:
    """A variant, where its fault shows, and as what."""

    parts: type[ModelParts]
    violates: Invariant
    scenario: Scenario


BROKEN = [
    Broken(
        variants.Unleased,
        Invariant.PRESENTED_ONCE,
        Scenario("two calls", (of(CALL, 2),), begins_at=DEAD),
    ),
    Broken(
        variants.FencedByLease,
        Invariant.HOLDS_THE_CHAIN,
        Scenario(
            "a slow answer, and a key that does not open",
            (of(CALL, 2),),
            Faults(slow=1, keys=1),
            begins_at=DEAD,
        ),
    ),
    Broken(
        variants.WithoutGrant,
        Invariant.NO_RESURRECTION,
        Scenario("a call and a reconnect", (CALL, CONNECT), begins_at=DEAD),
    ),
    Broken(
        variants.BlindWrite,
        Invariant.NO_RESURRECTION,
        Scenario("a call and a disconnect", (CALL, DISCONNECT), begins_at=DEAD),
    ),
    Broken(
        variants.DeletesByKey,
        Invariant.HOLDS_THE_CHAIN,
        Scenario("a disconnect and a reconnect", (DISCONNECT, CONNECT), begins_at=DEAD),
    ),
    Broken(
        variants.WithoutRecovery,
        Invariant.PRESENTED_ONCE,
        Scenario("an outage", (of(CALL, 2, 0, 60),), Faults(outages=1), begins_at=DEAD),
    ),
    Broken(
        variants.ShortLease,
        Invariant.PRESENTED_ONCE,
        Scenario("slow answers", (of(SLOW_CALL, 2),), Faults(slow=1), begins_at=DEAD),
    ),
    Broken(
        variants.RevokesAfterReconnect,
        Invariant.NO_OWN_REVOCATION,
        Scenario("a call and a reconnect", (CALL, CONNECT), revokes_all=True, begins_at=DEAD),
    ),
    Broken(
        variants.RescueRevokesAfterReconnect,
        Invariant.NO_OWN_REVOCATION,
        Scenario(
            "a rescue and a reconnect",
            (CALL, CONNECT),
            Faults(outages=1),
            revokes_all=True,
            begins_at=DEAD,
        ),
    ),
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.parts.__name__)
def test_what_is_left_out_is_missed(broken: Broken) -> None:
    scenario = replace(broken.scenario, parts=broken.parts)
    found = explore(scenario, ENOUGH, broken.violates)
    assert found.violation is not None, f"{found.states} states and no violation"
    assert found.violation.invariant is broken.violates, found.trace


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.parts.__name__)
def test_with_everything_in_its_place_the_same_search_finds_nothing(broken: Broken) -> None:
    found = explore(broken.scenario, ENOUGH)
    assert (found.complete, found.violation) == (True, None)
