"""Scopes that a service grants under names of its own count as granted, everywhere."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from broker.diagnosis import Cause, Certainty
from broker.errors import McpServerError
from broker.inbound.answers import connection as shown
from broker.model import AuthorizationRequired, Quirks, TestStep, ToolCall, Wish
from tests.fakes.services import answers
from tests.integration.conftest import RETURN_URL, World
from tests.integration.consents import Browser, complete, consented

ALIASES = {"email": ("https://login.example.com/email",), "offline_access": ()}
ASKED = ("openid", "email", "offline_access")


@pytest.fixture
def renaming(world: World) -> World:
    """Let the service answer `email` by a URL, and `offline_access` by nothing."""
    world.server = world.register(
        replace(world.server, scopes=ASKED, quirks=Quirks(scope_aliases=ALIASES))
    )
    world.login.extra["scope"] = "openid https://login.example.com/email"
    return world


def test_nothing_is_missing_of_what_was_granted_under_another_name(renaming: World) -> None:
    complete(renaming, consented(renaming))
    connection = renaming.connection()
    body = shown(connection, renaming.server)
    assert body["missing_scopes"] == []
    assert body["scopes"] == ["openid", "https://login.example.com/email"]
    assert connection.scope_requests == 0


def test_what_the_service_did_not_grant_is_missing_still(renaming: World) -> None:
    renaming.login.extra["scope"] = "openid"
    complete(renaming, consented(renaming))
    assert shown(renaming.connection(), renaming.server)["missing_scopes"] == ["email"]
    assert renaming.connection().scope_requests == 1


@pytest.mark.parametrize("wanted", ["email", "offline_access"])
def test_an_mcp_server_that_asks_for_what_was_granted_brings_no_consent(
    renaming: World, wanted: str
) -> None:
    complete(renaming, consented(renaming))
    with pytest.raises(McpServerError) as failed:
        invoke(renaming, wanted)
    assert failed.value.details["reason"] == "scope_not_enough"


def test_a_card_names_only_what_is_missing_under_every_name(renaming: World) -> None:
    complete(renaming, consented(renaming))
    card = invoke(renaming, "email admin")
    assert isinstance(card, AuthorizationRequired)
    assert card.missing_scopes == ("admin",)
    assert shown(renaming.connection(), renaming.server)["missing_scopes"] == ["admin"]


def test_the_test_of_a_server_warns_of_no_scope_that_was_granted(renaming: World) -> None:
    assert warnings(renaming) == []


def test_the_test_of_a_server_supposes_that_a_scope_which_is_not_listed_is_missing(
    renaming: World,
) -> None:
    renaming.server = renaming.register(replace(renaming.server, quirks=Quirks()))
    (diagnosis,) = warnings(renaming)
    assert diagnosis["cause"] == Cause.SCOPE_NOT_GRANTED
    assert diagnosis["certainty"] == Certainty.LIKELY
    assert "email offline_access" in str(diagnosis["fix"])
    assert "scope_aliases" in str(diagnosis["fix"])


def invoke(world: World, scopes: str) -> object:
    challenge = f'Bearer error="insufficient_scope", scope="{scopes}"'
    world.mcp.script.append(answers(403, {}, **{"www-authenticate": challenge}))
    call = ToolCall("crm", "get", Wish("jo", return_url=RETURN_URL))
    return world.core.flows.mcp_invoke.invoke(call, world.run())


def warnings(world: World) -> list[Mapping[str, object]]:
    """Walk a test as far as the exchange, and return what it warns of."""
    probe = world.core.flows.probe
    started = probe.start("crm", None, publish=False, invocation=world.run())
    assert started.link
    browser = Browser.of(world)
    page = browser.returns(state=browser.opens(started.link), code="canary-code-1")
    code = page.completion_code  # type: ignore[union-attr] # our own page
    run = probe.advance("crm", started.run.test_id, code, revoke=False, invocation=world.run())
    assert (TestStep.EXCHANGE, "ok") in [(step.step, step.outcome) for step in run.steps]
    return list(run.diagnoses)
