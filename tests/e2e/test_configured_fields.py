"""The optional fields of a server: each does what it says, on a service that needs it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from local.demo.journey import Callers, Journey, text_of
from local.loopback import Reply, Request
from local.stack import LocalStack
from tests.e2e.conftest import MakeJourney
from tests.e2e.stranger import Stranger, as_json
from tests.e2e.time_machine import TimeMachine


@pytest.mark.parametrize("separator", ["comma", "plus"])
def test_scopes_are_joined_as_the_service_wants(blank: Journey, ana: str, separator: str) -> None:
    blank.register(scope_separator=separator)
    blank.app.switch(scope_separator=separator)
    connection = blank.connect(ana)["connection"]
    assert connection["scopes"] == ["openid", "contacts.read"]


def test_an_authorize_parameter_brings_the_refresh_token(blank: Journey, ana: str) -> None:
    blank.register(extra_authorize_params={"access_type": "offline"})
    blank.app.switch(refresh_token_needs={"access_type": "offline"})
    assert blank.connect(ana)["connection"]["refreshable"] is True


def test_token_and_refresh_parameters_are_sent_where_they_belong(
    blank: Journey, time_machine: TimeMachine, ana: str
) -> None:
    blank.register(
        extra_token_params={"for_exchange": "1"}, extra_refresh_params={"for_refresh": "1"}
    )
    blank.connect(ana)
    time_machine.age("ConnectionsTable", 3600, ana)
    blank.invoke(ana)
    [exchange], [refresh] = blank.app.exchanges(), blank.app.refreshes()
    assert "for_exchange" in exchange["parameters"]
    assert "for_refresh" not in exchange["parameters"]
    assert "for_refresh" in refresh["parameters"]


def test_a_resource_makes_the_token_good_for_its_server(blank: Journey, ana: str) -> None:
    blank.register(resource=blank.tenant.url)
    blank.tenant.switch(require_audience=True)
    blank.connect(ana)
    assert text_of(blank.invoke(ana)) == "alice"


def test_a_service_without_pkce_is_not_sent_any(blank: Journey, ana: str) -> None:
    blank.register(pkce=False)
    blank.app.switch(require_pkce=False)
    blank.connect(ana)
    assert "code_verifier" not in blank.app.exchanges()[0]["parameters"]


def test_the_token_travels_in_the_configured_header(
    blank: Journey, stranger: Stranger, ana: str
) -> None:
    def answer(request: Request) -> Reply:
        said = request.header("x-access-token") or ""
        plain = request.header("authorization") is None and " " not in said and len(said) > 20
        result = {"content": [{"type": "text", "text": str(plain)}]}
        return as_json({"jsonrpc": "2.0", "id": _id_of(request), "result": result})

    url = stranger.answers(answer)
    blank.register(mcp_url=url, token_header="X-Access-Token", token_scheme="")
    blank.connect(ana)
    assert text_of(blank.invoke(ana)) == "True"


def test_what_a_connection_keeps_stands_in_the_url_and_in_a_header(
    blank: Journey, stranger: Stranger, ana: str
) -> None:
    def answer(request: Request) -> Reply:
        said = f"{request.query} {request.header('x-tenant')}"
        result = {"content": [{"type": "text", "text": said}]}
        return as_json({"jsonrpc": "2.0", "id": _id_of(request), "result": result})

    url = stranger.answers(answer)
    blank.register(
        mcp_url=url + "?tenant={tenant}",
        kept_fields={"tenant": {"source": "token_response", "field": "team.id"}},
        mcp_headers={"X-Tenant": "{tenant}"},
    )
    blank.app.switch(extra_token_fields={"team": {"id": "blue-1"}})
    blank.connect(ana)
    assert text_of(blank.invoke(ana)) == "tenant=blue-1 blue-1"


def test_a_token_is_revoked_as_the_service_wants_it(
    blank: Journey, stranger: Stranger, ana: str
) -> None:
    url = stranger.answers(lambda _: as_json({"success": True}))
    blank.register(
        revocation_endpoint=url,
        revocation_request={"method": "DELETE", "credentials": "bearer"},
    )
    blank.connect(ana)
    assert blank.disconnect(ana).json()["revocation"] == "confirmed"
    [request] = stranger.seen(url)
    assert (request.method, request.body) == ("DELETE", b"")
    assert (request.header("authorization") or "").startswith("Bearer ")


def test_the_account_is_named_by_the_configured_member(blank: Journey, ana: str) -> None:
    blank.register(account_field="team.name")
    told = {"team": {"name": "Blue Team"}}
    blank.app.switch(id_token=False, userinfo_mode="empty", extra_token_fields=told)
    assert blank.connect(ana)["connection"]["account"] == "Blue Team"


def test_a_default_lifetime_stands_in_for_an_unknown_one(blank: Journey, ana: str) -> None:
    blank.register(default_expires_in=600)
    blank.app.switch(expires_in_form="absent")
    expires_at = datetime.fromisoformat(blank.connect(ana)["connection"]["expires_at"])
    assert 590 < (expires_at - datetime.now(UTC)).total_seconds() <= 600


def test_an_idle_grant_is_kept_alive_before_it_dies_of_idleness(
    blank: Journey, time_machine: TimeMachine, ana: str
) -> None:
    blank.register(refresh_idle_days=10)
    blank.app.switch(expires_in_form="absent")
    blank.connect(ana)
    time_machine.age("ConnectionsTable", 8 * 86_400, ana)
    blank.callers.deployment.tick()
    assert blank.app.refreshes() == []
    time_machine.age("ConnectionsTable", 86_400 + 3600, ana)
    blank.callers.deployment.tick()
    assert len(blank.app.refreshes()) == 1


def test_a_refresh_endpoint_of_its_own_is_used_for_refreshes_alone(
    blank: Journey, stranger: Stranger, time_machine: TimeMachine, ana: str
) -> None:
    refreshed = {"access_token": "x" * 40, "token_type": "Bearer", "expires_in": 3600}
    refresh_endpoint = stranger.answers(lambda _: as_json(refreshed))
    blank.register(refresh_endpoint=refresh_endpoint)
    blank.connect(ana)
    assert stranger.seen(refresh_endpoint) == []
    time_machine.age("ConnectionsTable", 3500, ana)
    blank.callers.deployment.tick()
    assert len(stranger.seen(refresh_endpoint)) == 1
    assert blank.app.refreshes() == []


@pytest.mark.parametrize("status", [200, 415])
def test_an_old_server_is_recognised_by_how_it_refuses(
    journeys: MakeJourney, at_bound: Callers, stack: LocalStack, ana: str, status: int
) -> None:
    old = journeys(at_bound, stack.services.old_mcp_server)
    old.tenant.switch(modern_refusal=status)
    old.register()
    old.connect(ana)
    assert text_of(old.invoke(ana)) == "alice"
    assert len([call for call in old.tenant.calls() if call["status"] == 200]) <= 2


def _id_of(request: Request) -> Any:
    return json.loads(request.body)["id"]
