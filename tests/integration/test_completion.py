"""From a click to a connection: tickets, states and completion codes, each good for once."""

from dataclasses import replace
from typing import Any

import pytest

from broker.errors import (
    AuthorizationServerError,
    ServerChanged,
    ServerMisconfigured,
    SessionMismatch,
    TemporarilyUnavailable,
)
from broker.model import Purpose, Secret, Status
from tests.fakes.services import answers
from tests.integration.conftest import World
from tests.integration.consents import (
    Browser,
    changed,
    complete,
    consented,
    link,
    refused,
    ticket_of,
)


def test_a_consent_becomes_a_connection(world: World) -> None:
    connected = complete(world, consented(world))
    stands = world.connection()
    assert connected.connection.account.label == stands.account.label
    assert (stands.status, stands.generation) == (Status.ACTIVE, 1)
    assert world.login.exchanges == ["canary-code-1"]
    assert world.access_token() == "canary-access-1"


def test_the_code_is_redeemed_with_the_verifier_and_the_same_redirect_uri(world: World) -> None:
    complete(world, consented(world))
    [form] = world.login.forms
    assert form["redirect_uri"] == "https://broker.example.com/callback/crm"
    assert len(form["code_verifier"]) >= 43


def test_nothing_is_redeemed_before_the_chat_confirms(world: World) -> None:
    consented(world)
    assert world.login.token_requests == []


def test_the_return_carries_connect_id_code_and_client_state(world: World) -> None:
    back = consented(world, client_state="a&b=c")
    assert back.keys() == {"connect_id", "completion_code", "client_state"}
    assert back["client_state"] == "a&b=c"


MISMATCHES = {
    "another user": {"user_id": "mallory"},
    "a user written alike": {"user_id": "ｊｏ"},
    "another server": {"server_id": "mail"},
    "another flow": {"connect_id": "x" * 43},
    "another purpose": {"purpose": Purpose.TEST},
}


@pytest.mark.parametrize("claim", MISMATCHES.values(), ids=list(MISMATCHES))
def test_a_consent_belongs_to_its_own_session(world: World, claim: dict[str, Any]) -> None:
    world.register(replace(world.server, server_id="mail"))
    back = consented(world)
    with pytest.raises(SessionMismatch):
        complete(world, back, **claim)
    with pytest.raises(SessionMismatch):  # and the code is erased
        complete(world, back)
    assert world.login.token_requests == []
    assert world.core.connections.get("jo", "crm")[0] is None


def test_a_claim_at_a_server_that_is_gone_erases_the_code_too(world: World) -> None:
    back = consented(world)
    with pytest.raises(SessionMismatch):
        complete(world, back, server_id="unknown")
    with pytest.raises(SessionMismatch):
        complete(world, back)


def test_a_wrong_completion_code_is_refused_and_erases_the_code(world: World) -> None:
    back = consented(world)
    state_id = back["completion_code"].partition(".")[0]
    with pytest.raises(SessionMismatch):
        complete(world, back | {"completion_code": f"{state_id}.wrong"})
    assert not any("code" in item for item in world.cloud.items("PendingTable"))


@pytest.mark.parametrize("code", ["", ".", "x", "é.é", "state#x.y", "\x00.\x00"])
def test_a_completion_code_that_is_none_is_refused_alike(world: World, code: str) -> None:
    back = consented(world)
    with pytest.raises(SessionMismatch) as failed:
        complete(world, back | {"completion_code": code})
    assert str(failed.value) == str(SessionMismatch())


def test_a_completion_code_is_good_for_once(world: World) -> None:
    back = consented(world)
    complete(world, back)
    with pytest.raises(SessionMismatch):
        complete(world, back)
    assert len(world.login.exchanges) == 1


def test_a_completion_code_is_good_for_two_minutes(world: World) -> None:
    back = consented(world)
    world.time.passes(121)
    with pytest.raises(SessionMismatch):
        complete(world, back)
    assert world.login.token_requests == []


def test_taking_a_ticket_is_recognised_as_ours_when_the_sdk_repeats_it(world: World) -> None:
    back = consented(world)
    world.cloud.repeated.append("UpdateItem")
    complete(world, back)
    assert len(world.login.exchanges) == 1


def test_taking_a_state_is_recognised_as_ours_when_the_sdk_repeats_it(world: World) -> None:
    browser = Browser.of(world)
    state = browser.opens(link(world))
    world.cloud.repeated.append("UpdateItem")
    assert "completion_code" in browser.comes_back(state)


def test_two_states_of_one_ticket_become_one_exchange(world: World) -> None:
    browser, made = Browser.of(world), link(world)
    first, second = browser.opens(made), browser.opens(made)
    backs = [browser.comes_back(first, "canary-code-1"), browser.comes_back(second, "code-2")]
    complete(world, backs[1])
    with pytest.raises(SessionMismatch):
        complete(world, backs[0])
    assert world.login.exchanges == ["code-2"]


def test_a_sibling_state_dies_with_its_ticket(world: World) -> None:
    browser, made = Browser.of(world), link(world)
    first, second = browser.opens(made), browser.opens(made)
    complete(world, browser.comes_back(first))
    assert refused(browser.returns(state=second, code="code-2"))


def test_a_ticket_opens_ten_requests_and_no_more(world: World) -> None:
    browser, made = Browser.of(world), link(world)
    for _ in range(10):
        browser.opens(made)
    outcome = world.core.flows.authorize.open(ticket_of(made), world.run())
    assert refused(outcome)


def test_opening_a_link_consumes_nothing(world: World) -> None:
    made = link(world)
    Browser.of(world).opens(made)  # a link preview
    browser = Browser.of(world)
    complete(world, browser.comes_back(browser.opens(made)))
    assert len(world.login.exchanges) == 1


@pytest.mark.parametrize("ticket", ["", "unknown", "x" * 43])
def test_an_unknown_ticket_opens_nothing(world: World, ticket: str) -> None:
    assert refused(world.core.flows.authorize.open(Secret(ticket), world.run()))


def test_a_ticket_is_good_for_ten_minutes(world: World) -> None:
    made = link(world)
    world.time.passes(601)
    assert refused(world.core.flows.authorize.open(ticket_of(made), world.run()))


def test_a_state_is_accepted_once(world: World) -> None:
    browser = Browser.of(world)
    state = browser.opens(link(world))
    browser.comes_back(state)
    assert refused(browser.returns(state=state, code="again"))


def test_an_expired_state_is_refused_although_its_row_is_still_there(world: World) -> None:
    browser = Browser.of(world)
    state = browser.opens(link(world))
    world.time.passes(601)
    assert refused(browser.returns(state=state, code="late"))


def test_a_configuration_changed_before_the_exchange_ends_the_flow(world: World) -> None:
    back = consented(world)
    changed(world, token_endpoint="https://evil.example.com/token")
    with pytest.raises(ServerChanged):
        complete(world, back)
    assert world.services.elsewhere == []


def test_a_refused_code_is_the_services_error(world: World) -> None:
    back = consented(world)
    world.login.script.append(answers(400, {"error": "invalid_grant"}))
    with pytest.raises(AuthorizationServerError):
        complete(world, back)


def test_a_refused_client_is_the_builders_error(world: World) -> None:
    back = consented(world)
    world.login.script.append(answers(401, {"error": "invalid_client"}))
    with pytest.raises(ServerMisconfigured):
        complete(world, back)


def test_a_key_outage_before_the_exchange_leaves_the_completion_code_good(world: World) -> None:
    back = consented(world)
    world.core.vault._open.clear()
    world.cloud.refuses("Decrypt", "KMSInternalException")
    with pytest.raises(TemporarilyUnavailable):
        complete(world, back)
    world.cloud.recovers()
    assert world.login.token_requests == []
    complete(world, back)


def test_a_reconnect_keeps_when_it_began_and_says_that_it_recovered(world: World) -> None:
    first = world.connect()
    world.flag()
    world.time.passes(60)
    connected = complete(world, consented(world))
    stands = world.connection()
    assert connected.recovered
    assert (stands.status, stands.reason, stands.failure) == (Status.ACTIVE, None, None)
    assert stands.created_at == first.created_at
    assert stands.grant_id != first.grant_id


def test_another_account_on_reconnect_is_told(world: World) -> None:
    changed(world, userinfo_endpoint="https://login.example.com/userinfo")
    first = complete(world, consented(world))
    again = complete(world, consented(world))
    assert (first.account_changed, again.account_changed) == (False, False)
    stands = world.connection()
    account = replace(stands.account, subject_hash="0" * 64)
    other = replace(stands, grant_id="grant-other", account=account)
    world.core.connections.establish(other, stands)
    assert complete(world, consented(world)).account_changed
