"""A builder's test of a server with quirks: every step goes where a connection's would."""

from dataclasses import replace

import httpx
import pytest

from broker.model import (
    KeptField,
    KeptFrom,
    Quirks,
    RefreshRequest,
    RevocationScope,
    Secret,
    TestRun,
    TestStatus,
    TestStep,
    TokenName,
)
from broker.templates import GapKind
from tests.fakes.services import form
from tests.integration.conftest import World
from tests.integration.consents import Browser

KEPT = {
    "instance": KeptField(
        KeptFrom.TOKEN_RESPONSE, "instance_url", GapKind.HOST, ("login.example.com",)
    ),
    "realm": KeptField(KeptFrom.CALLBACK, "realmId"),
}
RENEWS = RefreshRequest(token=TokenName.ACCESS, parameter="exchange_token")


@pytest.fixture
def gapped(world: World) -> World:
    """Let the server be one whose URLs have gaps, and whose tokens renew themselves."""
    quirks = Quirks(kept_fields=KEPT, mcp_headers={"X-Realm": "{realm}"}, refresh_request=RENEWS)
    world.server = world.register(
        replace(
            world.server,
            authorization_endpoint="https://accounts.test/authorize",
            mcp_url="https://mcp.example.com/mcp?r={realm}",
            userinfo_endpoint="https://{instance}/userinfo",
            refresh_endpoint="https://{instance}/token",
            revocation_endpoint="https://{instance}/revoke",
            quirks=quirks,
        )
    )
    world.login.extra = {"instance_url": "https://login.example.com"}
    world.login.omits = {"refresh_token"}
    return world


def walked(world: World, **came: str) -> TestRun:
    """Walk through a whole test, revocation included."""
    probe = world.core.flows.probe
    started = probe.start("crm", None, publish=True, invocation=world.run())
    world.services.elsewhere.clear()
    assert started.link
    browser = Browser.of(world)
    page = browser.returns(state=browser.opens(started.link), code="canary-code-1", **came)
    code: Secret | None = page.completion_code  # type: ignore[union-attr] # our own page
    run = started.run
    for _ in range(4):
        run = probe.advance("crm", run.test_id, code, revoke=False, invocation=world.run())
        code = None
    return probe.advance("crm", run.test_id, None, revoke=True, invocation=world.run())


def renewed(request: httpx.Request) -> httpx.Response:
    assert form(request)["exchange_token"] == "canary-access-1"
    return httpx.Response(200, json={"access_token": "canary-access-2", "expires_in": 60})


def test_every_step_holds(gapped: World) -> None:
    gapped.login.script += [gapped.login.usual, renewed]
    run = walked(gapped, realmId="42")
    assert [(step.step, step.outcome) for step in run.steps] == [
        (TestStep.CONSENT, "ok"),
        (TestStep.EXCHANGE, "ok"),
        (TestStep.ACCOUNT, "ok"),
        (TestStep.TOOLS, "ok"),
        (TestStep.REFRESH, "ok"),
        (TestStep.REVOKE, "ok"),
    ]
    assert run.account_label == "jo@example.com"
    assert gapped.mcp.requests[-1].headers["x-realm"] == "42"
    assert gapped.mcp.requests[-1].url.query == b"r=42"
    assert gapped.login.revoked == ["canary-access-2"]
    assert gapped.services.elsewhere == []


def test_a_token_that_is_too_young_to_be_renewed_is_left_alone(gapped: World) -> None:
    renews = replace(RENEWS, min_age_seconds=86_400)
    quirks = replace(gapped.server.quirks, refresh_request=renews)
    gapped.server = gapped.register(replace(gapped.server, quirks=quirks))
    run = walked(gapped, realmId="42")
    (step,) = [step for step in run.steps if step.step is TestStep.REFRESH]
    assert step.outcome == "ok"
    assert step.seen == "Not tried: the service renews no token that is younger than 24 hours."
    assert run.status is TestStatus.SUCCEEDED
    assert gapped.login.revoked == ["canary-access-1"]


def test_a_value_that_is_missing_is_named(gapped: World) -> None:
    run = walked(gapped)
    assert run.status is TestStatus.FAILED
    assert "kept_fields.realm" in run.steps[-1].seen
    assert [step.step for step in run.steps] == [TestStep.CONSENT, TestStep.EXCHANGE]


def test_one_that_is_not_allowed_is_named_and_not_quoted(gapped: World) -> None:
    gapped.login.extra = {"instance_url": "https://evil.test"}
    run = walked(gapped, realmId="42")
    assert "kept_fields.instance" in run.steps[-1].seen
    assert "evil" not in str(run)
    assert gapped.services.elsewhere == []


def test_tokens_of_a_test_that_ends_there_are_revoked_where_that_is_safe(gapped: World) -> None:
    alone = replace(
        gapped.server,
        revocation_endpoint="https://login.example.com/revoke",
        revocation_scope=RevocationScope.TOKEN,
    )
    gapped.server = gapped.register(alone)
    run = walked(gapped)
    assert run.status is TestStatus.FAILED
    assert gapped.login.revoked == ["canary-access-1"]


def test_discovery_of_a_server_with_gaps_proposes_nothing(gapped: World) -> None:
    found = gapped.core.flows.discovery.of_server("crm", gapped.run())
    assert gapped.services.elsewhere == []
    assert found.problems


def test_each_request_is_known_by_its_endpoint_and_a_mute_userinfo_is_told(gapped: World) -> None:
    gapped.server = gapped.register(
        replace(gapped.server, userinfo_endpoint="https://{instance}/authorize")
    )
    gapped.login.script += [gapped.login.usual, renewed]
    run = walked(gapped, realmId="42")
    steps = [one["step"] for one in run.trail]
    assert steps.count("account") == 1
    assert steps[-1] == "revocation"
    assert {"exchange", "tools", "refresh"} <= set(steps)
    warned = [step.step for step in run.steps if step.outcome == "warning"]
    assert TestStep.ACCOUNT in warned
