"""Token requests and responses of services that differ, as their builders declare them."""

import base64
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest

from broker.model import (
    BasicEncoding,
    Credentials,
    LongLivedExchange,
    Method,
    Quirks,
    RefreshRequest,
    ResourceIn,
    Secret,
    Server,
    TokenName,
    TokenRequestStyle,
)
from broker.oauth import TokenRequestFailed, authorization_url
from tests.unit.oauth_answers import (
    HOUR,
    SECRET,
    SERVER,
    Service,
    answering,
    exchange,
    granted,
    granting,
    refresh,
)

RENEWING = RefreshRequest(
    grant_type="fb_exchange_token", token=TokenName.ACCESS, parameter="fb_exchange_token"
)


def having(**quirks: Any) -> Server:
    return replace(SERVER, quirks=Quirks(**quirks))


def query(request: httpx.Request) -> dict[str, str]:
    return dict(parse_qsl(request.url.query.decode(), keep_blank_values=True))


def basic(service: Service) -> str:
    [scheme, text] = service.requests[0].headers["authorization"].split()
    assert scheme == "Basic"
    return base64.b64decode(text).decode()


@pytest.mark.parametrize(
    ("encoding", "sent"),
    [(BasicEncoding.FORM, "client-1:a%2Fb%3D%2B"), (BasicEncoding.RAW, "client-1:a/b=+")],
)
def test_basic_is_encoded_as_the_service_reads_it(encoding: BasicEncoding, sent: str) -> None:
    service = granting()
    server = replace(
        having(basic_encoding=encoding), token_request_style=TokenRequestStyle.FORM_BASIC
    )
    exchange(service, server, secret=Secret("a/b=+"))
    assert basic(service) == sent


@pytest.mark.parametrize(
    ("where", "authorization", "token"),
    [
        (ResourceIn.BOTH, True, True),
        (ResourceIn.AUTHORIZATION, True, False),
        (ResourceIn.TOKEN, False, True),
        (ResourceIn.NONE, False, False),
    ],
)
def test_the_resource_is_said_where_the_service_takes_it(
    where: ResourceIn, authorization: bool, token: bool
) -> None:
    server = replace(
        having(resource_in=where),
        resource="https://mcp.example.com/mcp",
        authorization_endpoint="https://login.example.com/authorize",
    )
    url = authorization_url(
        server,
        redirect_uri="https://x",
        state=Secret("s"),
        code_verifier=None,
        nonce=None,
        scopes=(),
    )
    assert ("resource" in parse_qs(urlsplit(url).query)) is authorization
    exchanged, refreshed = granting(), granting()
    exchange(exchanged, server)
    refresh(refreshed, server)
    assert ("resource" in exchanged.form) is token
    assert ("resource" in refreshed.form) is token


def test_several_sets_of_scopes_are_asked_for_at_once() -> None:
    server = replace(
        having(scope_sets={"scope": ("chat:write", "commands")}),
        scope_parameter="user_scope",
        scope_separator=",",
        authorization_endpoint="https://slack.com/oauth/v2/authorize",
    )
    url = authorization_url(
        server,
        redirect_uri="https://x",
        state=Secret("s"),
        code_verifier=None,
        nonce=None,
        scopes=("users:read",),
    )
    asked = parse_qs(urlsplit(url).query)
    assert asked["scope"] == ["chat:write,commands"]
    assert asked["user_scope"] == ["users:read"]


def test_an_access_token_renews_itself_where_there_is_no_refresh_token() -> None:
    service = answering(200, json={"access_token": "at-2", "expires_in": 3600})
    renewed = refresh(service, having(refresh_request=RENEWING), refresh_token="at-1")
    assert service.form == {
        "grant_type": "fb_exchange_token",
        "fb_exchange_token": "at-1",
        "client_id": "client-1",
        "client_secret": "client-secret-1",
    }
    assert renewed.token_set.access_token == renewed.token_set.refresh_token == Secret("at-2")


def test_a_refresh_token_beside_one_that_renews_itself_is_left() -> None:
    found = granted(having(refresh_request=RENEWING), refresh_token="rt", refresh_expires_in=60)
    assert found.token_set.refresh_token == Secret("at-1")
    assert (found.token_set.refresh_expires_at, found.refresh_token_lost) == (None, False)


def test_a_refresh_by_get_says_all_of_it_in_the_url() -> None:
    service = granting()
    request = RefreshRequest(
        Method.GET, "ig_refresh_token", TokenName.ACCESS, "access_token", Credentials.OMITTED
    )
    server = replace(
        having(refresh_request=request), refresh_endpoint="https://graph.example.com/renew?v=1"
    )
    refresh(service, server, refresh_token="at/1")
    [sent] = service.requests
    assert (sent.method, sent.content) == ("GET", b"")
    assert "content-type" not in sent.headers
    assert query(sent) == {"v": "1", "grant_type": "ig_refresh_token", "access_token": "at/1"}


def test_the_token_of_a_code_is_exchanged_for_one_that_lives_longer() -> None:
    longer = LongLivedExchange(
        "https://graph.example.com/access_token", Method.GET, "ig_exchange_token"
    )
    server = having(long_lived_exchange=longer)
    service = answering(200, json={"access_token": "long-1", "expires_in": 3600})
    short = granted(server, id_token="a.b.c", scope="read")
    found = service.endpoint.prolong(server, SECRET, short, 8.0)
    assert query(service.requests[0]) == {
        "grant_type": "ig_exchange_token",
        "access_token": "at-1",
        "client_id": "client-1",
        "client_secret": "client-secret-1",
    }
    assert found.token_set.access_token == Secret("long-1")
    assert (found.token_set.expires_at, found.token_set.scope) == (HOUR, ("read",))
    assert found.id_token == short.id_token


def test_a_token_that_cannot_be_exchanged_fails_the_exchange() -> None:
    server = having(long_lived_exchange=LongLivedExchange("https://graph.example.com/long"))
    refusing = answering(400, json={"error": {"message": "no", "type": "OAuthException"}})
    with pytest.raises(TokenRequestFailed):
        refusing.endpoint.prolong(server, SECRET, granted(server), 8.0)


INTROSPECTING = having(introspection_endpoint="https://login.example.com/introspect")


def test_a_lifetime_that_nothing_tells_is_asked_for() -> None:
    service = answering(200, json={"active": True, "exp": int(HOUR.timestamp())})
    found = service.endpoint.dated(INTROSPECTING, SECRET, granted(INTROSPECTING), 8.0)
    assert (found.token_set.expires_at, found.lifetime_told) == (HOUR, True)
    assert service.form == {
        "token": "at-1",
        "token_type_hint": "access_token",
        "client_id": "client-1",
        "client_secret": "client-secret-1",
    }


def test_one_that_was_told_is_not() -> None:
    service = answering(500)
    response = granted(INTROSPECTING, expires_in=3600)
    assert service.endpoint.dated(INTROSPECTING, SECRET, response, 8.0) is response
    assert service.requests == []


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"active": False, "exp": int(HOUR.timestamp())}),
        (200, {"active": True}),
        (200, {"active": True, "exp": "soon"}),
        (200, {"active": True, "exp": 60}),
        (200, {"active": "true", "exp": int(HOUR.timestamp())}),
        (200, []),
        (401, {"error": "invalid_client"}),
        (500, {}),
    ],
)
def test_an_introspection_that_tells_nothing_fails_nothing(status: int, body: object) -> None:
    response = granted(INTROSPECTING)
    found = answering(status, json=body).endpoint.dated(INTROSPECTING, SECRET, response, 8.0)
    assert found is response


def test_nor_does_one_that_brings_no_answer() -> None:
    def breaks(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no")

    response = granted(INTROSPECTING)
    assert Service(breaks).endpoint.dated(INTROSPECTING, SECRET, response, 8.0) is response
    assert answering(200).endpoint.dated(INTROSPECTING, None, response, 8.0) is response
