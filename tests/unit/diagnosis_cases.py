"""Evidence of every cause, and a judge with a configured server."""

from broker.diagnosis import Cause, Evidence, Kind, Step
from broker.diagnosis.diagnose import Diagnosis, diagnose

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


def in_the_flow(what: str, **facts: str | bool | int) -> Evidence:
    """Return what the broker itself saw of the consent."""
    return Evidence(Step.AUTHORIZATION, Kind.REFUSED, facts={"flow": what, **facts})


FURTHER: list[tuple[Cause, Evidence]] = [
    (Cause.SESSION_MISMATCH, in_the_flow("session_mismatch")),
    (Cause.COMPLETION_CODE_EXPIRED, in_the_flow("completion_code_expired")),
    (Cause.COOKIES_REFUSED, in_the_flow("cookies_refused", cookie="there was none")),
    (Cause.CONSENT_NOT_STARTED, in_the_flow("link_not_opened")),
    (Cause.CONSENT_LEFT_OPEN, in_the_flow("no_response", opened=2)),
    (Cause.CONSENT_EXPIRED, in_the_flow("response_too_late")),
    (Cause.APP_NOT_APPROVED, refused(Step.AUTHORIZATION, "admin_policy_enforced")),
    (Cause.APP_NOT_APPROVED, refused(Step.AUTHORIZATION, "access_denied", "AADSTS65001: consent")),
    (
        Cause.APP_NOT_APPROVED,
        refused(Step.AUTHORIZATION, "access_denied", "An administrator must approve this app."),
    ),
    (Cause.PKCE_REFUSED, refused(Step.AUTHORIZATION, "invalid_request", "code_challenge is odd")),
    (Cause.PKCE_REFUSED, refused(Step.EXCHANGE, "invalid_grant", "Invalid 'code_verifier'")),
    (Cause.CLIENT_ID_UNKNOWN, refused(Step.AUTHORIZATION, "invalid_client")),
    (Cause.CLIENT_ID_UNKNOWN, refused(Step.EXCHANGE, "unauthorized_client", "AADSTS700016: app")),
    (Cause.CLIENT_SECRET_WRONG, refused(Step.EXCHANGE, "bad_client_secret", status=200)),
    (Cause.CLIENT_SECRET_WRONG, refused(Step.REFRESH, "invalid_client", "AADSTS7000215: secret")),
    (Cause.GRANT_TYPE_REFUSED, refused(Step.EXCHANGE, "unsupported_grant_type")),
    (
        Cause.GRANT_TYPE_REFUSED,
        refused(Step.REFRESH, "unauthorized_client", "not authorized to use 'grant_type=…'"),
    ),
    (Cause.ENDPOINTS_SWAPPED, refused(Step.AUTHORIZATION, status=405, swapped=True)),
    (Cause.ENDPOINT_NOT_FOUND, Evidence(Step.AUTHORIZATION, Kind.UNUSABLE, status=405)),
    (Cause.NAME_UNKNOWN, Evidence(Step.EXCHANGE, Kind.NOT_SENT, facts={"obstacle": "name"})),
    (
        Cause.TLS_FAILURE,
        Evidence(
            Step.TOOLS,
            Kind.NOT_SENT,
            description="The server did not finish the TLS handshake.",
            facts={"obstacle": "tls"},
        ),
    ),
    (Cause.REVOCATION_UNSUPPORTED, refused(Step.REVOCATION, "unsupported_token_type")),
    (Cause.USERINFO_REFUSED, refused(Step.ACCOUNT, "invalid_token", status=401)),
    (Cause.SHARED_KEY_REFUSED, refused(Step.TOOLS, "server_misconfigured", status=424)),
    (Cause.WRONG_AUDIENCE, refused(Step.TOOLS, "invalid_token", status=401, userinfo_accepts=True)),
    (Cause.WRONG_AUDIENCE, refused(Step.TOOLS, status=401, token_audience="https://a.example")),
    (Cause.AUTHORIZATION_SERVER_UNREACHABLE, refused(Step.AUTHORIZATION, "server_error")),
    (Cause.MCP_URL_WRONG, Evidence(Step.TOOLS, Kind.UNUSABLE, status=404)),
    (Cause.ENDPOINT_REDIRECTS, Evidence(Step.TOOLS, Kind.UNUSABLE, status=307)),
    (
        Cause.ERA_NOT_SUPPORTED,
        Evidence(Step.TOOLS, Kind.UNUSABLE, facts={"reason": "protocol_version"}),
    ),
    (
        Cause.METADATA_DISAGREES,
        Evidence(
            Step.METADATA,
            Kind.REFUSED,
            facts={"member": "token_endpoint", "theirs": "https://a.example/t", "ours": "x"},
        ),
    ),
    (
        Cause.CLOCK_SKEW,
        Evidence(Step.EXCHANGE, Kind.OK, status=200, facts={"clock_skew_seconds": -4000}),
    ),
]
"""What was seen at one step, and is enough."""

CONSENTED = Evidence(Step.AUTHORIZATION, Kind.OK, facts={"flow": "consented"})
IN_CONTEXT: list[tuple[Cause, list[Evidence], dict[str, object]]] = [
    (Cause.CLIENT_SECRET_WRONG, [CONSENTED, refused(Step.EXCHANGE, "invalid_client")], {}),
    (Cause.CLIENT_CREDENTIALS, [refused(Step.EXCHANGE, "invalid_client")], {}),
    (
        Cause.CLIENT_SECRET_MISSING,
        [CONSENTED, refused(Step.EXCHANGE, "invalid_client")],
        {"token_request_style": "none"},
    ),
    (
        Cause.TOKEN_REQUEST_STYLE,
        [refused(Step.EXCHANGE, "unsupported_grant_type")],
        {"token_request_style": "json_post"},
    ),
    (
        Cause.PKCE_REQUIRED,
        [refused(Step.AUTHORIZATION, "invalid_request", "Missing 'code_challenge'")],
        {"pkce": False},
    ),
    (
        Cause.WRONG_ENVIRONMENT,
        [CONSENTED, refused(Step.EXCHANGE, "invalid_client")],
        {"token_endpoint": "https://test.salesforce.com/services/oauth2/token"},
    ),
    (
        Cause.WRONG_AUDIENCE,
        [Evidence(Step.ACCOUNT, Kind.OK, status=200), refused(Step.TOOLS, status=401)],
        {},
    ),
]
"""What only the flow before, or the configuration, tells apart."""

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
    (Cause.GRANT_TYPE_REFUSED, refused(Step.AUTHORIZATION, "unauthorized_client", status=None)),
    (
        Cause.TOKEN_REQUEST_STYLE,
        refused(Step.EXCHANGE, "invalid_client", status=401, working_style="form_basic"),
    ),
    (
        Cause.TOKEN_REQUEST_STYLE,
        refused(Step.EXCHANGE, "unsupported_grant_type", working_style="form_post"),
    ),
    (Cause.TOKEN_REQUEST_STYLE, refused(Step.EXCHANGE, "invalid_request", read_style="form_post")),
    (
        Cause.TOKEN_REQUEST_STYLE,
        refused(Step.EXCHANGE, "invalid_request", "Missing form parameter: grant_type"),
    ),
    (
        Cause.TOKEN_REQUEST_STYLE,
        refused(Step.EXCHANGE, "validation_error", "body.grant_type should be defined"),
    ),
    (
        Cause.TOKEN_REQUEST_STYLE,
        refused(Step.EXCHANGE, "invalid_request", "Missing Authorization header"),
    ),
    (Cause.TOKEN_REQUEST_STYLE, refused(Step.EXCHANGE, status=415)),
    (Cause.TOKEN_REQUEST_STYLE, refused(Step.EXCHANGE, "multiple_client_credentials")),
    (Cause.CONSENT_DENIED, refused(Step.AUTHORIZATION, "access_denied", status=None)),
    (Cause.CONSENT_DENIED, refused(Step.AUTHORIZATION, "user_cancelled_login", status=None)),
    (Cause.SCOPE_REFUSED, refused(Step.AUTHORIZATION, "invalid_scope", status=None)),
    (Cause.MCP_SCOPE_MISSING, refused(Step.MCP, "insufficient_scope", status=403)),
    (Cause.RESOURCE_REFUSED, refused(Step.AUTHORIZATION, "invalid_target", status=None)),
    (
        Cause.RESOURCE_REFUSED,
        refused(Step.EXCHANGE, "invalid_request", "AADSTS9010010: The resource parameter"),
    ),
    (Cause.GRANT_REFUSED, refused(Step.EXCHANGE, "invalid_grant", "Code not valid")),
    (Cause.REFRESH_REFUSED, refused(Step.REFRESH, "bad_refresh_token", grant_refused=True)),
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
        Cause.ENDPOINT_NOT_FOUND,
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
    (
        Cause.SERVER_CHANGED,
        refused(Step.EXCHANGE, "server_changed", status=None, flow="server_changed"),
    ),
    (
        Cause.ISSUER_MISMATCH,
        refused(Step.AUTHORIZATION, "issuer_mismatch", received_issuer="https://evil.example"),
    ),
    (
        Cause.KEPT_FIELD_MISSING,
        refused(Step.EXCHANGE, "kept_field", status=None, kept_field="realm"),
    ),
    (
        Cause.CLIENT_SECRET_MISSING,
        Evidence(Step.EXCHANGE, Kind.NOT_SENT, error="signing_key_missing"),
    ),
    (Cause.NONCE_MISMATCH, refused(Step.ACCOUNT, "nonce_mismatch", status=None)),
    (
        Cause.CLIENT_CREDENTIALS,
        Evidence(Step.EXCHANGE, Kind.NOT_SENT, error="client_secret_missing"),
    ),
    (Cause.TOKEN_RESPONSE_UNUSABLE, Evidence(Step.EXCHANGE, Kind.UNUSABLE, status=200)),
    (Cause.UNKNOWN, refused(Step.EXCHANGE, "brand_new_error", "Computer says no.")),
    (Cause.GRANT_TYPE_REFUSED, refused(Step.AUTHORIZATION, "unsupported_response_type")),
    (
        Cause.NO_REFRESH_TOKEN,
        Evidence(Step.EXCHANGE, Kind.OK, status=200, facts={"refresh_token": False}),
    ),
    *FURTHER,
    (Cause.NO_TOOLS, Evidence(Step.TOOLS, Kind.OK, facts={"tools": 0})),
    (Cause.SCOPE_NOT_GRANTED, Evidence(Step.EXCHANGE, Kind.OK, facts={"missing_scopes": "write"})),
]


NO_REFRESH_TOKEN = Evidence(Step.EXCHANGE, Kind.OK, facts={"refresh_token": False})
