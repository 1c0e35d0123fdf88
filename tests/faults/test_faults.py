"""The short part of the fault runs, without those through the gateway; `make faults` runs all."""

import pytest

from tests.faults.kind import Kind
from tests.faults.kinds import all_kinds, gateway
from tests.faults.stage import Stage

SHORT = [kind for kind in all_kinds() if kind.short and kind not in gateway.KINDS]


@pytest.mark.parametrize("kind", SHORT, ids=lambda kind: kind.name)
def test_a_fault_costs_no_grant(stage: Stage, kind: Kind) -> None:
    tally = kind.run(stage)
    assert tally.held, tally
