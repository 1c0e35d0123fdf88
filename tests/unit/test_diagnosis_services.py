"""What services answer to one mistake each, from the bytes of the answer to the cause."""

import pytest

from broker.diagnosis import Cause, Certainty, Evidence, Kind, Step
from broker.diagnosis.diagnose import Diagnosis
from tests.unit.diagnosis_cases import CONSENTED, judge
from tests.unit.oauth_answers import failure

ID, SECRET, BOTH = Cause.CLIENT_ID_UNKNOWN, Cause.CLIENT_SECRET_WRONG, Cause.CLIENT_CREDENTIALS
STYLE, REDIRECT, CODE = Cause.TOKEN_REQUEST_STYLE, Cause.REDIRECT_URI_MISMATCH, Cause.GRANT_REFUSED


def _meta(message: str, code: int) -> dict[str, object]:
    return {"error": {"message": message, "type": "OAuthException", "code": code}}


def _said(error: str, description: str = "") -> dict[str, object]:
    return {"error": error, "error_description": description}


EXCHANGES: dict[str, tuple[Cause, int, dict[str, object]]] = {
    "Auth0, secret": (SECRET, 401, _said("access_denied", "Unauthorized")),
    "Stripe, secret": (
        SECRET,
        401,
        {"error": {"type": "invalid_request_error", "message": "Invalid API Key provided: sk_1"}},
    ),
    "ServiceNow, secret": (SECRET, 401, _said("server_error", "access_denied")),
    "Meta, secret": (SECRET, 400, _meta("Error validating client secret.", 1)),
    "Meta, id": (ID, 400, _meta("Error validating application. Invalid application ID.", 101)),
    "Meta, redirect URI": (
        REDIRECT,
        400,
        _meta(
            "Error validating verification code. Please make sure your redirect_uri is identical "
            "to the one you used in the OAuth dialog request",
            100,
        ),
    ),
    "Meta, code used": (CODE, 400, _meta("This authorization code has been used.", 100)),
    "Meta, code": (CODE, 400, _meta("Invalid verification code format.", 100)),
    "Asana, both": (SECRET, 400, _said("invalid_client", "The client_id or client_secret is bad")),
    "Dropbox, both": (
        SECRET,
        400,
        {"error": "invalid_client_id: Invalid client_id or client_secret"},
    ),
    "ClickUp, both": (SECRET, 401, {"err": "Client id or secret is invalid", "ECODE": "OAUTH_010"}),
    "ClickUp, redirect URI": (
        REDIRECT,
        400,
        {"err": "Redirect URI not valid", "ECODE": "OAUTH_007"},
    ),
    "ClickUp, code": (CODE, 401, {"err": "Code already used", "ECODE": "OAUTH_014"}),
    "Keycloak, redirect URI": (REDIRECT, 400, _said("invalid_grant", "Incorrect redirect_uri")),
    "Todoist, client": (SECRET, 400, _said("incorrect_application_credentials")),
    "Todoist, code": (CODE, 400, _said("bad_authorization_code")),
    "HubSpot, code": (CODE, 400, {"status": "EXPIRED_AUTHORIZATION_CODE", "message": "expired"}),
    "HubSpot, grant type": (
        STYLE,
        400,
        {"status": "BAD_GRANT_TYPE", "message": "missing or unknown grant type"},
    ),
    "HubSpot, id": (
        ID,
        400,
        {"status": "BAD_CLIENT_ID", "message": "missing or unknown client id"},
    ),
    "Shopify, id": (ID, 401, _said("application_cannot_be_found", "Could not find the app")),
    "GitHub, suspended": (ID, 200, _said("application_suspended", "It has been suspended.")),
    "Slack, id not seen": (STYLE, 200, {"ok": False, "error": "missing_client_id"}),
    "Slack, versions": (
        Cause.WRONG_ENVIRONMENT,
        200,
        {"ok": False, "error": "oauth_authorization_url_mismatch"},
    ),
    "Slack, PKCE": (Cause.PKCE_REFUSED, 200, {"ok": False, "error": "pkce_not_allowed_for_app"}),
    "Google, id not seen": (
        STYLE,
        400,
        _said("invalid_request", "Could not determine client ID from request."),
    ),
    "X, header": (STYLE, 401, _said("unauthorized_client", "Missing valid authorization header")),
    "Keycloak, JSON": (STYLE, 400, _said("invalid_request", "Missing form parameter: grant_type")),
    "Notion, form": (
        STYLE,
        400,
        {"code": "validation_error", "message": "body failed: body.grant_type should be defined"},
    ),
    "Salesforce, not installed": (
        Cause.APP_NOT_APPROVED,
        400,
        _said("app_not_found", "External client app is not installed in this org"),
    ),
    "Salesforce, network": (Cause.APP_NOT_APPROVED, 400, _said("invalid_grant", "ip restricted")),
    "Salesforce, flow": (
        Cause.GRANT_TYPE_REFUSED,
        400,
        _said("invalid_grant", "oauth flow disabled"),
    ),
    "Salesforce, user": (Cause.CONSENT_DENIED, 400, _said("inactive_user", "user is inactive")),
    "Okta, policy": (
        Cause.APP_NOT_APPROVED,
        400,
        _said("access_denied", "Policy evaluation failed for this request, please check"),
    ),
    "Microsoft, public client": (
        STYLE,
        401,
        _said("invalid_client", "AADSTS700025: Client is public so neither 'client_assertion'"),
    ),
    "Microsoft, no secret for the public": (
        STYLE,
        401,
        _said("invalid_request", "AADSTS90023: Public clients can't send a client secret."),
    ),
    "Microsoft, single page": (
        Cause.GRANT_TYPE_REFUSED,
        400,
        _said("invalid_request", "AADSTS9002327: Tokens issued for the 'Single-Page Application'"),
    ),
    "Microsoft, one tenant": (
        Cause.WRONG_ENVIRONMENT,
        400,
        _said("invalid_request", "AADSTS50194: Application 'x' is not multi-tenant"),
    ),
    "Microsoft, no tenant": (
        Cause.ENDPOINT_NOT_FOUND,
        400,
        _said("invalid_request", "AADSTS90002: Tenant 'contoso.typo' not found."),
    ),
    "Microsoft, no such name": (
        Cause.ENDPOINT_NOT_FOUND,
        400,
        _said("invalid_request", "AADSTS900023: Specified tenant identifier 'foo' is no name"),
    ),
    "Microsoft, id": (
        ID,
        400,
        _said("unauthorized_client", "AADSTS700016: not installed by the administrator"),
    ),
}


def _after_consent(status: int, body: dict[str, object], **configured: object) -> Diagnosis:
    return judge(CONSENTED, failure(status, body, step="exchange").evidence, **configured)


@pytest.mark.parametrize("case", EXCHANGES)
def test_a_service_s_words_have_their_cause_after_a_consent(case: str) -> None:
    cause, status, body = EXCHANGES[case]
    assert _after_consent(status, body).cause is cause


@pytest.mark.parametrize(
    "body",
    [
        _said("incorrect_client_credentials", "The client_id and/or client_secret is incorrect."),
        _said("invalid_client", "The client_id or client_secret is invalid"),
        _said("invalid_client", "Client key or secret is incorrect."),
        _said("access_denied", "Unauthorized"),
    ],
    ids=str,
)
def test_without_a_consent_nobody_knows_which_of_the_two_is_wrong(body: dict[str, object]) -> None:
    diagnosis = judge(failure(401, body, step="exchange").evidence)
    assert (diagnosis.cause, diagnosis.certainty) == (BOTH, Certainty.POSSIBLE)


AUTHORIZATIONS: list[tuple[Cause, str, str]] = [
    (ID, "unauthorized_client", "AADSTS700016: not installed by the administrator of the tenant"),
    (Cause.APP_NOT_APPROVED, "invalid_client", "AADSTS650052: not subscribed to"),
    (Cause.APP_NOT_APPROVED, "invalid_team_for_non_distributed_app", ""),
    (Cause.APP_NOT_APPROVED, "OAUTH_EC_APP_NOT_FOUND", "External client app is not installed"),
    (Cause.APP_NOT_APPROVED, "OAUTH_AUTHORIZATION_BLOCKED", "Cross-org OAuth flows"),
    (Cause.APP_NOT_APPROVED, "access_denied", "User is not assigned to the client application."),
    (Cause.SCOPE_REFUSED, "unauthorized_scope_error", 'Scope "r_emailaddress" is not authorized'),
    (Cause.SCOPE_REFUSED, "unauthorized_client", "Invalid scope for client"),
    (REDIRECT, "invalid_request", "The redirect_uri is not whitelisted"),
]


@pytest.mark.parametrize(("cause", "error", "description"), AUTHORIZATIONS)
def test_a_refused_authorization_has_its_cause(cause: Cause, error: str, description: str) -> None:
    seen = Evidence(Step.AUTHORIZATION, Kind.REFUSED, error=error, description=description)
    assert judge(seen).cause is cause


@pytest.mark.parametrize(
    "body",
    [
        _said("invalid_grant", "AADSTS501481: The Code_Verifier does not match the code_challenge"),
        _said("invalid_grant", "Failed to verify code verifier"),
        _said("invalid_grant", "PKCE verification failed."),
    ],
    ids=str,
)
def test_a_service_that_compared_the_verifier_keeps_its_pkce(body: dict[str, object]) -> None:
    diagnosis = _after_consent(400, body)
    assert (diagnosis.cause, diagnosis.paste) == (Cause.PKCE_REFUSED, None)
    assert "false" not in diagnosis.fix


@pytest.mark.parametrize(
    "description", ["PKCE is not supported: failed", "code_challenge_method does not match plain"]
)
def test_a_service_without_pkce_is_to_be_used_without(description: str) -> None:
    paste = _after_consent(400, _said("invalid_request", description)).paste
    assert paste is not None
    assert (paste.field, paste.value) == ("pkce", "false")


def test_github_answers_404_to_an_id_that_it_does_not_know() -> None:
    seen = failure(404, {"error": "Not Found"}, step="exchange").evidence
    at_github = judge(seen, token_endpoint="https://github.com/login/oauth/access_token")
    assert at_github.cause is ID
    assert judge(seen).cause is Cause.ENDPOINT_NOT_FOUND
    page = failure(404, b"<html>", step="exchange").evidence
    at_github = judge(page, token_endpoint="https://github.com/login/oauth/access_token")
    assert at_github.cause is Cause.ENDPOINT_NOT_FOUND


@pytest.mark.parametrize("body", [_said("unauthorized_client", "refresh_token is invalid")])
def test_a_dead_refresh_token_is_no_matter_of_the_grant_type(body: dict[str, object]) -> None:
    assert judge(failure(403, body).evidence).cause is Cause.REFRESH_REFUSED


@pytest.mark.parametrize(
    ("style", "cause"),
    [("json_post", STYLE), ("json_basic", STYLE), ("form_post", Cause.GRANT_TYPE_REFUSED)],
)
def test_who_does_not_read_json_knows_no_grant_type(style: str, cause: Cause) -> None:
    body = _said("unsupported_grant_type")
    assert _after_consent(400, body, token_request_style=style).cause is cause


def test_a_secret_that_is_not_sent_is_missing_however_that_is_said() -> None:
    body = _said("invalid_request", "client_secret is missing.")
    cause = _after_consent(400, body, token_request_style="none").cause
    assert cause is Cause.CLIENT_SECRET_MISSING


@pytest.mark.parametrize("description", ["", "Invalid client secret or assertion"])
def test_a_signed_assertion_is_not_amended_by_another_secret(description: str) -> None:
    body = _said("invalid_client", description)
    diagnosis = _after_consent(401, body, token_request_style="private_key_jwt")
    assert diagnosis.cause is BOTH
    assert "jwks_uri" in diagnosis.fix
    assert "client_secret" not in diagnosis.fix


def test_a_secret_refused_in_every_style_may_be_one_that_is_not_decoded() -> None:
    facts: dict[str, str | bool | int] = {"client_refused": True, "refused_in_every_style": True}
    seen = Evidence(Step.EXCHANGE, Kind.REFUSED, 401, error="invalid_client", facts=facts)
    first = judge(CONSENTED, seen).candidates[0]
    assert first.cause is STYLE
    assert "basic_encoding" in first.test


def test_an_outage_in_words_is_still_an_outage() -> None:
    seen = Evidence(Step.AUTHORIZATION, Kind.REFUSED, error="temporarily_unavailable")
    assert judge(seen).cause is Cause.AUTHORIZATION_SERVER_UNREACHABLE
