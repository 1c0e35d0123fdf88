"""Revocation in the shapes that services use in place of RFC 7009."""

import json
from base64 import b64decode
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from broker.model import (
    BasicEncoding,
    Credentials,
    Method,
    Place,
    RevocationRequest,
    RevocationShape,
    Secret,
    TokenName,
    TokenRequestStyle,
)
from broker.oauth import RevocationOutcome, Revoker
from tests.unit.oauth_answers import Service, StoppedClock, answering

CONFIRMED, REFUSED = RevocationOutcome.CONFIRMED, RevocationOutcome.REFUSED


def sent(
    endpoint: str = "https://api.example.com/revoke",
    style: TokenRequestStyle = TokenRequestStyle.FORM_POST,
    client_id_parameter: str = "client_id",
    basic_encoding: BasicEncoding = BasicEncoding.FORM,
    **request: Any,
) -> httpx.Request:
    service = answering(200, json={})
    shape = RevocationShape(RevocationRequest(**request), client_id_parameter, basic_encoding)
    outcome = asked(service, shape, endpoint, style)
    assert outcome is CONFIRMED
    return service.requests[0]


def asked(
    service: Service,
    shape: RevocationShape,
    endpoint: str = "https://api.example.com/revoke",
    style: TokenRequestStyle = TokenRequestStyle.FORM_POST,
    secret: Secret | None = Secret("s/cret"),  # noqa: B008 - a value
) -> RevocationOutcome:
    return Revoker(service.outbound, StoppedClock()).revoke(
        endpoint,
        client_id="client-1",
        style=style,
        client_secret=secret,
        token=Secret("token/1"),
        token_type_hint="access_token",
        deadline=5.0,
        shape=shape,
    )


def form(request: httpx.Request) -> dict[str, str]:
    return dict(parse_qsl(request.content.decode(), keep_blank_values=True))


def test_github_is_asked_by_delete_with_basic_and_a_json_body() -> None:
    request = sent(
        "https://api.github.com/applications/client-1/grant",
        method=Method.DELETE,
        credentials=Credentials.JSON_BASIC,
        parameter="access_token",
    )
    assert request.method == "DELETE"
    assert b64decode(request.headers["authorization"].split()[1]) == b"client-1:s%2Fcret"
    assert json.loads(request.content) == {"access_token": "token/1"}


def test_a_secret_may_go_into_basic_as_it_is() -> None:
    request = sent(basic_encoding=BasicEncoding.RAW, credentials=Credentials.FORM_BASIC)
    assert b64decode(request.headers["authorization"].split()[1]) == b"client-1:s/cret"


@pytest.mark.parametrize("method", list(Method))
def test_a_bearer_is_all_that_some_want(method: Method) -> None:
    request = sent(method=method, credentials=Credentials.BEARER)
    assert request.method == method
    assert request.headers["authorization"] == "Bearer token/1"
    assert (request.content, request.url.query) == (b"", b"")


def test_a_bearer_may_have_to_say_in_the_query_what_it_ends() -> None:
    request = sent(credentials=Credentials.BEARER, place=Place.QUERY)
    assert request.headers["authorization"] == "Bearer token/1"
    assert (request.content, request.url.query) == (b"", b"token=token%2F1")


def test_a_client_id_has_the_name_that_the_service_gives_it() -> None:
    request = sent(client_id_parameter="client_key")
    assert form(request) == {
        "token": "token/1",
        "token_type_hint": "access_token",
        "client_key": "client-1",
        "client_secret": "s/cret",
    }


def test_a_token_in_the_query_leaves_the_credentials_in_the_body() -> None:
    request = sent(place=Place.QUERY, endpoint="https://api.example.com/revoke?v=1")
    assert request.url.query == b"v=1&token=token%2F1"
    assert form(request) == {"client_id": "client-1", "client_secret": "s/cret"}


def test_zoho_wants_the_token_alone() -> None:
    request = sent(place=Place.QUERY, credentials=Credentials.OMITTED)
    assert (request.method, request.content) == ("POST", b"")
    assert "authorization" not in request.headers


def test_a_token_may_stand_in_the_path() -> None:
    request = sent(
        "https://api.example.com/refresh-tokens/{token}",
        method=Method.DELETE,
        credentials=Credentials.OMITTED,
        place=Place.PATH,
    )
    assert request.url.raw_path == b"/refresh-tokens/token%2F1"
    assert request.content == b""


def test_a_get_has_no_body() -> None:
    request = sent(method=Method.GET, parameter="access_token", credentials=Credentials.OMITTED)
    assert (request.method, request.content) == ("GET", b"")
    assert request.url.query == b"access_token=token%2F1"


def test_a_hint_goes_with_the_request_of_the_rfc_alone() -> None:
    credentials = {"client_id", "client_secret"}
    assert form(sent(parameter="access_token")).keys() == {"access_token", *credentials}
    assert form(sent(credentials=Credentials.FORM_POST)).keys() == {"token", *credentials}
    hinted = {"token", "token_type_hint", *credentials}
    assert form(sent(token=TokenName.ACCESS)).keys() == hinted


def test_another_style_than_that_of_token_requests_can_be_named() -> None:
    request = sent(style=TokenRequestStyle.FORM_POST, credentials=Credentials.JSON_POST)
    assert json.loads(request.content)["client_secret"] == "s/cret"


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, {"success": True}, CONFIRMED),
        (204, None, CONFIRMED),
        (200, {"ok": True, "revoked": True}, CONFIRMED),
        (200, {"ok": False, "error": "token_revoked"}, CONFIRMED),
        (200, {"success": False}, REFUSED),
        (200, {"ok": False, "error": "not_authed"}, REFUSED),
        # The access token may have run out while the grant lives: nothing is known to be dead.
        (401, {"error": "invalid_token"}, REFUSED),
        (400, {"error": "invalid_token"}, REFUSED),
        (200, {"ok": False, "error": "token_expired"}, REFUSED),
        (404, {"message": "Not Found"}, REFUSED),
        (503, None, RevocationOutcome.NO_ANSWER),
    ],
)
def test_what_a_bearer_is_told_is_not_embellished(
    status: int, body: object, outcome: RevocationOutcome
) -> None:
    shape = RevocationShape(RevocationRequest(credentials=Credentials.BEARER))
    service = answering(status, json=body) if body is not None else answering(status)
    assert asked(service, shape) is outcome


def test_a_success_with_an_error_inside_confirms_nothing() -> None:
    shape = RevocationShape(error_field="base.code")
    assert asked(answering(200, json={"base": {"code": 7}}), shape) is REFUSED
    assert asked(answering(200, json={"base": {"code": 0}}), shape) is CONFIRMED


def test_credentials_that_are_named_and_not_there_refuse_without_a_request() -> None:
    service = answering(200)
    shape = RevocationShape(RevocationRequest(credentials=Credentials.FORM_BASIC))
    assert asked(service, shape, secret=None) is REFUSED
    assert service.requests == []


def test_a_gap_that_is_left_is_not_sent() -> None:
    service = answering(200)
    outcome = asked(service, RevocationShape(), "https://{instance_url}/revoke")
    assert outcome is RevocationOutcome.NO_ANSWER
    assert service.requests == []
