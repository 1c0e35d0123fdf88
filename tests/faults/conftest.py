"""What all fault runs of one session share: ministack, and the local stack, each on first use."""

from collections.abc import Iterator

import pytest

from tests.faults.stage import Stage


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The surroundings of the runs."""
    with Stage(tmp_path_factory.mktemp("faults")) as stage:
        yield stage
