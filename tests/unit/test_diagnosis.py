import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.diagnosis import Cause, Diagnosis, Evidence, Kind, Step, diagnose

REDIRECT_URI = "https://broker.example.com/callback/a-server-with-a-very-long-id-2026"
MCP_URL = "https://mcp.example.com/mcp"
TOKEN_URL = "https://login.example.com/token"


def judge(*evidence: Evidence, **changed: object) -> Diagnosis:
    configured: dict[str, object] = {
        "redirect_uri": REDIRECT_URI,
        "authorization_endpoint": "https://login.example.com/authorize",
        "token_endpoint": TOKEN_URL,
        "mcp_url": MCP_URL,
        "issuer": "https://login.example.com",
        "scopes": ("read", "write"),
        "token_request_style": "form_post",
    }
    return diagnose(list(evidence), **(configured | changed))  # type: ignore[arg-type]


def refused(
    step: Step,
    error: str | None = None,
    description: str | None = None,
    *,
    status: int | None = 400,
    **facts: str | bool | int,
) -> Evidence:
    return Evidence(
        step, Kind.REFUSED, status=status, error=error, description=description, facts=facts
    )


OK = Evidence(Step.EXCHANGE, Kind.OK, status=200, facts={"refresh_token": True})

CASES: list[tuple[Cause, Evidence]] = [
    (Cause.REDIRECT_URI_MISMATCH, refused(Step.EXCHANGE, "redirect_uri_mismatch", status=200)),
    (Cause.REDIRECT_URI_MISMATCH, refused(Step.AUTHORIZATION, "invalid_redirect_uri")),
    (Cause.REDIRECT_URI_MISMATCH, refused(Step.EXCHANGE, "bad_redirect_uri", status=200)),
    (
        Cause.REDIRECT_URI_MISMATCH,
        refused(Step.EXCHANGE, "invalid_grant", "The redirect_uri does not match."),
    ),
    (
        Cause.REDIRECT_URI_MISMATCH,
        refused(
            Step.AUTHORIZATION, "invalid_request", "AADSTS50011: The redirect URI 'x' specified"
        ),
    ),
    (
        Cause.REDIRECT_URI_MISMATCH,
        refused(Step.EXCHANGE, "invalid_request", "Invalid redirect_uri"),
    ),
    (
        Cause.REDIRECT_URI_MISMATCH,
        refused(Step.EXCHANGE, "invalid_grant", "Callback URL mismatch."),
    ),
    (Cause.CLIENT_CREDENTIALS, refused(Step.EXCHANGE, "invalid_client", status=401)),
    (Cause.CLIENT_CREDENTIALS, refused(Step.EXCHANGE, status=401, client_refused=True)),
    (Cause.CLIENT_CREDENTIALS, refused(Step.REFRESH, "incorrect_client_credentials", status=200)),
    (Cause.CLIENT_CREDENTIALS, refused(Step.REVOCATION, "invalid_client", status=401)),
    (Cause.CLIENT_CREDENTIALS, refused(Step.AUTHORIZATION, "unauthorized_client", status=None)),
    (
        Cause.TOKEN_REQUEST_STYLE,
        refused(Step.EXCHANGE, "invalid_client", status=401, working_style="form_basic"),
    ),
    (Cause.TOKEN_REQUEST_STYLE, refused(Step.EXCHANGE, status=415)),
    (Cause.TOKEN_REQUEST_STYLE, refused(Step.EXCHANGE, "multiple_client_credentials")),
    (Cause.CONSENT_DENIED, refused(Step.AUTHORIZATION, "access_denied", status=None)),
    (Cause.CONSENT_DENIED, refused(Step.AUTHORIZATION, "user_cancelled_login", status=None)),
    (Cause.SCOPE_REFUSED, refused(Step.AUTHORIZATION, "invalid_scope", status=None)),
    (Cause.SCOPE_REFUSED, refused(Step.MCP, "insufficient_scope", status=403)),
    (Cause.RESOURCE_REFUSED, refused(Step.AUTHORIZATION, "invalid_target", status=None)),
    (
        Cause.RESOURCE_REFUSED,
        refused(Step.EXCHANGE, "invalid_request", "AADSTS9010010: The resource parameter"),
    ),
    (Cause.GRANT_REFUSED, refused(Step.EXCHANGE, "invalid_grant", "Code not valid")),
    (Cause.GRANT_REFUSED, refused(Step.REFRESH, "bad_refresh_token", grant_refused=True)),
    (Cause.MCP_SERVER_UNREACHABLE, Evidence(Step.MCP, Kind.NOT_SENT)),
    (Cause.MCP_SERVER_UNREACHABLE, Evidence(Step.TOOLS, Kind.NO_ANSWER)),
    (Cause.MCP_SERVER_REFUSES_TOKEN, refused(Step.MCP, "invalid_token", status=401)),
    (Cause.MCP_SERVER_REFUSES_TOKEN, refused(Step.TOOLS, status=403)),
    (Cause.MCP_SERVER_ERROR, refused(Step.TOOLS, status=500)),
    (Cause.MCP_SERVER_ERROR, Evidence(Step.MCP, Kind.UNUSABLE, status=200)),
    (
        Cause.MCP_SERVER_ERROR,
        Evidence(Step.MCP, Kind.UNUSABLE, status=502, content_type="text/html"),
    ),
    (
        Cause.HTML_INSTEAD_OF_JSON,
        Evidence(Step.EXCHANGE, Kind.UNUSABLE, status=200, content_type="text/html"),
    ),
    (
        Cause.HTML_INSTEAD_OF_JSON,
        Evidence(Step.EXCHANGE, Kind.UNUSABLE, status=404, facts={"html": True}),
    ),
    (
        Cause.HTML_INSTEAD_OF_JSON,
        Evidence(Step.MCP, Kind.UNUSABLE, status=200, content_type="text/html; charset=utf-8"),
    ),
    (Cause.BLOCKED_ADDRESS, Evidence(Step.EXCHANGE, Kind.BLOCKED)),
    (Cause.BLOCKED_ADDRESS, Evidence(Step.MCP, Kind.BLOCKED)),
    (
        Cause.CLOCK_SKEW,
        refused(Step.EXCHANGE, "invalid_client", "assertion is expired", clock_skew_seconds=-900),
    ),
    (
        Cause.CLOCK_SKEW,
        Evidence(Step.EXCHANGE, Kind.UNUSABLE, status=200, facts={"clock_skew_seconds": 900}),
    ),
    (Cause.RATE_LIMITED, Evidence(Step.EXCHANGE, Kind.REFUSED, status=429)),
    (Cause.RATE_LIMITED, Evidence(Step.TOOLS, Kind.REFUSED, status=429)),
    (Cause.RATE_LIMITED, refused(Step.REFRESH, "access_denied", rate_limited=True)),
    (Cause.AUTHORIZATION_SERVER_UNREACHABLE, Evidence(Step.EXCHANGE, Kind.NO_ANSWER)),
    (Cause.AUTHORIZATION_SERVER_UNREACHABLE, Evidence(Step.REFRESH, Kind.NOT_SENT)),
    (
        Cause.AUTHORIZATION_SERVER_UNREACHABLE,
        Evidence(Step.EXCHANGE, Kind.UNUSABLE, status=502, facts={"html": True}),
    ),
    (
        Cause.ENDPOINT_REDIRECTS,
        Evidence(
            Step.EXCHANGE, Kind.UNUSABLE, status=302, facts={"redirects_to": "https://a.example/t"}
        ),
    ),
    (Cause.SERVER_CHANGED, refused(Step.EXCHANGE, "server_changed", status=None)),
    (
        Cause.ISSUER_MISMATCH,
        refused(Step.AUTHORIZATION, "issuer_mismatch", received_issuer="https://evil.example"),
    ),
    (Cause.NONCE_MISMATCH, refused(Step.ACCOUNT, "nonce_mismatch", status=None)),
    (
        Cause.CLIENT_CREDENTIALS,
        Evidence(Step.EXCHANGE, Kind.NOT_SENT, error="client_secret_missing"),
    ),
    (Cause.TOKEN_RESPONSE_UNUSABLE, Evidence(Step.EXCHANGE, Kind.UNUSABLE, status=200)),
    (Cause.UNKNOWN, refused(Step.EXCHANGE, "brand_new_error", "Computer says no.")),
    (Cause.UNKNOWN, refused(Step.AUTHORIZATION, "unsupported_response_type", status=None)),
    (
        Cause.NO_REFRESH_TOKEN,
        Evidence(Step.EXCHANGE, Kind.OK, status=200, facts={"refresh_token": False}),
    ),
    (Cause.NO_TOOLS, Evidence(Step.TOOLS, Kind.OK, facts={"tools": 0})),
    (Cause.SCOPE_REFUSED, Evidence(Step.EXCHANGE, Kind.OK, facts={"missing_scopes": "write"})),
]


@pytest.mark.parametrize(("cause", "evidence"), CASES)
def test_each_observation_has_its_cause(cause: Cause, evidence: Evidence) -> None:
    assert judge(evidence).cause is cause


def test_every_cause_has_a_case() -> None:
    assert {cause for cause, _ in CASES} == set(Cause)


@pytest.mark.parametrize(("cause", "evidence"), CASES)
def test_every_text_is_whole_and_short(cause: Cause, evidence: Evidence) -> None:
    for configured in ({}, {"scopes": (), "token_endpoint": None, "mcp_url": None, "issuer": None}):
        diagnosis = judge(evidence, **configured)
        for text in (diagnosis.summary, diagnosis.fix):
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


NO_REFRESH_TOKEN = Evidence(Step.EXCHANGE, Kind.OK, facts={"refresh_token": False})


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


def test_the_last_failure_of_a_flow_decides() -> None:
    first = refused(Step.EXCHANGE, "invalid_client", status=401)
    last = Evidence(Step.MCP, Kind.NO_ANSWER)
    assert judge(first, OK, last).cause is Cause.MCP_SERVER_UNREACHABLE
    assert judge(last, OK, first).cause is Cause.CLIENT_CREDENTIALS


def test_a_failure_counts_more_than_a_finding() -> None:
    failed = Evidence(Step.TOOLS, Kind.NO_ANSWER)
    assert judge(NO_REFRESH_TOKEN, failed).cause is Cause.MCP_SERVER_UNREACHABLE


def test_a_finding_is_found_wherever_it_lies() -> None:
    tools = Evidence(Step.TOOLS, Kind.OK, facts={"tools": 3})
    assert judge(NO_REFRESH_TOKEN, tools).cause is Cause.NO_REFRESH_TOKEN


def test_one_observation_needs_no_list() -> None:
    assert diagnose(NO_REFRESH_TOKEN, redirect_uri=REDIRECT_URI).cause is Cause.NO_REFRESH_TOKEN


def test_where_nothing_failed_that_is_said() -> None:
    assert judge(OK).cause is Cause.UNKNOWN
    assert judge(OK).summary == "Nothing failed in what was seen."
    assert judge().seen == "nothing"


def test_the_last_resort_still_says_what_was_seen() -> None:
    diagnosis = judge(refused(Step.EXCHANGE, "brand_new_error", "Computer says no."))
    assert diagnosis.seen == "exchange: refused HTTP 400: brand_new_error, “Computer says no.”"
    assert "brand_new_error" in diagnosis.fix


def test_braces_in_what_was_configured_or_seen_are_just_text() -> None:
    odd = "https://login.example.com/{status}/{0}"
    diagnosis = judge(Evidence(Step.EXCHANGE, Kind.BLOCKED), token_endpoint=odd)
    assert diagnosis.fix.endswith(odd)


@given(
    step=st.sampled_from(Step),
    kind=st.sampled_from(Kind),
    status=st.none() | st.integers(100, 599),
    error=st.none() | st.text(max_size=20),
    description=st.none() | st.text(max_size=60),
    facts=st.dictionaries(
        st.sampled_from(["tools", "refresh_token", "clock_skew_seconds", "html", "working_style"]),
        st.booleans() | st.integers() | st.text(max_size=20),
    ),
)
def test_anything_that_can_be_seen_gets_a_diagnosis(
    *,
    step: Step,
    kind: Kind,
    status: int | None,
    error: str | None,
    description: str | None,
    facts: dict[str, str | bool | int],
) -> None:
    evidence = Evidence(
        step, kind, status=status, error=error, description=description, facts=facts
    )
    diagnosis = judge(evidence)
    assert diagnosis.summary
    assert diagnosis.fix
    assert diagnosis.seen
