"""The short part of the fault runs; `make faults` runs all of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.kind import Kind
from tests.faults.kinds import all_kinds
from tests.faults.stage import Stage

SHORT = [kind for kind in all_kinds() if kind.short]


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder: Path = tmp_path_factory.mktemp("faults")
    with Stage(folder) as stage:
        yield stage


@pytest.mark.parametrize("kind", SHORT, ids=lambda kind: kind.name)
def test_a_fault_costs_no_grant(stage: Stage, kind: Kind) -> None:
    tally = kind.run(stage)
    assert tally.held, tally
