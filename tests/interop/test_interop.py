"""The short form of `make interop`: server and client of the `mcp` SDK that is installed here."""

from dataclasses import replace

import pytest

from local.stack import LocalStack
from tests.interop.client_features import CLIENT_FEATURES
from tests.interop.environments import OwnEnvironment
from tests.interop.field import played
from tests.interop.registry import CLIENTS, REPLACED, SERVERS
from tests.interop.run import look
from tests.interop.server_features import SERVER_FEATURES
from tests.interop.table import HELD, KEPT_BEARERS, KEPT_TOKENS, USES, Seen

SERVER = replace(SERVERS[0], environment=OwnEnvironment(), lacks=frozenset({REPLACED}))
CLIENT = replace(CLIENTS[0], environment=OwnEnvironment())
SERVER_SHOWS = [*(name for name, _ in SERVER_FEATURES if name != REPLACED), KEPT_BEARERS]
CLIENT_SHOWS = [*(name for name, _ in CLIENT_FEATURES), KEPT_TOKENS]


@pytest.fixture(scope="module")
def seen(stack: LocalStack) -> Seen:
    """What was seen, in the order in which features follow from each other."""
    found = Seen([SERVER], [CLIENT])
    refused = len(stack.guard.refusals)
    with played(stack, [SERVER]) as field:
        look(found, field)
    assert stack.guard.refusals[refused:] == []
    return found


@pytest.mark.parametrize("feature", SERVER_SHOWS)
def test_the_server_is_spoken_to(seen: Seen, feature: str) -> None:
    assert seen.marks["server", SERVER.name, feature] == HELD, seen.reasons


@pytest.mark.parametrize("feature", CLIENT_SHOWS)
def test_the_client_is_served(seen: Seen, feature: str) -> None:
    assert seen.marks["client", CLIENT.name, feature] == HELD, seen.reasons


def test_they_work_with_each_other(seen: Seen) -> None:
    assert seen.marks["pair", SERVER.name, USES.format(CLIENT.name)] == HELD, seen.reasons
    assert seen.last_line() == "interop: 1 servers, 1 clients, all held"
