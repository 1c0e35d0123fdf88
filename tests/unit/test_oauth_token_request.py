"""What is sent to a token endpoint."""

import json
from dataclasses import replace

import pytest

from broker.model import Secret, TokenRequestStyle
from tests.unit.oauth_answers import SECRET, SERVER, exchange, granting, refresh


def test_an_exchange_sends_what_rfc_6749_and_pkce_ask_for() -> None:
    service = granting()
    response = exchange(service)
    assert service.form == {
        "grant_type": "authorization_code",
        "code": "code-1",
        "redirect_uri": "https://broker.example.com/callback/crm",
        "code_verifier": "verifier-1",
        "client_id": "client-1",
        "client_secret": "client-secret-1",
    }
    assert response.token_set.access_token == Secret("at-1")


def test_a_refresh_sends_the_token_and_nothing_of_the_code() -> None:
    service = granting()
    refresh(service)
    assert service.form == {
        "grant_type": "refresh_token",
        "refresh_token": "refresh-1",
        "client_id": "client-1",
        "client_secret": "client-secret-1",
    }


def test_the_client_id_goes_by_the_name_that_the_service_has_for_it() -> None:
    server = replace(SERVER, client_id_parameter="client_key")
    for request in (exchange, refresh):
        service = granting()
        request(service, server)
        assert service.form["client_key"] == "client-1"
        assert "client_id" not in service.form


def test_without_pkce_no_verifier_is_sent() -> None:
    service = granting()
    service.endpoint.exchange(
        SERVER,
        SECRET,
        code=Secret("code-1"),
        code_verifier=None,
        redirect_uri="https://broker.example.com/callback/crm",
        deadline=8.0,
    )
    assert "code_verifier" not in service.form


def test_a_request_is_one_post_on_a_connection_of_its_own_that_asks_for_json() -> None:
    service = granting()
    refresh(service)
    (request,) = service.requests
    assert request.method == "POST"
    assert request.headers["accept"] == "application/json"
    assert request.headers["connection"] == "close"
    assert request.extensions["fresh"] is True
    assert request.extensions["deadline"] == 8.0


def test_a_refresh_goes_to_the_refresh_endpoint_where_there_is_one() -> None:
    service = granting()
    refresh(service, replace(SERVER, refresh_endpoint="https://login.example.com/refresh"))
    assert service.requests[0].url == "https://login.example.com/refresh"


def test_an_exchange_goes_to_the_token_endpoint_all_the_same() -> None:
    service = granting()
    exchange(service, replace(SERVER, refresh_endpoint="https://login.example.com/refresh"))
    assert service.requests[0].url == "https://login.example.com/token"


def test_each_request_has_its_own_extra_parameters() -> None:
    server = replace(SERVER, extra_token_params={"a": "1"}, extra_refresh_params={"b": "2"})
    exchanged, refreshed = granting(), granting()
    exchange(exchanged, server)
    refresh(refreshed, server)
    assert exchanged.form.get("a") == "1"
    assert refreshed.form.get("b") == "2"
    assert "b" not in exchanged.form
    assert "a" not in refreshed.form


@pytest.mark.parametrize("style", list(TokenRequestStyle))
@pytest.mark.parametrize(
    "name",
    [
        "grant_type",
        "code",
        "redirect_uri",
        "client_id",
        "client_secret",
        "code_verifier",
        "refresh_token",
    ],
)
def test_extra_parameters_override_nothing_of_ours(style: TokenRequestStyle, name: str) -> None:
    extra = {name: "evil"}
    server = replace(
        SERVER, token_request_style=style, extra_token_params=extra, extra_refresh_params=extra
    )
    exchanged, refreshed = granting(), granting()
    exchange(exchanged, server)
    refresh(refreshed, server)
    assert b"evil" not in exchanged.requests[0].content + refreshed.requests[0].content


def test_the_resource_goes_into_both_requests_and_wins() -> None:
    extra = {"resource": "https://other.example.com"}
    server = replace(
        SERVER,
        resource="https://mcp.example.com/mcp",
        extra_token_params=extra,
        extra_refresh_params=extra,
    )
    exchanged, refreshed = granting(), granting()
    exchange(exchanged, server)
    refresh(refreshed, server)
    assert exchanged.form["resource"] == "https://mcp.example.com/mcp"
    assert refreshed.form["resource"] == "https://mcp.example.com/mcp"


def test_a_json_style_sends_json() -> None:
    service = granting()
    refresh(service, replace(SERVER, token_request_style=TokenRequestStyle.JSON_POST))
    assert json.loads(service.requests[0].content)["refresh_token"] == "refresh-1"
