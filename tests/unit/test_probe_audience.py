"""What a refused token says of its audience, and nothing else of it."""

import base64
import json

import httpx
import pytest

from broker.flows.probe.audience import asked_about
from broker.model import AuthType, Quirks, Secret, Server
from broker.outbound import Outbound
from tests.fakes.clock import FakeClock

MCP_URL = "https://mcp.example.com/crm/mcp"


def jwt(aud: object) -> Secret:
    parts = [{"alg": "RS256"}, {"aud": aud, "sub": "canary-subject"}]
    encoded = [base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in parts]
    return Secret(b".".join([*encoded, b"c2lnbmF0dXJl"]).decode())


def known(token: Secret, userinfo: httpx.Response | None = None) -> dict[str, object]:
    def answer(_: httpx.Request) -> httpx.Response:
        if userinfo is None:
            raise httpx.ConnectError("nobody")
        return userinfo

    url = "https://login.example.com/me"
    server = Server("crm", "CRM", MCP_URL, AuthType.CONSUMER_OAUTH, userinfo_endpoint=url)
    outbound = Outbound(FakeClock(), httpx.MockTransport(answer))
    return dict(asked_about(outbound, server, token, 1010.0))


@pytest.mark.parametrize(
    ("aud", "told"),
    [
        ("https://graph.example.com", "https://graph.example.com"),
        (["https://a.example", "api://b"], "https://a.example api://b"),
        (["1", "2", "3", "4"], "1 2 3"),
        ("https://[", "https://["),
    ],
)
def test_another_audience_is_told(aud: object, told: str) -> None:
    assert known(jwt(aud)) == {"token_audience": told}


@pytest.mark.parametrize(
    "aud", [MCP_URL, "https://mcp.example.com", ["https://a.example", MCP_URL], None, 7, "", [], {}]
)
def test_the_server_itself_and_what_is_none_are_no_other_audience(aud: object) -> None:
    assert known(jwt(aud)) == {}


@pytest.mark.parametrize("token", ["opaque", "a.b.c", "a.b.c.d.e", "…"])
def test_a_token_that_is_no_jwt_says_nothing(token: str) -> None:
    assert known(Secret(token)) == {}


@pytest.mark.parametrize(
    ("answer", "accepts"),
    [
        (httpx.Response(200, json={"sub": "1"}), True),
        (httpx.Response(401), False),
        (httpx.Response(200, html="<h1>Log in</h1>"), None),
        (httpx.Response(403), None),
        (httpx.Response(500), None),
    ],
)
def test_the_userinfo_endpoint_says_whether_the_token_is_alive(
    answer: httpx.Response, accepts: bool | None
) -> None:
    assert known(Secret("opaque"), answer).get("userinfo_accepts") is accepts


def test_the_userinfo_endpoint_is_asked_as_for_an_account() -> None:
    heads: list[httpx.Headers] = []

    def answer(request: httpx.Request) -> httpx.Response:
        heads.append(request.headers)
        return httpx.Response(200, json={})

    quirks = Quirks(userinfo_header="X-Token", userinfo_scheme="")
    url = "https://login.example.com/me"
    server = Server(
        "crm", "CRM", MCP_URL, AuthType.CONSUMER_OAUTH, userinfo_endpoint=url, quirks=quirks
    )
    outbound = Outbound(FakeClock(), httpx.MockTransport(answer))
    assert asked_about(outbound, server, Secret("opaque"), 1010.0) == {"userinfo_accepts": True}
    assert heads[0]["x-token"] == "opaque"
    assert "authorization" not in heads[0]
