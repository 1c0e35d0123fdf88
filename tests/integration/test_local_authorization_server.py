"""The third-party service of the local stack, over HTTP, in a process of its own."""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qsl, quote_plus

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from local.authorization_server.records import Style, fingerprint
from local.authorization_server.sample_app import SECRET, SampleApp
from local.processes import Children

INVALID_GRANT = (400, "invalid_grant")
INVALID_CLIENT = (401, "invalid_client")


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    log = tmp_path_factory.mktemp("local") / "authorization_server.log"
    with Children() as children:
        child = children.start_module("local.authorization_server", log=log, env={})
        yield child.announced()["port"]
    assert "Traceback" not in log.read_text()


@pytest.fixture
def app(port: int, request: pytest.FixtureRequest) -> Iterator[SampleApp]:
    app = SampleApp(port, getattr(request, "param", Style.FORM_POST))
    yield app
    app.close()


def error_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def in_style(*styles: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("app", [Style(style) for style in styles], indirect=True)


# The person


def test_login_and_consent_lead_back_with_code_state_and_issuer(app: SampleApp) -> None:
    returned = app.consent()
    assert (returned["state"], returned["iss"]) == ("some-state", app.issuer)
    assert app.redeem(returned["code"]).json()["scope"] == "openid contacts.read"


@pytest.mark.parametrize(
    ("password", "headers", "status", "location"),
    [
        ("wrong", {}, 401, None),
        ("bob-password", {}, 303, "/"),  # for next is no authorization request
        ("bob-password", {"Origin": "http://evil.localhost"}, 403, None),
    ],
)
def test_login_wants_the_password_and_leads_nowhere_else(
    app: SampleApp, password: str, headers: dict[str, str], status: int, location: str | None
) -> None:
    form = {"username": "bob", "password": password, "next": "//evil.example/authorize?"}
    answer = app.http.post(f"{app.issuer}/login", data=form, headers=headers)
    assert (answer.status_code, answer.headers.get("Location")) == (status, location)


def test_a_denial_comes_back_with_state_and_issuer(app: SampleApp) -> None:
    expected = {"error": "access_denied", "state": "some-state", "iss": app.issuer}
    assert app.consent("deny").items() >= expected.items()


def test_one_consent_can_be_denied_by_switch(app: SampleApp) -> None:
    app.switch(deny=True)
    assert [*app.consent()] == ["error", "error_description", "state", "iss"]
    assert "code" in app.consent()


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_the_issuer_can_be_left_out_or_be_another(app: SampleApp, decision: str) -> None:
    app.switch(send_iss=False)
    assert "iss" not in app.consent(decision)
    app.switch(send_iss=True, wrong_iss="https://other.example")
    assert app.consent(decision)["iss"] == "https://other.example"


@pytest.mark.parametrize(
    ("name", "value"),
    [("client_id", "nobody"), ("client_id", None), ("redirect_uri", "https://evil.example")],
)
def test_an_unknown_app_or_redirect_uri_ends_on_an_error_page(
    app: SampleApp, name: str, value: str | None
) -> None:
    page = app.http.get(app.url(**{name: value}))
    assert (page.status_code, "Location" in page.headers) == (400, False)
    assert "This does not work" in page.text


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("scope", "openid nonsense", "invalid_scope"),
        ("response_type", "token", "unsupported_response_type"),
        ("response_type", 'a "word"', "invalid_request"),
        ("code_challenge", None, "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
    ],
)
def test_other_faults_go_back_to_the_app(
    app: SampleApp, name: str, value: str | None, error: str
) -> None:
    returned = app.consent("allow", "alice", **{name: value})
    assert returned.items() >= {"error": error, "state": "some-state", "iss": app.issuer}.items()


def test_the_opener_policy_is_a_switch(app: SampleApp) -> None:
    def policy() -> str | None:
        page = app.http.get(app.url(), follow_redirects=True)
        return dict(page.headers).get("cross-origin-opener-policy")

    assert policy() is None
    app.switch(opener_policy=True)
    assert policy() == "same-origin"


def test_a_service_may_grant_less_and_send_more_back(app: SampleApp) -> None:
    app.switch(granted_scopes=["contacts.read"], extra_callback_params={"realmId": "7"})
    returned = app.consent()
    assert returned["realmId"] == "7"
    assert app.redeem(returned["code"]).json()["scope"] == "contacts.read"


def test_a_service_may_refuse_the_resource_parameter(app: SampleApp) -> None:
    mcp = {"resource": "https://mcp.example"}
    assert app.redeem(app.consent(**mcp)["code"], **mcp).is_success
    app.switch(refuse_resource=True)
    assert app.consent(**mcp)["error"] == "invalid_target"
    assert error_of(app.redeem(app.consent()["code"], **mcp)) == (400, "invalid_target")


def test_a_service_may_call_the_client_id_client_key(app: SampleApp) -> None:
    app.switch(client_id_parameter="client_key")
    returned = app.consent(client_id=None, client_key=app.client_id)
    assert error_of(app.redeem(returned["code"])) == INVALID_CLIENT
    renamed = grant(app) | {"client_key": app.client_id, "client_secret": SECRET}
    assert app.http.post(f"{app.issuer}/token", data=renamed).status_code == 200


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


@in_style(*Style)
def test_a_client_is_heard_in_its_registered_style_and_in_no_other(app: SampleApp) -> None:
    token = app.tokens()["refresh_token"]
    for style in sorted(Style, key=lambda style: style is app.style):
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


def grant(app: SampleApp) -> dict[str, str]:
    return {"grant_type": "refresh_token", "refresh_token": app.tokens()["refresh_token"]}


def credentials(app: SampleApp, secret: str = SECRET) -> tuple[str | bytes, str | bytes]:
    return app.client_id, secret


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


def keys(app: SampleApp) -> KeySet:
    return KeySet.import_key_set(app.http.get(f"{app.issuer}/jwks").json())


# What becomes of tokens


@pytest.mark.parametrize(
    ("scope", "sibling", "other_grant"),
    [("token", True, True), ("grant", False, True), ("user", False, False)],
)
def test_revocation_takes_along_what_the_service_takes(
    app: SampleApp, scope: str, sibling: bool, other_grant: bool
) -> None:
    app.switch(revocation_scope=scope)
    tokens, others = app.tokens(), app.tokens()
    assert app.post("/revoke", {"token": tokens["refresh_token"]}).status_code == 200
    assert error_of(app.refresh(tokens["refresh_token"])) == INVALID_GRANT
    assert app.introspect(tokens["access_token"])["active"] == sibling
    assert app.introspect(others["access_token"])["active"] == other_grant


@pytest.mark.parametrize(("mode", "status"), [("500", 500), ("unsupported", 400)])
def test_revocation_can_fail(app: SampleApp, mode: str, status: int) -> None:
    app.switch(revocation_mode=mode)
    token = app.tokens()["access_token"]
    assert app.post("/revoke", {"token": token}).status_code == status
    assert app.introspect(token)["active"]
    assert (app.log()[0]["endpoint"], app.log()[0]["outcome"]) == ("revocation", None)


def test_introspection_tells_resource_servers_only(app: SampleApp) -> None:
    token = app.tokens("bob", scope="contacts.read", resource="https://mcp.example")["access_token"]
    about = app.introspect(token)
    expected = {"username": "bob", "scope": "contacts.read", "aud": "https://mcp.example"}
    assert about.items() >= {"active": True, "token_type": "Bearer", **expected}.items()
    stranger = SampleApp(app.port)
    assert stranger.post("/introspect", {"token": token}).json() == {"active": False}
    stranger.close()
    assert app.http.post(f"{app.issuer}/introspect", data={"token": token}).status_code == 401


@pytest.mark.parametrize(
    ("action", "active", "refresh"),
    [("/grants/revoke", False, 400), ("/tokens/expire", False, 200)],
)
def test_a_grant_can_be_killed_and_tokens_can_expire_at_once(
    app: SampleApp, action: str, active: bool, refresh: int
) -> None:
    alice, bob = app.tokens(), app.tokens("bob")
    app.control("POST", action, json={"client_id": app.client_id, "username": "alice"})
    assert app.introspect(alice["access_token"])["active"] == active
    assert app.refresh(alice["refresh_token"]).status_code == refresh
    assert app.introspect(bob["access_token"])["active"]


# Who the person is


def test_the_id_token_names_the_person(app: SampleApp) -> None:
    returned = app.consent()
    id_token = app.redeem(returned["code"]).json()["id_token"]
    claims = jwt.decode(id_token, keys(app)).claims
    assert (claims["iss"], claims["aud"]) == (app.issuer, app.client_id)
    assert claims["nonce"] == "some-nonce"
    assert claims["exp"] > claims["iat"]
    assert (claims["email"], claims["email_verified"]) == ("alice@example.com", True)


def test_claims_can_be_changed_and_the_id_token_left_out(app: SampleApp) -> None:
    app.switch(id_token_claims={"aud": "another", "email": None})
    id_token = app.redeem(app.consent()["code"]).json()["id_token"]
    claims = jwt.decode(id_token, keys(app)).claims
    assert (claims["aud"], "email" in claims) == ("another", False)
    app.switch(id_token=False)
    assert "id_token" not in app.redeem(app.consent()["code"]).json()


def test_userinfo_describes_the_holder_of_a_living_token(app: SampleApp) -> None:
    bearer = {"Authorization": f"Bearer {app.tokens('bob')['access_token']}"}

    def userinfo() -> httpx.Response:
        return app.http.get(f"{app.issuer}/userinfo", headers=bearer)

    assert userinfo().json()["email"] == "bob@example.com"
    app.switch(userinfo_claims={"email": None})
    assert "email" not in userinfo().json()
    for mode, status in (("forbidden", 403), ("500", 500), ("html", 200), ("empty", 200)):
        app.switch(userinfo_mode=mode)
        assert userinfo().status_code == status
    app.control("POST", "/grants/revoke", json={"client_id": app.client_id, "username": "bob"})
    assert userinfo().status_code == 401


def test_the_metadata_is_the_issuers_and_its_endpoints_answer(app: SampleApp) -> None:
    for document in ("oauth-authorization-server", "openid-configuration"):
        metadata = app.http.get(f"{app.issuer}/.well-known/{document}").json()
        assert metadata["issuer"] == app.issuer
        assert metadata["code_challenge_methods_supported"] == ["S256"]
        for name, url in metadata.items():
            if name.endswith("_endpoint"):
                assert app.http.get(url).status_code != 404


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


# The control interface


def test_the_log_shows_fingerprints_and_no_token(app: SampleApp) -> None:
    code = app.consent()["code"]
    first = app.redeem(code).json()["refresh_token"]
    second = app.refresh(first).json()["refresh_token"]
    chain = [(entry["presented"], entry["issued"]) for entry in app.log()]
    assert chain == [(None, fingerprint(first)), (fingerprint(first), fingerprint(second))]
    for secret in (code, first, second, SECRET, app.verifier):
        assert secret not in str(app.log())
    app.control("DELETE", "/token-requests", params={"client_id": app.client_id})
    assert app.log() == []


def test_clients_share_neither_switches_nor_tokens(app: SampleApp) -> None:
    other = SampleApp(app.port)
    app.switch(rotate=False)
    assert "refresh_token" in other.refresh(other.tokens()["refresh_token"]).json()
    assert error_of(other.refresh(app.tokens()["refresh_token"])) == INVALID_GRANT
    other.close()


def test_the_control_interface_has_no_public_name_and_knows_its_switches(app: SampleApp) -> None:
    path = f"/control/clients/{app.client_id}/switches"
    assert app.http.get(app.issuer + path).status_code == 404
    answer = app.http.patch(f"http://127.0.0.1:{app.port}{path}", json={"rotat": False})
    assert error_of(answer) == (400, "invalid_request")
    assert "rotat" in answer.json()["error_description"]


def test_the_process_ends_when_its_stdin_does() -> None:
    command = [sys.executable, "-m", "local.authorization_server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b'{"port": ')
        process.communicate(timeout=5)
    assert process.returncode == 0
