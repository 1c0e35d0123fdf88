"""Whatever comes back: one of four failures or a token set, and never a secret in the open."""

import base64
import json
import traceback
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from broker.model import Secret, Server, TokenRequestStyle
from broker.oauth import (
    ClientRefused,
    GrantRefused,
    NoUsableAnswer,
    RequestRefused,
    TokenRequestFailed,
    TokenResponse,
)
from tests.unit.oauth_answers import SERVER, answering, exchange, refresh

CODE, VERIFIER, REFRESH, CLIENT = "code-word", "verifier word", "refresh_word", "client&word"
CANARIES = (CODE, VERIFIER, REFRESH, CLIENT)
FAILURES = (GrantRefused, ClientRefused, RequestRefused, NoUsableAnswer)


def outcomes(
    status: int,
    body: bytes,
    headers: dict[str, str] | None = None,
    *,
    server: Server = SERVER,
    client_secret: str = CLIENT,
) -> list[TokenResponse | TokenRequestFailed]:
    service, secret = answering(status, content=body, headers=headers), Secret(client_secret)
    found: list[TokenResponse | TokenRequestFailed] = []
    try:
        found.append(exchange(service, server, secret=secret, code=CODE, code_verifier=VERIFIER))
    except TokenRequestFailed as exc:
        found.append(exc)
    try:
        found.append(refresh(service, server, secret, REFRESH))
    except TokenRequestFailed as exc:
        found.append(exc)
    return found


def shown(outcome: TokenResponse | TokenRequestFailed) -> str:
    if isinstance(outcome, TokenResponse):
        return f"{outcome!r} {outcome.facts}"
    text = "".join(traceback.format_exception(outcome))
    return f"{text} {outcome!r} {outcome} {outcome.evidence!r} {outcome.evidence.seen}"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "access_token",
                    "refresh_token",
                    "expires_in",
                    "expires_at",
                    "scope",
                    "error",
                    "error_description",
                    "message",
                    "data",
                    "authed_user",
                    "ok",
                    "token_type",
                    "code",
                    "errors",
                    "id_token",
                    "refresh_expires_in",
                    "status",
                    "type",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)
statuses = st.sampled_from([200, 201, 204, 301, 400, 401, 403, 404, 429, 500, 503])


@given(status=statuses, value=json_values)
@example(status=200, value={"access_token": "a", "expires_in": 1e308})
@example(status=200, value={"access_token": "a", "expires_at": "9999-12-31T23:59:59-23:59"})
def test_any_json_is_a_token_set_or_a_failure(status: int, value: object) -> None:
    for outcome in outcomes(status, json.dumps(value).encode()):
        assert isinstance(outcome, (TokenResponse, *FAILURES))


@given(status=statuses, body=st.binary(max_size=200))
def test_any_bytes_are_a_token_set_or_a_failure(status: int, body: bytes) -> None:
    for outcome in outcomes(status, body):
        assert isinstance(outcome, (TokenResponse, *FAILURES))


@given(
    status=statuses,
    date=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40),
    content_type=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40),
)
def test_any_headers_are_survived(status: int, date: str, content_type: str) -> None:
    headers = {"Date": date, "Retry-After": date, "Location": date, "Content-Type": content_type}
    for outcome in outcomes(status, b"{}", headers):
        assert isinstance(outcome, FAILURES)


ECHOES: list[Callable[[str], object]] = [
    lambda secret: {"error": secret},
    lambda secret: {"error": "invalid_grant", "error_description": f"no such thing: {secret}."},
    lambda secret: {"error": "x", "error_description": quote(secret, safe="")},
    lambda secret: {"error": {"message": secret, "code": secret, "type": secret}},
    lambda secret: {"errors": [{"resource": secret, "field": secret, "code": secret}]},
    lambda secret: {"ok": False, "error": f"bad_{secret}"},
    lambda secret: {"message": f"https://x.example/{secret}?code={secret}"},
    lambda secret: {"token_type": secret, "access_token": None, "status": secret},
    lambda secret: {secret: secret},
]


@pytest.mark.parametrize("status", [200, 302, 400, 401, 429, 500])
@pytest.mark.parametrize("echo", range(len(ECHOES)))
def test_an_answer_that_quotes_our_secrets_is_not_quoted(status: int, echo: int) -> None:
    for secret in CANARIES:
        body = json.dumps(ECHOES[echo](secret)).encode()
        headers = {"Location": f"https://x.example/{quote(secret, safe='')}/a"}
        # An exchange is not expected to know the refresh token that it has yet to get.
        exchanged, refreshed = outcomes(status, body, headers)
        seen = shown(refreshed) if secret == REFRESH else shown(exchanged)
        assert secret not in seen
        assert quote(secret, safe="") not in seen


@pytest.mark.parametrize("style", [TokenRequestStyle.FORM_BASIC, TokenRequestStyle.JSON_BASIC])
def test_an_answer_that_quotes_our_basic_credentials_is_not_quoted(
    style: TokenRequestStyle,
) -> None:
    server = replace(SERVER, token_request_style=style, client_id="c")
    basic = base64.b64encode(b"c:s3cr3t").decode()
    body = json.dumps({"error": "invalid_client", "error_description": f"got {basic}"}).encode()
    for outcome in outcomes(400, body, server=server, client_secret="s3cr3t"):
        assert basic not in shown(outcome)


def test_tokens_of_a_success_are_in_no_repr() -> None:
    body = json.dumps(
        {"access_token": "at-canary", "refresh_token": "rt-canary", "id_token": "id-canary"}
    )
    for outcome in outcomes(200, body.encode()):
        assert "canary" not in shown(outcome)


def test_tokens_beside_an_error_are_not_shown() -> None:
    body = json.dumps({"error": "server_error", "access_token": "at-canary", "refresh_token": "r"})
    for outcome in outcomes(200, body.encode()):
        assert "canary" not in shown(outcome)
