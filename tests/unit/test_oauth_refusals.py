"""What real services answer when a grant is dead or a client is wrong."""

import pytest

from broker.diagnosis import Kind
from broker.oauth import ClientRefused, GrantRefused, NoUsableAnswer, RequestRefused
from tests.unit.oauth_answers import failure

DEAD_REFRESH_TOKENS: dict[str, tuple[int, object]] = {
    "RFC 6749": (400, {"error": "invalid_grant"}),
    "form-encoded": (400, "error=invalid_grant&error_description=Token+expired"),
    "Google": (
        400,
        {"error": "invalid_grant", "error_description": "Token has been expired or revoked."},
    ),
    "Atlassian": (
        403,
        {"error": "invalid_grant", "error_description": "Unknown or invalid refresh token."},
    ),
    "Atlassian, the other": (
        403,
        {"error": "unauthorized_client", "error_description": "refresh_token is invalid"},
    ),
    "Slack": (200, {"ok": False, "error": "invalid_refresh_token"}),
    "Slack, revoked": (200, {"ok": False, "error": "token_revoked"}),
    "GitHub": (
        200,
        {"error": "bad_refresh_token", "error_description": "The refresh token is incorrect."},
    ),
    "GitHub, form-encoded": (200, "error=bad_refresh_token&error_description=incorrect"),
    "Microsoft, inactive": (
        400,
        {
            "error": "invalid_grant",
            "error_description": "AADSTS700082: The refresh token has expired due to inactivity.",
            "error_codes": [700082],
        },
    ),
    "Microsoft, more is asked": (
        400,
        {"error": "interaction_required", "suberror": "basic_action"},
    ),
    "Salesforce": (
        400,
        {"error": "invalid_grant", "error_description": "expired access/refresh token"},
    ),
    "Salesforce words alone": (400, {"error_description": "expired access/refresh token"}),
    "HubSpot": (
        400,
        {"status": "BAD_REFRESH_TOKEN", "message": "missing or invalid refresh token"},
    ),
    "Zoho": (200, {"error": "invalid_code"}),
    "Follow Up Boss": (401, {"error": "expired-refresh-token"}),
    "Follow Up Boss, 404": (404, {"error": "invalid_grant"}),
    "Twitch": (400, {"status": 400, "message": "Invalid refresh token"}),
    "Twitch, the other": (400, {"status": 400, "message": "Invalid grant"}),
    "Strava": (
        400,
        {
            "message": "Bad Request",
            "errors": [{"resource": "RefreshToken", "field": "refresh_token", "code": "invalid"}],
        },
    ),
    "Fitbit": (
        400,
        {"errors": [{"errorType": "invalid_grant", "message": "Invalid"}], "success": False},
    ),
    "OpenAI": (
        401,
        {
            "error": {
                "message": "used",
                "type": "invalid_request_error",
                "code": "refresh_token_reused",
            }
        },
    ),
    "Snowflake": (400, {"data": None, "error": "invalid_grant", "code": None, "success": False}),
    "Zoom": (401, {"reason": "Invalid Token!", "error": "invalid_request"}),
    "LinkedIn": (
        400,
        {
            "error": "invalid_request",
            "error_description": "The provided authorization grant or refresh token is invalid, "
            "expired or revoked.",
        },
    ),
    "league/oauth2-server": (
        401,
        {"error": "invalid_request", "message": "The refresh token is invalid."},
    ),
    "Authlib": (
        400,
        {"error": "invalid_request", "error_description": 'Invalid "refresh_token" in request.'},
    ),
    "Spring Security OAuth": (
        401,
        {"error": "invalid_token", "error_description": "Invalid refresh token (expired): x"},
    ),
    "error as an object": (400, {"error": {"error": "invalid_grant"}}),
    "a blank in the code": (400, {"error": "Invalid Grant"}),
}


@pytest.mark.parametrize("service", DEAD_REFRESH_TOKENS)
def test_a_dead_refresh_token_is_recognised(service: str) -> None:
    status, body = DEAD_REFRESH_TOKENS[service]
    refused = failure(status, body)
    assert isinstance(refused, GrantRefused)
    assert refused.evidence.kind is Kind.REFUSED
    assert refused.evidence.facts["grant_refused"] is True


DEAD_CODES: dict[str, tuple[int, object]] = {
    "RFC 6749": (400, {"error": "invalid_grant"}),
    "GitHub": (200, {"error": "bad_verification_code"}),
    "Slack": (200, {"ok": False, "error": "invalid_code"}),
    "Slack, used": (200, {"ok": False, "error": "code_already_used"}),
    "HubSpot": (400, {"status": "BAD_AUTH_CODE", "message": "unknown auth code"}),
    "Figma": (400, {"error": True, "status": 400, "message": "Invalid code"}),
    "Twitch": (400, {"status": 400, "message": "Invalid authorization code"}),
    "Strava": (
        400,
        {"errors": [{"resource": "AuthorizationCode", "field": "code", "code": "invalid"}]},
    ),
    "Follow Up Boss": (401, {"error": "expired-auth-code"}),
}


@pytest.mark.parametrize("service", DEAD_CODES)
def test_a_dead_code_is_recognised(service: str) -> None:
    status, body = DEAD_CODES[service]
    assert isinstance(failure(status, body, step="exchange"), GrantRefused)


BAD_CLIENTS: dict[str, tuple[int, object]] = {
    "RFC 6749": (401, {"error": "invalid_client"}),
    "RFC 6749, 400": (400, {"error": "invalid_client"}),
    "unauthorized": (400, {"error": "unauthorized_client"}),
    "GitHub": (200, {"error": "incorrect_client_credentials"}),
    "Slack": (200, {"ok": False, "error": "bad_client_secret"}),
    "Slack, id": (200, {"ok": False, "error": "invalid_client_id"}),
    "Microsoft": (
        401,
        {
            "error": "invalid_client",
            "error_description": "AADSTS7000215: Invalid client secret provided.",
        },
    ),
    "Google": (401, {"error": "deleted_client"}),
    "Twitch": (403, {"status": 403, "message": "invalid client secret"}),
    "Strava": (
        401,
        {"errors": [{"resource": "Application", "field": "client_id", "code": "invalid"}]},
    ),
    "Spring Boot": (401, {"status": 401, "error": "Unauthorized", "path": "/token"}),
    "problem details": (401, {"type": "about:blank", "title": "Unauthorized", "status": 401}),
    "401 with no body": (401, b""),
    "401 with text": (401, b"Unauthorized"),
    "401 with an empty object": (401, {}),
}


@pytest.mark.parametrize("step", ["exchange", "refresh"])
@pytest.mark.parametrize("service", BAD_CLIENTS)
def test_bad_client_credentials_are_recognised(service: str, step: str) -> None:
    status, body = BAD_CLIENTS[service]
    assert isinstance(failure(status, body, step=step), ClientRefused)


def test_a_page_with_401_is_a_firewall_unless_it_challenges_the_client() -> None:
    page = b"<html>Denied</html>"
    assert isinstance(failure(401, page), NoUsableAnswer)
    challenged = failure(401, page, headers={"WWW-Authenticate": 'Basic realm="x"'})
    assert isinstance(challenged, ClientRefused)


def test_words_of_the_other_step_are_not_taken_for_this_one() -> None:
    body = {"error": "invalid_request", "error_description": "The refresh token is invalid"}
    assert isinstance(failure(400, body, step="exchange"), RequestRefused)
