"""`make smoke` against the local stack; whatever a test does, nothing may be left behind."""

import os
from collections.abc import Iterator

import pytest

from local.demo.neighbours import Neighbours
from local.deployment import Deployment
from smoke import __main__ as smoke
from tests.e2e.meddler import Meddler, meddling_with
from tests.e2e.smoke.running import Smoke, credentials, registered


@pytest.fixture
def mcp(further_parties: Neighbours) -> str:
    return f"{further_parties.open_mcp_server}/smoke/mcp"


@pytest.fixture(autouse=True)
def nothing_is_left(bound: Deployment) -> Iterator[None]:
    """Hold every test of this file to it."""
    yield
    assert registered(bound) == []


@pytest.fixture
def meddler(bound: Deployment) -> Iterator[Meddler]:
    with meddling_with(bound.address) as standing:
        yield standing


@pytest.fixture
def run(
    bound: Deployment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Smoke:
    """Run it in this process; return exit status, output and errors."""

    def run_as(
        caller: str, *arguments: str, api: str = bound.address, **changes: str | None
    ) -> tuple[int, str, str]:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        for name, value in (credentials(bound, caller) | changes).items():
            if value is not None:
                monkeypatch.setenv(name, value)
        capsys.readouterr()
        status = smoke.main([f"--api={api}", *arguments])
        printed = capsys.readouterr()
        assert "Traceback" not in printed.out + printed.err
        return status, printed.out, printed.err

    return run_as
