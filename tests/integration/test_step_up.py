"""403 insufficient_scope: the user is asked for more, and not for ever (MCP, Step-Up)."""

import pytest

from broker.errors import McpServerError
from broker.model import (
    AuthorizationRequired,
    Completed,
    InvokeOutcome,
    PromptReason,
    Quirks,
    ToolCall,
    Wish,
)
from tests.fakes.services import answers
from tests.integration.conftest import RETURN_URL, World
from tests.integration.consents import Browser, complete, ticket_of


def invoke(world: World, *scopes: str) -> InvokeOutcome:
    """Invoke; with scopes, the server refuses for want of them."""
    if scopes:
        challenge = f'Bearer error="insufficient_scope", scope="{" ".join(scopes)}"'
        world.mcp.script.append(answers(403, {}, **{"www-authenticate": challenge}))
    call = ToolCall("crm", "get", Wish("jo", return_url=RETURN_URL))
    return world.core.flows.mcp_invoke.invoke(call, world.run())


def card(world: World, *scopes: str) -> AuthorizationRequired:
    outcome = invoke(world, *scopes)
    assert isinstance(outcome, AuthorizationRequired)
    assert outcome.reason is PromptReason.ADDITIONAL_SCOPE
    return outcome


def consents(world: World, asked: AuthorizationRequired) -> None:
    browser = Browser.of(world)
    complete(world, browser.comes_back(browser.opens(asked.link)))


def test_the_card_names_the_missing_scopes_and_the_consent_asks_for_the_union(
    world: World,
) -> None:
    world.connect()
    asked = card(world, "admin", "read")
    assert asked.missing_scopes == ("admin",)
    browser = Browser.of(world)
    sent = browser.follow(world.core.flows.authorize.open(ticket_of(asked.link), world.run()))
    assert "scope=read%20write%20admin&" in f"{sent.location}&"


def test_after_the_consent_the_call_works_and_nothing_is_missing(world: World) -> None:
    world.connect()
    asked = card(world, "admin")
    world.login.extra["scope"] = "read write admin"
    consents(world, asked)
    assert isinstance(invoke(world), Completed)
    connection = world.connection()
    assert connection.tokens.scope == ("read", "write", "admin")
    assert connection.missing_scopes(Quirks()) == ()
    assert connection.scope_requests == 0


def listed(world: World) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the list of connections shows: granted, missing."""
    (one,) = world.core.flows.connections.of_user("jo")
    return one.connection.tokens.scope, one.connection.missing_scopes(Quirks())


def test_what_tools_want_is_shown_as_missing_until_the_consent(world: World) -> None:
    world.connect()
    assert listed(world) == (("read", "write"), ())
    card(world, "admin")
    assert listed(world) == (("read", "write"), ("admin",))
    asked = card(world, "audit")
    assert listed(world) == (("read", "write"), ("audit", "admin"))
    world.login.extra["scope"] = "read write audit"
    consents(world, asked)
    assert listed(world) == (("read", "write", "audit"), ())


def test_what_is_shown_already_is_not_written_again(world: World) -> None:
    world.connect()
    card(world, "admin")
    table, saying = "ConnectionsTable", "challenged_scopes"
    world.cloud.unavailable("UpdateItem", table=table, saying=saying, times=1)
    card(world, "admin")
    assert len(world.cloud.faults) == 1, "nobody met it"
    assert listed(world) == (("read", "write"), ("admin",))


def test_a_table_that_is_away_costs_no_card(world: World) -> None:
    world.connect()
    world.cloud.unavailable("UpdateItem", table="ConnectionsTable", saying="challenged_scopes")
    assert card(world, "admin").missing_scopes == ("admin",)
    world.cloud.recovers()
    assert listed(world) == (("read", "write"), ())


def test_what_the_service_did_not_grant_is_shown_as_missing(world: World) -> None:
    world.connect()
    asked = card(world, "admin")
    world.login.extra["scope"] = "read write"
    consents(world, asked)
    connection = world.connection()
    assert connection.missing_scopes(Quirks()) == ("admin",)
    assert connection.tokens.scope == ("read", "write")


def test_a_server_that_asks_for_what_it_was_given_is_not_believed(world: World) -> None:
    world.connect()
    with pytest.raises(McpServerError) as failed:
        invoke(world, "read")
    assert failed.value.details == {"upstream_status": 403, "reason": "scope_not_enough"}


def test_a_server_that_does_not_say_which_scopes_is_not_believed_either(world: World) -> None:
    world.connect()
    world.mcp.script.append(
        answers(403, {}, **{"www-authenticate": 'Bearer error="insufficient_scope"'})
    )
    with pytest.raises(McpServerError):
        invoke(world)


LISTING = {"resource": "https://mcp.example.com/mcp", "scopes_supported": ["read", "admin"]}
METADATA = "https://mcp.example.com/.well-known/oauth-protected-resource"


@pytest.mark.parametrize("named", [f', resource_metadata="{METADATA}/named"', ""])
def test_where_the_server_names_no_scope_those_that_it_lists_are_asked_for(
    world: World, named: str
) -> None:
    world.connect()
    challenge = f'Bearer error="insufficient_scope"{named}'
    world.mcp.script.append(answers(403, {}, **{"www-authenticate": challenge}))
    world.mcp.script.append(answers(200, LISTING))
    asked = card(world)
    assert asked.missing_scopes == ("admin",)
    question = world.mcp.requests[-1]
    where = f"{METADATA}/named" if named else f"{METADATA}/mcp"
    assert (question.method, str(question.url)) == ("GET", where)
    assert "authorization" not in question.headers


def test_what_another_resource_lists_is_not_asked_for(world: World) -> None:
    world.connect()
    challenge = 'Bearer error="insufficient_scope"'
    other = {**LISTING, "resource": "https://other.example.com/mcp"}
    world.mcp.script.append(answers(403, {}, **{"www-authenticate": challenge}))
    world.mcp.script += [answers(200, other)] * 2
    with pytest.raises(McpServerError):
        invoke(world)


def test_a_user_is_asked_three_times_for_what_the_service_does_not_grant(world: World) -> None:
    world.connect()
    world.login.extra["scope"] = "read write"
    for _ in range(3):
        consents(world, card(world, "admin"))
    with pytest.raises(McpServerError) as failed:
        invoke(world, "admin")
    assert failed.value.details["reason"] == "scope_not_granted"
    assert card(world, "other").missing_scopes == ("other",), "another tool is another matter"


def test_after_an_hour_the_user_is_asked_again(world: World) -> None:
    world.connect()
    world.login.extra["scope"] = "read write"
    for _ in range(3):
        consents(world, card(world, "admin"))
    world.time.passes(hours=1)
    assert card(world, "admin").missing_scopes == ("admin",)


def test_scopes_without_end_are_cut_off(world: World) -> None:
    world.connect()
    many = tuple(f"{number:03}{'x' * 200}" for number in range(30))
    asked = card(world, *many)
    assert len(" ".join(asked.scopes)) <= 4000
