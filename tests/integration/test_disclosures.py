"""No configuration shows a token: not as a scope, not as a name, not as a value that is kept."""

from dataclasses import replace

import pytest

from broker.model import KeptField, KeptFrom, Quirks, Server
from tests.integration.conftest import World
from tests.integration.consents import Browser, complete, link
from tests.integration.test_ahead import looks
from tests.integration.test_lease import STALE

OTHERS = {
    "note": "decoy",
    "botToken": "canary-bot-token",
    "authed_user": {"access_token": "canary-user-token"},
    "list": [{"client_secret": "canary-listed-secret"}],
}
SHOWING = {
    "the token in use as a scope": {
        "access_token_field": "note",
        "quirks": Quirks(token_response_fields={"scope": "access_token"}),
    },
    "the refresh token as a scope": {
        "quirks": Quirks(token_response_fields={"scope": "refresh_token", "refresh_token": "note"})
    },
    "another token as the account": {"account_field": "botToken"},
    "one of somebody else's as the account": {"account_field": "authed_user.access_token"},
    "a secret in a list as the account": {"account_field": "list.client_secret"},
    "the token in use as the account": {
        "access_token_field": "note",
        "account_field": "access_token",
    },
}


def shows(world: World) -> str:
    """Return all that the chat and the builder are shown of a connection."""
    stands = world.connection()
    return f"{stands.tokens.scope} {stands.account.label} {stands.kept}"


def arranged(world: World, changes: dict[str, object]) -> Server:
    world.login.extra = dict(OTHERS)
    return world.register(replace(world.server, **changes))  # type: ignore[arg-type] # as named


@pytest.mark.parametrize("changes", SHOWING.values(), ids=SHOWING)
def test_a_consent_shows_no_token(world: World, changes: dict[str, object]) -> None:
    world.server = arranged(world, changes)
    browser = Browser.of(world)
    complete(world, browser.comes_back(browser.opens(link(world))))
    assert "canary" not in shows(world)


@pytest.mark.parametrize("changes", SHOWING.values(), ids=SHOWING)
def test_a_refresh_shows_no_token(world: World, changes: dict[str, object]) -> None:
    world.connect()
    world.server = arranged(world, changes)
    world.time.passes(STALE)
    looks(world)
    assert world.connection().generation == 2
    assert "canary" not in shows(world)


def test_a_token_of_a_name_of_its_own_is_not_kept(world: World) -> None:
    kept = {"bot": KeptField(KeptFrom.TOKEN_RESPONSE, "botToken")}
    world.server = arranged(world, {"quirks": Quirks(kept_fields=kept)})
    browser = Browser.of(world)
    complete(world, browser.comes_back(browser.opens(link(world))))
    assert "canary" not in shows(world)
