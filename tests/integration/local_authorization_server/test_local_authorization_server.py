"""The third-party service of the local stack, over HTTP: who consents, and what they gave."""

import subprocess
import sys

import httpx
import pytest
from joserfc import jwt

from local.authorization_server.records import fingerprint
from local.authorization_server.sample_app import SECRET, SampleApp
from tests.integration.local_authorization_server.conftest import (
    INVALID_CLIENT,
    INVALID_GRANT,
    error_of,
    grant,
    keys,
)

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
