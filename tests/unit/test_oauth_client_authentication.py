import base64
import json
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.model import Secret, TokenRequestStyle
from broker.oauth import ClientRequest, CredentialMissing, client_request

STYLES = list(TokenRequestStyle)
AS_JSON = (TokenRequestStyle.JSON_BASIC, TokenRequestStyle.JSON_POST)


def request(style: TokenRequestStyle, secret: str | None = "s3cret/+") -> ClientRequest:
    return client_request(
        {"grant_type": "refresh_token", "refresh_token": "r t&1"},
        style=style,
        client_id="client:1",
        client_secret=None if secret is None else Secret(secret),
    )


def body(sent: ClientRequest) -> dict[str, str]:
    if sent.headers["Content-Type"] == "application/json":
        parsed: dict[str, str] = json.loads(sent.content)
        return parsed
    return {name: values[0] for name, values in parse_qs(sent.content.decode()).items()}


@pytest.mark.parametrize("style", STYLES)
def test_credentials_are_in_exactly_one_place(style: TokenRequestStyle) -> None:
    sent = request(style)
    in_body = "client_secret" in body(sent)
    in_header = "Authorization" in sent.headers
    signed = "client_assertion" in body(sent)
    assert in_body + in_header + signed == (style is not TokenRequestStyle.NONE)
    assert ("client_id" in body(sent)) is not in_header


@pytest.mark.parametrize("style", STYLES)
def test_every_style_asks_for_json(style: TokenRequestStyle) -> None:
    assert request(style).headers["Accept"] == "application/json"


@pytest.mark.parametrize("style", STYLES)
def test_the_body_is_a_form_or_json_as_the_style_says(style: TokenRequestStyle) -> None:
    expected = "application/json" if style in AS_JSON else "application/x-www-form-urlencoded"
    sent = request(style)
    assert sent.headers["Content-Type"] == expected
    assert body(sent)["refresh_token"] == "r t&1"


@pytest.mark.parametrize("style", [TokenRequestStyle.FORM_BASIC, TokenRequestStyle.JSON_BASIC])
def test_id_and_secret_are_form_encoded_before_basic(style: TokenRequestStyle) -> None:
    scheme, _, value = request(style, "a b:ü%").headers["Authorization"].partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(value) == b"client%3A1:a+b%3A%C3%BC%25"


def test_the_basic_header_of_rfc_6749_section_2_3_1_comes_out() -> None:
    sent = client_request(
        {},
        style=TokenRequestStyle.FORM_BASIC,
        client_id="s6BhdRkqt3",
        client_secret=Secret("7Fjfp0ZBr1KtDRbnfVdmIw"),
    )
    expected = "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3"
    assert sent.headers["Authorization"] == expected


@pytest.mark.parametrize("style", STYLES)
def test_credentials_among_the_parameters_do_not_get_through(style: TokenRequestStyle) -> None:
    sent = client_request(
        {"client_id": "evil", "client_secret": "evil"},
        style=style,
        client_id="c",
        client_secret=Secret("s"),
    )
    assert b"evil" not in sent.content


def test_a_public_client_sends_its_id_and_never_a_secret() -> None:
    sent = request(TokenRequestStyle.NONE)
    assert body(sent)["client_id"] == "client:1"
    assert b"s3cret" not in sent.content


def test_an_assertion_is_sent_beside_the_client_id_and_says_what_it_is() -> None:
    sent = body(request(TokenRequestStyle.PRIVATE_KEY_JWT, "header.claims.signature"))
    assert sent["client_id"] == "client:1"
    assert sent["client_assertion"] == "header.claims.signature"
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert sent["client_assertion_type"] == kind


def test_a_missing_key_is_named() -> None:
    with pytest.raises(CredentialMissing, match="signing_key"):
        request(TokenRequestStyle.PRIVATE_KEY_JWT, None)


@pytest.mark.parametrize("style", [s for s in STYLES if s.takes_secret])
def test_a_missing_secret_is_named(style: TokenRequestStyle) -> None:
    with pytest.raises(CredentialMissing, match="client_secret"):
        request(style, None)


def test_a_missing_client_id_is_named() -> None:
    with pytest.raises(CredentialMissing, match="client_id"):
        client_request({}, style=TokenRequestStyle.NONE, client_id="", client_secret=None)


@given(secret=st.text(min_size=1), style=st.sampled_from(STYLES))
def test_any_secret_can_be_sent(secret: str, style: TokenRequestStyle) -> None:
    sent = request(style, secret)
    assert all(value.isascii() for value in sent.headers.values())
    assert sent.content.isascii()


@pytest.mark.parametrize("style", STYLES)
def test_a_request_does_not_print_its_secrets(style: TokenRequestStyle) -> None:
    assert "s3cret" not in repr(request(style))
