"""The running product, for the tests that need it: one stack and two deployments per session.

Nothing is started before a test asks for it. Tests share them and isolate by server and user ids.
"""

import logging
import sys
from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest
from hypothesis import settings
from xdist.remote import Producer  # type: ignore[import-untyped] # xdist has no types
from xdist.scheduler.loadscope import LoadScopeScheduling  # type: ignore[import-untyped] # nor has this

from broker.telemetry import logger
from local.demo.journey import RETURN_URL
from local.demo.neighbours import Neighbours, neighbours
from local.deployment import Deployment
from local.stack import LocalStack
from tests.e2e.stranger import Stranger

pytest.register_assert_rewrite("tests.e2e.permission_paths")

# How fast this machine is at the moment says nothing about what is tested.
settings.register_profile("without a deadline", deadline=None)
settings.load_profile("without a deadline")

CHAT_NAME = "Lighthouse Chat"
_CONTAINERS = 28  # two deployments of eight functions, and room for parallel calls


_TOGETHER = {
    "e2e": "stack",
    "interop": "stack",
    "browser": "stack",
    "artifact": "artifact",
    "faults": "faults",
}
"""Folders whose tests share what is dear to start; elsewhere each module keeps to itself."""


def group_of(nodeid: str) -> str:
    """Name the group of a test; the tests of one group run in one process."""
    path = PurePosixPath(nodeid.partition("::")[0])
    folder = path.parts[1] if len(path.parts) > 2 else ""
    return _TOGETHER.get(folder, str(path))


class _ByGroup(LoadScopeScheduling):  # type: ignore[misc] # untyped
    """Hands out whole groups. (The marks of xdist itself do nothing under this pytest.)"""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> _ByGroup | None:
    """Schedule by group; the order of the folders has the long ones first."""
    if config.getoption("dist") != "loadgroup":
        return None
    config.option.loadscopereorder = False
    return _ByGroup(config, log)


class _Stdout:
    """Whatever stdout is at the moment: pytest replaces it with every test."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()


@pytest.fixture(scope="session", autouse=True)
def _the_log_follows_stdout() -> None:
    """Have the log written where a test looks for it, not where the first one to log looked."""
    handler = logger().registered_handler
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(_Stdout())


@pytest.fixture(scope="session")
def further_parties() -> Iterator[Neighbours]:
    """MCP servers with a shared key and with none, and a tap before the token endpoint."""
    with neighbours() as started:
        yield started


@pytest.fixture(scope="session")
def stranger() -> Iterator[Stranger]:
    """A server that answers what a test tells it to."""
    with Stranger() as listening:
        yield listening


@pytest.fixture(scope="session")
def stack(
    further_parties: Neighbours, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalStack]:
    """The local stack; its logs lie in pytest's own temporary folder."""
    run_folder = tmp_path_factory.mktemp("stack")
    with LocalStack(container_limit=_CONTAINERS, run_folder=run_folder) as running:
        further_parties.tap.target = running.services.authorization_server_control
        yield running


@pytest.fixture(scope="session")
def origins(further_parties: Neighbours, stranger: Stranger) -> list[str]:
    """The origins that the deployments may call over plain http besides the stack's own."""
    return [*further_parties.origins(), *stranger.origins]


@pytest.fixture(scope="session")
def bound(stack: LocalStack, origins: list[str]) -> Deployment:
    """A deployment with SessionBinding=backend, the default."""
    return stack.deployment(
        "bound", return_urls=[RETURN_URL], local_origins=origins, ChatName=CHAT_NAME
    )


@pytest.fixture(scope="session")
def unbound(stack: LocalStack, origins: list[str]) -> Deployment:
    """A deployment with SessionBinding=none, the opt-out; no return URL."""
    return stack.deployment(
        "unbound", local_origins=origins, ChatName=CHAT_NAME, SessionBinding="none"
    )
