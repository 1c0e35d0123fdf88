"""Tests that share what is dear to start run in one process."""

import pytest

from tests.conftest import group_of


@pytest.mark.parametrize(
    ("nodeid", "group"),
    [
        ("tests/e2e/test_invoke.py::test_one[a::b]", "stack"),
        ("tests/e2e/smoke/test_smoke_walks.py::test_one", "stack"),
        ("tests/browser/test_journey.py::test_one", "stack"),
        ("tests/faults/test_faults.py::test_one", "faults"),
        ("tests/unit/test_groups.py::test_one", "tests/unit/test_groups.py"),
        (
            "tests/integration/sam/test_x.py::test_one",
            "tests/integration/sam/test_x.py",
        ),
    ],
)
def test_a_test_runs_with_those_that_share_its_world(nodeid: str, group: str) -> None:
    assert group_of(nodeid) == group
