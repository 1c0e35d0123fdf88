"""A configuration that is wrong, or becomes another: no user is flagged, no token goes astray."""

from dataclasses import replace
from typing import Any

import pytest

from local.demo.journey import Journey, text_of
from local.demo.tenant import Tenant
from tests.e2e.answers import asked, refusal
from tests.e2e.time_machine import TimeMachine

_CONNECTIONS = "ConnectionsTable"
_ENDING, _ENDED = 3500, 3600
"""Ages of a token that lives an hour: within the buffer of five minutes, and over."""


@pytest.fixture
def connected(journey: Journey, ana: str) -> Journey:
    """A server that ana is connected to."""
    journey.connect(ana)
    return journey


def _with_new_secret(journey: Journey) -> Journey:
    """Return the journey after the app's secret was changed at the service alone."""
    changed = replace(journey, app=replace(journey.app, client_secret="the new secret"))
    changed.app.register(journey.redirect_uri)
    return changed


def test_a_refused_client_is_the_builders_fault_and_flags_nobody(
    connected: Journey, time_machine: TimeMachine, ana: str, ben: str
) -> None:
    connected.connect(ben, "bob")
    _with_new_secret(connected)
    time_machine.age(_CONNECTIONS, _ENDED, ana)
    assert refusal(connected.invoke(ana)) == (424, "server_misconfigured")
    assert text_of(connected.invoke(ben)) == "bob"
    states = [connected.connection(user).json()["status"] for user in (ana, ben)]
    assert states == ["active", "active"]


def test_a_refused_client_is_not_sent_again_and_again(
    connected: Journey, time_machine: TimeMachine, ana: str
) -> None:
    _with_new_secret(connected)
    time_machine.age(_CONNECTIONS, _ENDED, ana)
    answers = [refusal(connected.invoke(ana)) for _ in range(3)]
    assert answers == [(424, "server_misconfigured")] * 3
    assert len(connected.app.refreshes()) == 1


def test_a_refused_client_offers_nobody_a_prompt(
    connected: Journey, time_machine: TimeMachine, ana: str, ben: str
) -> None:
    _with_new_secret(connected)
    time_machine.age(_CONNECTIONS, _ENDED, ana)
    connected.invoke(ana)
    assert refusal(connected.invoke(ben)) == (424, "server_misconfigured")


def test_a_refused_client_is_forgiven_when_the_builder_mends_it(
    connected: Journey, time_machine: TimeMachine, ana: str
) -> None:
    mended = _with_new_secret(connected)
    time_machine.age(_CONNECTIONS, _ENDED, ana)
    connected.invoke(ana)
    mended.put(**mended.configuration()).raise_for_status()
    assert text_of(connected.invoke(ana)) == "alice"


def test_a_refused_client_is_tried_again_after_five_minutes(
    connected: Journey, time_machine: TimeMachine, ana: str
) -> None:
    _with_new_secret(connected)
    time_machine.age(_CONNECTIONS, _ENDED, ana)
    connected.invoke(ana)
    connected.app.register(connected.redirect_uri)
    assert time_machine.age("ServerStateTable", 301, connected.server_id) == 1
    assert text_of(connected.invoke(ana)) == "alice"


def test_a_server_that_rejects_everybody_flags_five_users_at_most(connected: Journey) -> None:
    users = [f"{connected.server_id}-{number}" for number in range(7)]
    for user in users:
        connected.connect(user)
    connected.tenant.switch(reject_tokens=True)
    for user in users:
        connected.invoke(user)
    states = [connected.connection(user).json()["status"] for user in users]
    assert states.count("reconnect_required") <= 5
    assert refusal(connected.invoke(users[-1])) == (502, "mcp_server_error")


def _elsewhere(journey: Journey) -> tuple[Tenant, dict[str, Any]]:
    other = Tenant(journey.tenant.origin)
    return other, journey.configuration(mcp_url=other.url)


def test_a_token_never_goes_to_a_server_that_was_put_in_the_place(
    connected: Journey, ana: str
) -> None:
    other, configuration = _elsewhere(connected)
    connected.put(**configuration).raise_for_status()
    answer = connected.invoke(ana)
    assert asked(answer) == "reconnect_required"
    assert answer.json()["failure"]["code"] == "server_changed"
    assert connected.connection(ana).json()["reason"] == "server_changed"
    assert other.requests() == []


def test_a_refresh_token_never_goes_to_a_swapped_token_endpoint(
    connected: Journey, time_machine: TimeMachine, ana: str
) -> None:
    token_endpoint = f"{connected.app.service.authorization_server_control}/token"
    swapped = connected.configuration(token_endpoint=token_endpoint)
    connected.put(**swapped).raise_for_status()
    time_machine.age(_CONNECTIONS, _ENDING, ana)
    connected.callers.deployment.tick()
    assert asked(connected.invoke(ana)) == "reconnect_required"
    assert connected.app.refreshes() == []


def test_going_back_to_the_configuration_restores_its_connections(
    connected: Journey, ana: str
) -> None:
    _, configuration = _elsewhere(connected)
    connected.put(**configuration).raise_for_status()
    connected.invoke(ana)
    connected.put(**connected.configuration()).raise_for_status()
    assert text_of(connected.invoke(ana)) == "alice"


def test_a_new_name_or_secret_or_scope_is_no_other_server(connected: Journey, ana: str) -> None:
    changes: dict[str, Any] = {"name": "Harbour", "scopes": ["openid"]}
    connected.put(**connected.configuration(**changes)).raise_for_status()
    assert text_of(connected.invoke(ana)) == "alice"
