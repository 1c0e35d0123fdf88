"""The short part of the fault runs; `make faults` runs all of it."""

import pytest

from tests.faults.kind import Kind
from tests.faults.kinds import all_kinds
from tests.faults.stage import Stage

SHORT = [kind for kind in all_kinds() if kind.short]


@pytest.mark.parametrize("kind", SHORT, ids=lambda kind: kind.name)
def test_a_fault_costs_no_grant(stage: Stage, kind: Kind) -> None:
    tally = kind.run(stage)
    assert tally.held, tally


def test_no_two_kinds_share_a_name() -> None:
    names = [kind.name for kind in all_kinds()]
    assert len(names) == len(set(names))
