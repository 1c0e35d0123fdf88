"""A fresh server, app and tenant for each test; users whose ids nobody else has."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import cast

import pytest

from local.containers import LambdaFunction
from local.demo.journey import RETURN_URL, Callers, Journey, callers
from local.demo.service import App
from local.demo.tenant import Tenant
from local.deployment import Deployment
from local.stack import LocalStack
from tests.e2e.time_machine import TimeMachine

type Hurry = Callable[[float], Callers]
type MakeJourney = Callable[..., Journey]


@pytest.fixture(scope="session")
def at_bound(bound: Deployment) -> Iterator[Callers]:
    """Clients of the deployment that binds sessions."""
    with callers(bound) as clients:
        yield clients


@pytest.fixture(scope="session")
def at_unbound(unbound: Deployment) -> Iterator[Callers]:
    """Clients of the deployment that does not."""
    with callers(unbound) as clients:
        yield clients


@pytest.fixture(autouse=True)
def nothing_refused(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test in which a function asked for something that its policy does not allow."""
    if "stack" not in request.fixturenames:
        yield
        return
    guard = request.getfixturevalue("stack").guard
    before = len(guard.refusals)
    yield
    assert [f"{one.function}: {one.ask}" for one in guard.refusals[before:]] == []


@contextmanager
def journeys_at(stack: LocalStack) -> Iterator[MakeJourney]:
    """Make unregistered journeys; their apps are forgotten afterwards, so that no tick waits."""
    made: list[Journey] = []

    def make(clients: Callers, origin: str = "") -> Journey:
        tenant = Tenant(origin or stack.services.mcp_server)
        made.append(Journey(clients, App(stack.services), tenant))
        return made[-1]

    yield make
    for journey in made:
        journey.app.forget()


@pytest.fixture
def journeys(stack: LocalStack) -> Iterator[MakeJourney]:
    """Make unregistered journeys."""
    with journeys_at(stack) as make:
        yield make


@pytest.fixture
def blank(journeys: MakeJourney, at_bound: Callers) -> Journey:
    """A server that is registered nowhere yet."""
    return journeys(at_bound)


@pytest.fixture
def half_configured(blank: Journey) -> Journey:
    """A server of which its builder has said too little, and too much for discovery."""
    said = blank.configuration(token_endpoint=..., client_secret=...)
    blank.put(**said).raise_for_status()
    return blank


@pytest.fixture
def journey(blank: Journey) -> Journey:
    """A server that users can connect to."""
    blank.register()
    return blank


@pytest.fixture
def open_door(journeys: MakeJourney, at_unbound: Callers) -> Journey:
    """The same where SessionBinding is none."""
    made = journeys(at_unbound)
    made.register()
    return made


@pytest.fixture(scope="session")
def hurry(stack: LocalStack, origins: list[str]) -> Iterator[Hurry]:
    """Return clients of a deployment whose functions have so many seconds, not 29."""
    hurried = stack.deployment(
        "hurried",
        return_urls=[RETURN_URL],
        local_origins=origins,
        McpIssuer="https://login.example.com",
    )
    functions = cast("dict[str, LambdaFunction]", hurried.functions)
    known = {function.timeout: dict(functions) for function in functions.values()}

    def give(seconds: float) -> Callers:
        if seconds not in known:
            changed = {name: replace(each, timeout=seconds) for name, each in functions.items()}
            known[seconds] = changed
        functions.update(known[seconds])
        return clients

    with callers(hurried) as clients:
        yield give


@pytest.fixture
def ana() -> str:
    """A user of the chat; at the service she is alice."""
    return f"ana-{secrets.token_hex(6)}"


@pytest.fixture
def ben() -> str:
    """Another user; at the service he is bob."""
    return f"ben-{secrets.token_hex(6)}"


@pytest.fixture(scope="session")
def time_machine(bound: Deployment) -> TimeMachine:
    """Makes stored rows older."""
    return TimeMachine(bound)
