"""One small deployment behind the local gateway, for the tests of this folder."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from local import browser_names
from local.deployment import Deployment
from local.stack import LocalStack
from tests.integration.local_app.running import small_stack

FORBIDDEN = (403, {"message": "Forbidden"})


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with small_stack(tmp_path_factory.mktemp("gateway")) as running:
        yield running


@pytest.fixture(scope="session")
def deployment(stack: LocalStack) -> Deployment:
    return stack.deployment()


@pytest.fixture
def public(deployment: Deployment) -> Iterator[httpx.Client]:
    with browser_names.client(base_url=deployment.url) as client:
        yield client


@pytest.fixture
def chat(deployment: Deployment) -> Iterator[httpx.Client]:
    with deployment.api("chat-backend") as client:
        yield client


def event_of(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    event: dict[str, Any] = response.json()["event"]
    return event


def outcome(response: httpx.Response) -> tuple[int, Any]:
    return response.status_code, response.json()
