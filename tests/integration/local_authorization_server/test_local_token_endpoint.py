"""The token endpoint of the local stack's third-party service, in all its styles and moods."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qsl, quote_plus

import httpx
import pytest
from joserfc import jwt

from local.authorization_server.records import Style
from local.authorization_server.sample_app import SECRET, SampleApp
from tests.integration.local_authorization_server.conftest import (
    INVALID_CLIENT,
    INVALID_GRANT,
    credentials,
    error_of,
    grant,
    in_style,
    keys,
)

_WITH_SECRET_OR_NONE = [style for style in Style if style is not Style.PRIVATE_KEY_JWT]

# The code


def test_a_code_needs_its_verifier_and_its_redirect_uri(app: SampleApp) -> None:
    for fault in ({"code_verifier": "w" * 43}, {"redirect_uri": "https://other.example"}):
        assert error_of(app.redeem(app.consent()["code"], **fault)) == INVALID_GRANT
    answer = app.redeem(app.consent()["code"], code_verifier="")
    assert error_of(answer) == (400, "invalid_request")


def test_pkce_can_be_switched_off(app: SampleApp) -> None:
    app.switch(require_pkce=False)
    returned = app.consent(code_challenge=None, code_challenge_method=None)
    assert app.redeem(returned["code"], code_verifier="").status_code == 200


def test_a_second_exchange_of_a_code_kills_what_the_first_one_got(app: SampleApp) -> None:
    code = app.consent()["code"]
    tokens = app.redeem(code).json()
    assert error_of(app.redeem(code)) == INVALID_GRANT
    assert app.introspect(tokens["access_token"]) == {"active": False}


# Client authentication


@in_style(*_WITH_SECRET_OR_NONE)
def test_a_client_is_heard_in_its_registered_style_and_in_no_other(app: SampleApp) -> None:
    token = app.tokens()["refresh_token"]
    for style in sorted(_WITH_SECRET_OR_NONE, key=lambda style: style is app.style):
        answer = app.refresh(token, style)
        assert answer.is_success or error_of(answer) == INVALID_CLIENT
        assert answer.is_success == (style is app.style)
        assert app.log()[-1]["style"] == style


@in_style("form_post", "form_basic")
def test_credentials_in_header_and_body_together_are_refused(app: SampleApp) -> None:
    both = {"client_id": app.client_id, "client_secret": SECRET}
    answer = app.http.post(f"{app.issuer}/token", data=both | grant(app), auth=credentials(app))
    assert error_of(answer) == INVALID_CLIENT
    assert app.log()[0]["style"] == "both"


@in_style("form_basic")
@pytest.mark.parametrize(
    ("reading", "form_encoded", "raw"),
    [("any", 200, 200), ("form", 200, 401), ("raw", 401, 200)],
)
def test_a_basic_header_is_read_as_the_service_reads_it(
    app: SampleApp, reading: str, form_encoded: int, raw: int
) -> None:
    app.switch(basic_encoding=reading)
    for secret, status in ((quote_plus(SECRET), form_encoded), (SECRET, raw)):
        url, auth = f"{app.issuer}/token", credentials(app, secret)
        assert app.http.post(url, data=grant(app), auth=auth).status_code == status


# Refresh


def test_a_spent_refresh_token_kills_its_whole_family(app: SampleApp) -> None:
    first = app.tokens()
    second = app.refresh(first["refresh_token"]).json()
    assert app.introspect(second["access_token"])["active"]
    assert error_of(app.refresh(first["refresh_token"])) == INVALID_GRANT
    assert error_of(app.refresh(second["refresh_token"])) == INVALID_GRANT
    for token in (first["access_token"], second["access_token"]):
        assert not app.introspect(token)["active"]
    assert "used before" in app.log()[1]["detail"]


def test_of_parallel_refreshes_with_one_token_one_wins(app: SampleApp) -> None:
    tokens = [app.tokens()["refresh_token"]] * 8
    with ThreadPoolExecutor(8) as pool:
        statuses = [answer.status_code for answer in pool.map(app.refresh, tokens)]
    assert sorted(statuses) == [200, *[400] * 7]


def test_a_grace_period_forgives_a_repeated_refresh(app: SampleApp) -> None:
    app.switch(reuse_grace_seconds=0.15)
    token = app.tokens()["refresh_token"]
    assert app.refresh(token).is_success
    assert app.refresh(token).is_success
    time.sleep(0.15)
    assert error_of(app.refresh(token)) == INVALID_GRANT


def test_without_rotation_the_token_stays_and_is_not_repeated(app: SampleApp) -> None:
    app.switch(rotate=False)
    token = app.tokens()["refresh_token"]
    assert "refresh_token" not in app.refresh(token).json()
    app.switch(echo_refresh_token=True)
    assert app.refresh(token).json()["refresh_token"] == token


def test_a_refresh_token_is_issued_on_the_services_terms(app: SampleApp) -> None:
    app.switch(refresh_token_needs={"access_type": "offline"})
    for changes, expected in (({}, False), ({"access_type": "offline"}, True)):
        answer = app.redeem(app.consent("allow", "bob", **changes)["code"]).json()
        assert ("refresh_token" in answer) == expected
    app.switch(refresh_token_needs={}, omit_refresh_token=True)
    assert "refresh_token" not in app.redeem(app.consent()["code"]).json()


def test_an_access_token_can_be_a_jwt_and_die_with_the_refresh(app: SampleApp) -> None:
    app.switch(jwt_access_token=True, rotation_kills_access_token=True)
    tokens = app.tokens()
    claims = jwt.decode(tokens["access_token"], keys(app)).claims
    assert (claims["sub"], claims["exp"] - claims["iat"]) == ("person-1001", 3600)
    assert app.introspect(tokens["access_token"])["active"]
    fresh = app.refresh(tokens["refresh_token"]).json()["access_token"]
    assert not app.introspect(tokens["access_token"])["active"]
    assert app.introspect(fresh)["active"]


def test_a_jwt_is_for_the_resource_that_the_token_request_names(app: SampleApp) -> None:
    app.switch(jwt_access_token=True)
    resource = "https://mcp.example.com/mcp"
    tokens = app.redeem(app.consent()["code"], resource=resource).json()
    claims = jwt.decode(tokens["access_token"], keys(app)).claims
    assert (claims["iss"], claims["aud"]) == (app.issuer, resource)
    other = app.redeem(app.consent()["code"]).json()["access_token"]
    assert "aud" not in jwt.decode(other, keys(app)).claims


# Token responses in the wild


@pytest.mark.parametrize(
    ("switches", "expected"),
    [
        ({}, {"expires_in": 3600, "scope": "openid contacts.read contacts.write"}),
        ({"access_token_lifetime": 5}, {"expires_in": 5}),
        ({"expires_in_form": "string"}, {"expires_in": "3600"}),
        ({"expires_in_form": "zero"}, {"expires_in": 0}),
        ({"expires_in_form": "absent"}, {"expires_in": None}),
        ({"omit_scope": True}, {"scope": None}),
        ({"scope_separator": "comma"}, {"scope": "openid,contacts.read,contacts.write"}),
        ({"nested_tokens": True}, {"ok": True, "access_token": None, "refresh_token": None}),
        ({"extra_token_fields": {"realm": "7"}}, {"realm": "7"}),
    ],
)
def test_a_token_response_has_the_services_form(
    app: SampleApp, switches: dict[str, Any], expected: dict[str, Any]
) -> None:
    app.switch(**switches)
    body = app.refresh(app.tokens()["refresh_token"]).json()
    assert {name: body.get(name) for name in expected} == expected
    assert "access_token" in body.get("authed_user", body)


def test_an_expiry_can_be_an_absolute_time(app: SampleApp) -> None:
    app.switch(expires_in_form="absolute")
    expires_in = app.refresh(app.tokens()["refresh_token"]).json()["expires_in"]
    assert expires_in == pytest.approx(time.time() + 3600, abs=5)


@pytest.mark.parametrize(
    ("body_form", "accept", "is_form"),
    [("form", "application/json", True), ("by_accept", "*/*", True), ("by_accept", "", False)],
)
def test_a_token_response_can_be_form_encoded(
    app: SampleApp, body_form: str, accept: str, is_form: bool
) -> None:
    app.switch(body_form=body_form)
    answer = app.refresh(app.tokens()["refresh_token"], accept=accept or "application/json")
    body = dict(parse_qsl(answer.text)) if is_form else answer.json()
    assert body["token_type"] == "Bearer"


@pytest.mark.parametrize(
    ("switches", "status", "expected"),
    [
        ({"error_status_200": True}, 200, {"ok": False, "error": "invalid_grant"}),
        ({"error_status": 403}, 403, {"error": "invalid_grant"}),
        ({"error_codes": {"invalid_grant": "bad_token"}}, 400, {"error": "bad_token"}),
    ],
)
def test_an_error_has_the_services_form(
    app: SampleApp, switches: dict[str, Any], status: int, expected: dict[str, Any]
) -> None:
    app.switch(**switches)
    answer = app.refresh("no-such-token")
    assert answer.status_code == status
    assert answer.json().items() >= expected.items()


# Odd moods of the token endpoint


@pytest.mark.parametrize(
    ("mode", "status", "header", "value"),
    [
        ("html", 200, "Content-Type", "text/html; charset=utf-8"),
        ("nonsense", 200, "Content-Type", "application/json"),
        ("500", 500, "Content-Type", "text/plain; charset=utf-8"),
        ("429", 429, "Retry-After", "2"),
        ("redirect", 307, "Location", "/elsewhere"),
    ],
)
def test_a_mood_lasts_as_long_as_it_shall(
    app: SampleApp, mode: str, status: int, header: str, value: str
) -> None:
    app.switch(token_endpoint_mode=mode, mode_count=1)
    token = app.tokens()["refresh_token"]
    answer = app.refresh(token)
    assert (answer.status_code, answer.headers[header]) == (status, value)
    assert 'access_token":' not in answer.text.replace(" ", "") or mode == "nonsense"
    assert app.refresh(token).is_success
    assert [entry["mode"] for entry in app.log()] == [mode, "normal"]


def test_a_closed_connection_may_have_cost_the_token(app: SampleApp) -> None:
    app.switch(token_endpoint_mode="close", mode_count=1, mode_processes=True)
    token = app.tokens()["refresh_token"]
    with pytest.raises(httpx.RemoteProtocolError):
        app.refresh(token)
    assert error_of(app.refresh(token)) == INVALID_GRANT
    assert [entry["outcome"] for entry in app.log()] == ["ok", "invalid_grant"]


def test_a_hanging_request_holds_up_nobody_else(app: SampleApp) -> None:
    app.switch(token_endpoint_mode="hang")
    app.http.timeout = httpx.Timeout(0.2)
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(app.refresh, app.tokens()["refresh_token"])
        other = SampleApp(app.port)
        assert other.refresh(other.tokens()["refresh_token"]).is_success
        other.close()
        assert isinstance(hanging.exception(), httpx.ReadTimeout)


@pytest.mark.parametrize(("mode", "wanted"), [("drip", 2), ("huge", 200_000)])
def test_an_answer_can_drip_or_never_end(app: SampleApp, mode: str, wanted: int) -> None:
    app.switch(token_endpoint_mode=mode)
    form = grant(app) | {"client_id": app.client_id, "client_secret": SECRET}
    with app.http.stream("POST", f"{app.issuer}/token", data=form) as answer:
        started, received = time.monotonic(), 0
        for chunk in answer.iter_raw():
            received += len(chunk)
            if received >= wanted:
                break
    assert (time.monotonic() - started > 0.2) == (mode == "drip")
