"""Granted scopes that a service lists in the redirection only count where no token lists any."""

from dataclasses import replace

import pytest

from broker.inbound.answers import connection as shown
from broker.model import Quirks
from tests.integration.conftest import World
from tests.integration.consents import Browser, complete, link, told


@pytest.fixture
def world(world: World) -> World:
    """Let the service say in the redirection what was granted, and not in its tokens."""
    quirks = Quirks(scope_callback_parameter="granted")
    world.server = world.register(replace(world.server, scope_separator=",", quirks=quirks))
    world.login.omits = {"scope"}
    return world


def scopes(world: World, **came: str) -> tuple[object, object]:
    """Connect with these parameters in the redirection; return what was granted and what not."""
    browser = Browser.of(world)
    back = browser.returns(state=browser.opens(link(world)), code="canary-code-1", **came)
    connection = complete(world, told(browser.follow(back))).connection
    assert world.connection().tokens.scope == connection.tokens.scope
    body = shown(connection, world.server)
    return body["scopes"], body["missing_scopes"]


def test_what_the_user_left_out_is_missing(world: World) -> None:
    assert scopes(world, granted="read") == (["read"], ["write"])


def test_what_the_user_granted_is_not(world: World) -> None:
    assert scopes(world, granted="write,read") == (["write", "read"], [])


@pytest.mark.parametrize("came", [{}, {"granted": ""}, {"granted": ","}, {"scope": "read"}])
def test_without_a_word_all_that_was_asked_for_counts(world: World, came: dict[str, str]) -> None:
    assert scopes(world, **came) == (["read", "write"], [])


def test_what_a_token_lists_counts_more(world: World) -> None:
    world.login.omits = set()
    world.login.extra["scope"] = "read"
    assert scopes(world, granted="read,write") == (["read"], ["write"])


def test_a_parameter_that_nobody_declared_is_not_read(world: World) -> None:
    world.server = world.register(replace(world.server, quirks=Quirks()))
    assert scopes(world, granted="read") == (["read", "write"], [])


def test_a_code_that_is_repeated_there_is_not_stored(world: World) -> None:
    assert scopes(world, granted="canary-code-1,read") == (["read"], ["write"])
    assert "canary" not in str(scopes(world, granted="a-canary-code-1"))
