from dataclasses import replace
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.errors import AuthorizationServerError, ServerMisconfigured
from broker.model import AuthType, Secret, Server
from broker.oauth import IssuerMismatch, authorization_url, check_issuer, public_error

SERVER = Server(
    server_id="crm",
    name="CRM",
    mcp_url="https://mcp.example.com/mcp",
    auth_type=AuthType.CONSUMER_OAUTH,
    client_id="client-1",
    authorization_endpoint="https://login.example.com/authorize",
)
REDIRECT_URI = "https://broker.example.com/callback/crm"
VERIFIER = Secret("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")


def url(
    server: Server = SERVER,
    *,
    code_verifier: Secret | None = VERIFIER,
    nonce: str | None = None,
    scopes: tuple[str, ...] = (),
) -> str:
    return authorization_url(
        server,
        redirect_uri=REDIRECT_URI,
        state=Secret("state-1"),
        code_verifier=code_verifier,
        nonce=nonce,
        scopes=scopes,
    )


def query(text: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(text).query, keep_blank_values=True, strict_parsing=True)


def test_the_request_holds_what_rfc_6749_and_pkce_ask_for() -> None:
    assert query(url(nonce="n-1", scopes=("a", "b"))) == {
        "response_type": ["code"],
        "client_id": ["client-1"],
        "redirect_uri": [REDIRECT_URI],
        "state": ["state-1"],
        "code_challenge": ["E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"],
        "code_challenge_method": ["S256"],
        "nonce": ["n-1"],
        "scope": ["a b"],
    }


def test_without_scopes_verifier_nonce_and_resource_they_are_left_out() -> None:
    expected = {"response_type", "client_id", "redirect_uri", "state"}
    assert set(query(url(code_verifier=None))) == expected


def test_the_verifier_itself_is_not_in_the_url() -> None:
    assert VERIFIER.reveal() not in url()


def test_everything_is_percent_encoded_and_a_blank_is_not_a_plus() -> None:
    text = url(scopes=("https://x.example/a&b", "é"))
    assert "redirect_uri=https%3A%2F%2Fbroker.example.com%2Fcallback%2Fcrm" in text
    assert "scope=https%3A%2F%2Fx.example%2Fa%26b%20%C3%A9" in text


def test_an_existing_query_of_the_endpoint_is_kept_as_it_is() -> None:
    endpoint = "https://login.example.com/authorize?tenant=a%2Fb&flag&x=1+2"
    text = url(replace(SERVER, authorization_endpoint=endpoint))
    assert text.startswith(f"{endpoint}&")


def test_a_parameter_that_the_endpoint_brings_along_is_not_sent_twice() -> None:
    endpoint = "https://login.example.com/authorize?prompt=none&client_id=evil&keep=1"
    server = replace(
        SERVER,
        authorization_endpoint=endpoint,
        extra_authorize_params={"prompt": "consent"},
    )
    sent = query(url(server))
    assert sent["client_id"] == ["client-1"]
    assert sent["prompt"] == ["consent"]
    assert sent["keep"] == ["1"]


@pytest.mark.parametrize(
    "name",
    [
        "response_type",
        "client_id",
        "redirect_uri",
        "state",
        "code_challenge",
        "code_challenge_method",
        "nonce",
        "request",
        "request_uri",
        "response_mode",
    ],
)
@pytest.mark.parametrize("place", ["extra", "endpoint"])
def test_the_builder_cannot_override_what_protects_the_flow(name: str, place: str) -> None:
    if place == "extra":
        server = replace(SERVER, extra_authorize_params={name: "evil"})
    else:
        endpoint = f"https://login.example.com/authorize?{name}=evil"
        server = replace(SERVER, authorization_endpoint=endpoint)
    assert "evil" not in url(server, code_verifier=None)
    assert "evil" not in url(server, nonce="n-1")


def test_extra_parameters_are_sent() -> None:
    server = replace(SERVER, extra_authorize_params={"access_type": "offline", "prompt": "a b"})
    sent = query(url(server))
    assert (sent["access_type"], sent["prompt"]) == (["offline"], ["a b"])


@pytest.mark.parametrize(
    ("separator", "expected"), [(" ", "a%20b%3Ac"), (",", "a%2Cb%3Ac"), ("+", "a+b%3Ac")]
)
def test_scopes_are_joined_by_the_servers_separator(separator: str, expected: str) -> None:
    text = url(replace(SERVER, scope_separator=separator), scopes=("a", "b:c"))
    assert f"scope={expected}" in text.split("&")


def test_client_id_and_scopes_go_by_the_names_that_the_service_has_for_them() -> None:
    server = replace(SERVER, client_id_parameter="client_key", scope_parameter="user_scope")
    sent = query(url(server, scopes=("a", "b")))
    assert sent["client_key"] == [SERVER.client_id]
    assert sent["user_scope"] == ["a b"]
    assert not sent.keys() & {"client_id", "scope"}


def test_a_second_set_of_scopes_comes_from_the_builder() -> None:
    extra = {"scope": "chat:write"}
    server = replace(SERVER, scope_parameter="user_scope", extra_authorize_params=extra)
    sent = query(url(server, scopes=("search:read",)))
    assert (sent["scope"], sent["user_scope"]) == (["chat:write"], ["search:read"])


def test_the_resource_is_sent_when_there_is_one() -> None:
    sent = query(url(replace(SERVER, resource="https://mcp.example.com/mcp")))
    assert sent["resource"] == ["https://mcp.example.com/mcp"]


def test_a_fragment_of_the_endpoint_is_dropped() -> None:
    text = url(replace(SERVER, authorization_endpoint="https://login.example.com/a#frag"))
    assert "#" not in text


@pytest.mark.parametrize("field", ["authorization_endpoint", "client_id"])
def test_an_incomplete_server_is_the_builders_fault(field: str) -> None:
    incomplete = {
        "authorization_endpoint": replace(SERVER, authorization_endpoint=None),
        "client_id": replace(SERVER, client_id=None),
    }
    with pytest.raises(ServerMisconfigured):
        url(incomplete[field])


@given(
    extra=st.dictionaries(st.text(min_size=1), st.text(), max_size=4),
    scopes=st.lists(st.text(min_size=1), max_size=3),
)
def test_no_parameter_is_ever_sent_twice(extra: dict[str, str], scopes: list[str]) -> None:
    text = url(replace(SERVER, extra_authorize_params=extra), scopes=tuple(scopes), nonce="n")
    pairs = parse_qsl(urlsplit(text).query, keep_blank_values=True, strict_parsing=True)
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names))
    assert ("client_id", "client-1") in pairs
    assert ("state", "state-1") in pairs
    assert text.isascii()


ISSUER = "https://login.example.com"
KNOWN = replace(SERVER, issuer=ISSUER)


def test_the_servers_own_issuer_is_accepted() -> None:
    check_issuer(KNOWN, ISSUER)


@pytest.mark.parametrize(
    "iss",
    [
        f"{ISSUER}/",
        "https://LOGIN.example.com",
        "http://login.example.com",
        "",
        f" {ISSUER}",
        "https://login.example.com:443",
        "https://evil.example.com",
        f"{ISSUER}/tenant",
    ],
)
def test_any_other_issuer_is_refused_character_by_character(iss: str) -> None:
    with pytest.raises(IssuerMismatch) as caught:
        check_issuer(KNOWN, iss)
    assert caught.value.evidence.error == "issuer_mismatch"


def test_an_absent_issuer_is_accepted_unless_it_is_required() -> None:
    check_issuer(KNOWN, None)
    with pytest.raises(IssuerMismatch):
        check_issuer(KNOWN, None, required=True)


def test_without_a_configured_issuer_there_is_nothing_to_compare() -> None:
    check_issuer(SERVER, "https://anything.example.com")
    check_issuer(SERVER, "https://anything.example.com", required=True)
    check_issuer(SERVER, None)


def test_a_mismatch_that_nobody_catches_is_an_error_of_the_api() -> None:
    with pytest.raises(AuthorizationServerError, match="does not belong"):
        check_issuer(KNOWN, "https://evil.example.com/?code=secret")


@pytest.mark.parametrize(
    "error",
    [
        "invalid_request",
        "access_denied",
        "invalid_scope",
        "server_error",
        "login_required",
        "consent_required",
        "invalid_target",
        "temporarily_unavailable",
        "interaction_required",
    ],
)
def test_a_registered_error_is_passed_on(error: str) -> None:
    assert public_error(error) == error


@pytest.mark.parametrize(
    "error", [None, "", "ACCESS_DENIED", "<script>alert(1)</script>", "access_denied ", "call me"]
)
def test_anything_else_is_one_public_error(error: str | None) -> None:
    assert public_error(error) == "authorization_failed"
