"""What a diagnosis tells the builder to do."""

from dataclasses import replace

import pytest

from broker.diagnosis import Cause, Evidence, Kind, Step
from broker.diagnosis.rule import Paste
from broker.model import TokenRequestStyle
from broker.reports import diagnosis_of
from tests.unit.diagnosis_cases import (
    CASES,
    MCP_URL,
    NO_REFRESH_TOKEN,
    REDIRECT_URI,
    TOKEN_URL,
    judge,
    refused,
)
from tests.unit.oauth_answers import SERVER


@pytest.mark.parametrize(("cause", "evidence"), CASES)
def test_every_text_is_whole_and_short(cause: Cause, evidence: Evidence) -> None:
    for configured in ({}, {"scopes": (), "token_endpoint": None, "mcp_url": None, "issuer": None}):
        diagnosis = judge(evidence, **configured)
        texts = [diagnosis.summary, diagnosis.fix, diagnosis.why]
        for text in [*texts, *(one.test for one in diagnosis.candidates)]:
            assert text[0].isupper()
            assert "None" not in text
            assert "{" not in text
            assert len(text) < 450
        assert diagnosis.seen.startswith(evidence.step)


def fix(cause: Cause, **configured: object) -> str:
    evidence = next(evidence for known, evidence in CASES if known is cause)
    return judge(evidence, **configured).fix


def test_a_redirect_uri_mismatch_shows_the_exact_one() -> None:
    assert fix(Cause.REDIRECT_URI_MISMATCH).endswith(REDIRECT_URI)


def test_a_token_request_style_names_the_one_that_works() -> None:
    assert "token_request_style to form_basic" in fix(Cause.TOKEN_REQUEST_STYLE)


def test_a_scope_that_is_refused_is_shown() -> None:
    assert fix(Cause.SCOPE_REFUSED).endswith("read write")


def test_a_blocked_address_is_shown() -> None:
    assert fix(Cause.BLOCKED_ADDRESS).endswith(TOKEN_URL)


def test_an_issuer_mismatch_shows_both() -> None:
    text = fix(Cause.ISSUER_MISMATCH)
    assert "Configured: https://login.example.com " in text
    assert "Received: https://evil.example " in text


def test_a_refused_token_suggests_the_audience() -> None:
    text = fix(Cause.MCP_SERVER_REFUSES_TOKEN, resource="https://other.example.com")
    assert MCP_URL in text
    assert text.endswith("Now: https://other.example.com")


def test_a_refresh_endpoint_of_its_own_is_the_one_that_is_shown() -> None:
    endpoint = "https://login.example.com/refresh"
    unreachable = Evidence(Step.REFRESH, Kind.NOT_SENT)
    assert judge(unreachable, refresh_endpoint=endpoint).fix.endswith(endpoint)
    assert judge(unreachable).fix.endswith(TOKEN_URL)


@pytest.mark.parametrize(
    ("endpoint", "scopes", "advice"),
    [
        ("https://accounts.google.com/o/oauth2/v2/auth", (), "access_type=offline"),
        ("https://login.microsoftonline.com/common/oauth2/v2.0/authorize", (), "offline_access"),
        ("https://www.dropbox.com/oauth2/authorize", (), "token_access_type=offline"),
        ("https://www.reddit.com/api/v1/authorize", (), "duration=permanent"),
        ("https://x.com/i/oauth2/authorize", (), "offline.access"),
        ("https://auth.atlassian.com/authorize", (), "offline_access"),
        ("https://acme.my.salesforce.com/services/oauth2/authorize", (), "refresh_token"),
        ("https://slack.com/oauth/v2/authorize", (), "token rotation"),
        ("https://www.linkedin.com/oauth/v2/authorization", (), "some partners only"),
        ("https://acme.snowflakecomputing.com/oauth/authorize", (), "scope refresh_token"),
        ("https://github.com/login/oauth/authorize", (), "GitHub App"),
        ("https://login.example.com/authorize", (), "offline_access"),
        ("https://login.example.com/authorize", (), "access_type=offline"),
        ("https://login.example.com/authorize", (), "prompt=consent"),
        ("https://login.example.com/authorize", ("offline_access",), "prompt=consent"),
        ("https://login.microsoftonline.com/x", ("offline_access",), "prompt=consent"),
        ("https://evil-x.com/authorize", (), "access_type=offline"),
        ("https://[", (), "offline_access"),
        (None, (), "offline_access"),
    ],
)
def test_no_refresh_token_is_answered_with_what_this_service_wants(
    endpoint: str | None, scopes: tuple[str, ...], advice: str
) -> None:
    diagnosis = judge(NO_REFRESH_TOKEN, authorization_endpoint=endpoint, scopes=scopes)
    assert diagnosis.cause is Cause.NO_REFRESH_TOKEN
    assert advice in diagnosis.fix


def test_the_last_resort_still_says_what_was_seen() -> None:
    diagnosis = judge(refused(Step.EXCHANGE, "brand_new_error", "Computer says no."))
    assert diagnosis.seen == "exchange: refused HTTP 400: brand_new_error, “Computer says no.”"
    assert "brand_new_error" in diagnosis.fix


def test_braces_in_what_was_configured_or_seen_are_just_text() -> None:
    odd = "https://login.example.com/{status}/{0}"
    diagnosis = judge(Evidence(Step.EXCHANGE, Kind.BLOCKED), token_endpoint=odd)
    assert diagnosis.fix.endswith(odd)


@pytest.mark.parametrize(
    ("endpoint", "scopes", "field", "value"),
    [
        (
            "https://accounts.google.com/o/oauth2/v2/auth",
            (),
            "extra_authorize_params",
            '{"access_type": "offline", "prompt": "consent"}',
        ),
        (
            "https://www.dropbox.com/oauth2/authorize",
            (),
            "extra_authorize_params",
            '{"token_access_type": "offline"}',
        ),
        ("https://x.com/i/oauth2/authorize", ("read",), "scopes", "read offline.access"),
        ("https://login.microsoftonline.com/x", (), "scopes", "offline_access"),
        ("https://acme.my.salesforce.com/x", ("api",), "scopes", "api refresh_token"),
        ("https://acme.snowflakecomputing.com/x", (), "scopes", "refresh_token"),
        ("https://acme.myshopify.com/x", (), "extra_token_params", '{"expiring": "1"}'),
    ],
)
def test_no_refresh_token_gives_the_value_to_paste(
    endpoint: str, scopes: tuple[str, ...], field: str, value: str
) -> None:
    paste = judge(NO_REFRESH_TOKEN, authorization_endpoint=endpoint, scopes=scopes).paste
    assert paste == Paste("server", field, value)


def test_where_nothing_is_known_of_the_service_nothing_is_to_be_pasted() -> None:
    assert judge(NO_REFRESH_TOKEN, authorization_endpoint="https://slack.com/o").paste is None


def test_a_scope_that_was_asked_for_is_not_to_be_pasted_again() -> None:
    asked: dict[str, object] = {"scopes": ("api", "refresh_token")}
    endpoint = "https://acme.my.salesforce.com/x"
    assert judge(NO_REFRESH_TOKEN, authorization_endpoint=endpoint, **asked).paste is None


@pytest.mark.parametrize(
    ("endpoint", "scopes", "sent"),
    [
        ("https://login.example.com/authorize", ("offline_access",), {"prompt": "login consent"}),
        (
            "https://accounts.google.com/o/oauth2/v2/auth",
            (),
            {"access_type": "offline", "prompt": "consent"},
        ),
    ],
)
def test_what_is_sent_already_is_not_advised(
    endpoint: str, scopes: tuple[str, ...], sent: dict[str, str]
) -> None:
    told = judge(
        NO_REFRESH_TOKEN,
        authorization_endpoint=endpoint,
        scopes=scopes,
        extra_authorize_params=sent,
    )
    assert "grant type refresh_token" in told.fix
    assert "prompt" not in told.fix
    assert told.paste is None


@pytest.mark.parametrize(
    ("step", "style"),
    [
        (Step.AUTHORIZATION, TokenRequestStyle.NONE),
        (Step.AUTHORIZATION, TokenRequestStyle.PRIVATE_KEY_JWT),
        (Step.EXCHANGE, TokenRequestStyle.NONE),
    ],
)
def test_a_metadata_document_that_is_not_taken_is_no_id_to_copy(
    step: Step, style: TokenRequestStyle
) -> None:
    document = "https://broker.example.com/oauth/client-metadata/crm.json"
    server = replace(SERVER, client_id=document, token_request_style=style)
    told = diagnosis_of(refused(step, "invalid_client"), server, REDIRECT_URI)
    assert told.cause is Cause.CLIENT_ID_UNKNOWN
    assert "client_id_metadata_document_supported" in told.fix
    assert told.paste is None


def test_a_redirect_uri_mismatch_gives_the_very_one_to_paste() -> None:
    evidence = next(one for cause, one in CASES if cause is Cause.REDIRECT_URI_MISMATCH)
    assert judge(evidence).paste == Paste("service", "redirect URI", REDIRECT_URI)
