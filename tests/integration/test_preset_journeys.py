"""Services of the catalogue that differ most: consent, account, refresh and disconnect at each."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from broker.inbound.registry_requests import PutServerRequest
from broker.model import Precondition, Revocation
from tests.integration.conftest import World
from tests.integration.consents import Browser, complete, link, told
from tests.integration.test_ahead import looks

type Answers = dict[str, list[Any]]
MONTHS = 5_184_000


@dataclass
class Service:
    """Answers by method and URL without query, in order; anything else fails the test."""

    answers: Answers
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        place = f"{request.method} {request.url.copy_with(query=None)}"
        told = self.answers[place]
        body = told.pop(0) if len(told) > 1 else told[0]
        return httpx.Response(204) if body is None else httpx.Response(200, json=body)

    def sent(self, number: int) -> dict[str, str]:
        """Return what a request says, wherever it says it."""
        request = self.requests[number]
        said = dict(parse_qsl(request.url.query.decode()))
        if request.content.startswith(b"{"):
            said |= json.loads(request.content)
            return said
        return said | dict(parse_qsl(request.content.decode()))

    def authorization(self, number: int) -> str:
        return str(self.requests[number].headers.get("authorization", ""))


@dataclass
class Walked:
    """What became of the journey."""

    service: Service
    account: str | None
    kept: dict[str, str]
    revocation: Revocation


def walk(
    world: World, preset: str, answers: Answers, refreshes_after: float, **came: str
) -> Walked:
    """Register by the preset, connect, refresh once, disconnect."""
    service = Service(answers)
    transport = httpx.MockTransport(service)
    core = type(world.core)(world.cloud, transport, world.cloud.settings(), world.core.clock)
    world.core = core
    world.container = lambda *_, **__: core  # type: ignore[method-assign] # the worker's, too
    wanted = {
        "server_id": "crm",
        "preset": preset,
        "mcp_url": "https://mcp.example.com/mcp",
        "client_id": "client-1",
        "client_secret": "canary-secret",
    }
    request = PutServerRequest.model_validate(wanted)
    core.flows.servers.put("crm", request.draft, Precondition())
    browser = Browser.of(world)
    state = browser.opens(link(world))
    back = told(browser.follow(browser.returns(state=state, code="canary-code-1", **came)))
    connection = complete(world, back).connection
    if refreshes_after:
        world.time.passes(refreshes_after)
        looks(world)
        assert world.connection().generation == 2
    outcome = core.flows.connections.disconnect("jo", "crm", world.run())
    return Walked(service, connection.account.label, dict(connection.kept), outcome)


def test_facebook(world: World) -> None:
    graph = "https://graph.facebook.com/v22.0"
    long = {"access_token": "long-1", "token_type": "bearer", "expires_in": MONTHS}
    answers: Answers = {
        f"POST {graph}/oauth/access_token": [
            {"access_token": "short-1", "token_type": "bearer", "expires_in": 5000},
            long,
            long | {"access_token": "long-2"},
        ],
        f"GET {graph}/me": [{"id": "1", "name": "Jo", "email": "jo@example.com"}],
        f"DELETE {graph}/me/permissions": [{"success": True}],
    }
    seen = walk(world, "facebook", answers, MONTHS * 0.9)
    assert (seen.account, seen.revocation) == ("jo@example.com", Revocation.CONFIRMED)
    exchanged = [seen.service.sent(n).get("fb_exchange_token") for n in range(4)]
    assert exchanged == [None, "short-1", None, "long-1"]
    assert seen.service.authorization(4) == "Bearer long-2"
    assert len(seen.service.requests) == 5


def test_instagram(world: World) -> None:
    long = {"access_token": "long-1", "token_type": "bearer", "expires_in": MONTHS}
    answers: Answers = {
        "POST https://api.instagram.com/oauth/access_token": [
            {"data": [{"access_token": "short-1", "user_id": "7", "permissions": "a,b"}]}
        ],
        "GET https://graph.instagram.com/access_token": [long],
        "GET https://graph.instagram.com/me": [{"user_id": "7", "username": "jo"}],
        "GET https://graph.instagram.com/refresh_access_token": [long | {"access_token": "long-2"}],
    }
    seen = walk(world, "instagram", answers, MONTHS * 0.9)
    assert (seen.account, seen.revocation) == ("jo", Revocation.UNSUPPORTED)
    assert seen.service.sent(1)["grant_type"] == "ig_exchange_token"
    assert seen.service.sent(1)["client_secret"] == "canary-secret"
    assert seen.service.sent(3) == {"grant_type": "ig_refresh_token", "access_token": "long-1"}


def test_github(world: World) -> None:
    answers: Answers = {
        "POST https://github.com/login/oauth/access_token": [
            {"access_token": "gho-1", "token_type": "bearer", "scope": "read:user"}
        ],
        "GET https://api.github.com/user": [{"id": 1, "login": "jo"}],
        "DELETE https://api.github.com/applications/client-1/grant": [None],
    }
    seen = walk(world, "github", answers, 0)
    assert (seen.account, seen.revocation) == ("jo", Revocation.CONFIRMED)
    assert seen.service.sent(2) == {"access_token": "gho-1"}
    assert seen.service.authorization(2).startswith("Basic ")


def test_zoho_in_another_data_centre(world: World) -> None:
    token = {"access_token": "at-1", "expires_in": 3600, "api_domain": "https://www.zohoapis.eu"}
    eu = "https://accounts.zoho.eu/oauth"
    answers: Answers = {
        f"POST {eu}/v2/token": [
            token | {"refresh_token": "rt-1"},
            token | {"access_token": "at-2"},
        ],
        f"GET {eu}/user/info": [{"Email": "jo@example.com", "ZUID": 1, "Display_Name": "Jo"}],
        f"POST {eu}/v2/token/revoke": [{"status": "success"}],
    }
    came = {"location": "eu", "accounts-server": "https://accounts.zoho.eu"}
    seen = walk(world, "zoho-crm", answers, 3300, **came)
    assert seen.kept == {"accounts_server": "accounts.zoho.eu", "api_domain": "www.zohoapis.eu"}
    assert seen.service.authorization(1) == "Zoho-oauthtoken at-1"
    last = seen.service.requests[-1]
    assert (last.url.query, last.content) == (b"token=rt-1", b"")
    assert seen.revocation is Revocation.CONFIRMED


def test_quickbooks(world: World) -> None:
    platform = "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer"
    token = {"access_token": "at-1", "refresh_token": "rt-1", "expires_in": 3600}
    answers: Answers = {
        f"POST {platform}": [token, token | {"access_token": "at-2", "refresh_token": "rt-2"}],
        "GET https://accounts.platform.intuit.com/v1/openid_connect/userinfo": [
            {"sub": "1", "email": "jo@example.com", "emailVerified": True}
        ],
        "POST https://developer.api.intuit.com/v2/oauth2/tokens/revoke": [{}],
    }
    seen = walk(world, "quickbooks", answers, 3300, realmId="4620816365")
    assert seen.kept == {"realm_id": "4620816365"}
    assert seen.service.sent(3) == {"token": "rt-2"}
    assert seen.service.authorization(3).startswith("Basic ")
    assert (seen.account, seen.revocation) == ("jo@example.com", Revocation.CONFIRMED)


def test_slack(world: World) -> None:
    user = {"id": "U1", "access_token": "xoxp-1", "scope": "channels:read,users:read"}
    answers: Answers = {
        "POST https://slack.com/api/oauth.v2.access": [
            {"ok": True, "authed_user": user, "team": {"id": "T1", "name": "Blue Team"}}
        ],
        "POST https://slack.com/api/auth.revoke": [{"ok": True, "revoked": True}],
    }
    seen = walk(world, "slack", answers, 0)
    assert (seen.account, seen.revocation) == ("Blue Team", Revocation.CONFIRMED)
    assert seen.service.authorization(1) == "Bearer xoxp-1"


def test_tiktok(world: World) -> None:
    token = {"access_token": "at-1", "refresh_token": "rt-1", "expires_in": 86_400, "scope": "a"}
    api = "https://open.tiktokapis.com/v2"
    answers: Answers = {
        f"POST {api}/oauth/token/": [token, token | {"access_token": "at-2"}],
        f"GET {api}/user/info/": [{"data": {"user": {"open_id": "o", "display_name": "Jo"}}}],
        f"POST {api}/oauth/revoke/": [{}],
    }
    seen = walk(world, "tiktok", answers, 86_000)
    assert (seen.account, seen.revocation) == ("Jo", Revocation.CONFIRMED)
    last = seen.service.sent(3)
    assert (last["token"], last["client_key"]) == ("at-2", "client-1")
    assert "client_id" not in last


def test_salesforce_keeps_where_the_organization_is(world: World) -> None:
    login = "https://login.salesforce.com/services/oauth2"
    token = {"access_token": "at-1", "instance_url": "https://acme.my.salesforce.com"}
    answers: Answers = {
        f"POST {login}/token": [token | {"refresh_token": "rt-1"}],
        f"GET {login}/userinfo": [{"sub": "1", "email": "jo@example.com"}],
        f"POST {login}/revoke": [None],
    }
    seen = walk(world, "salesforce", answers, 0)
    assert seen.kept == {"instance_url": "acme.my.salesforce.com"}
    assert seen.revocation is Revocation.CONFIRMED


JO = "jo@example.com"


@pytest.mark.parametrize(
    ("preset", "place", "said"),
    [
        (
            "digitalocean",
            "POST https://cloud.digitalocean.com/v1/oauth/revoke?token=at-1",
            "Bearer at-1",
        ),
        ("dropbox", "POST https://api.dropboxapi.com/2/auth/token/revoke", "Bearer at-1"),
        ("hubspot", "DELETE https://api.hubapi.com/oauth/v1/refresh-tokens/rt-1", ""),
        ("linear", "POST https://api.linear.app/oauth/revoke", "Bearer at-1"),
        ("miro", "POST https://api.miro.com/v1/oauth/revoke?access_token=at-1", ""),
        ("smartsheet", "DELETE https://api.smartsheet.com/2.0/token", "Bearer at-1"),
        ("strava", "POST https://www.strava.com/oauth/deauthorize", ""),
    ],
)
def test_a_disconnect_asks_as_the_service_wants(
    world: World, preset: str, place: str, said: str
) -> None:
    token = {"access_token": "at-1", "refresh_token": "rt-1", "expires_in": 3600}
    answers: Answers = {
        "POST https://cloud.digitalocean.com/v1/oauth/token": [token],
        "POST https://api.dropboxapi.com/oauth2/token": [token],
        "POST https://api.hubapi.com/oauth/v1/token": [token],
        "POST https://api.linear.app/oauth/token": [token],
        "POST https://api.miro.com/v1/oauth/token": [token],
        "POST https://api.smartsheet.com/2.0/token": [token],
        "POST https://www.strava.com/api/v3/oauth/token": [token],
        place.partition("?")[0]: [None],
        "GET https://api.digitalocean.com/v2/account": [{"account": {"email": JO}}],
        "POST https://api.dropboxapi.com/2/users/get_current_account": [{"email": JO}],
        "GET https://api.hubapi.com/oauth/v1/access-tokens/at-1": [{"user": JO}],
        "GET https://api.miro.com/v1/users/me": [{"id": "1", "name": "jo"}],
        "GET https://api.smartsheet.com/2.0/users/me": [{"id": 1, "email": JO}],
        "GET https://www.strava.com/api/v3/athlete": [{"id": 1, "username": "jo"}],
    }
    seen = walk(world, preset, answers, 0)
    assert seen.revocation is Revocation.CONFIRMED
    assert seen.service.authorization(-1) == said
    assert f"{seen.service.requests[-1].method} {seen.service.requests[-1].url}" == place
