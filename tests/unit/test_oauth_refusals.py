"""What real services answer when a grant is dead or a client is wrong."""

import re

import pytest

from broker.diagnosis import Kind
from broker.oauth import ClientRefused, GrantRefused, NoUsableAnswer, RequestRefused
from broker.oauth.equivalents import EQUIVALENTS, SENTENCES, Equivalent, Refusal, Sentence
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
    "Cloud Foundry UAA": (
        401,
        {
            "error": "invalid_token",
            "error_description": "The token expired, was revoked, or the token ID is incorrect",
        },
    ),
    "X": (
        400,
        {
            "error": "invalid_request",
            "error_description": "Value passed for the token was invalid.",
        },
    ),
    "Supabase": (400, {"code": 400, "error_code": "refresh_token_already_used", "msg": "no"}),
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
    "Todoist": (400, {"error": "bad_authorization_code"}),
    "HubSpot, expired": (400, {"status": "EXPIRED_AUTHORIZATION_CODE", "message": "expired"}),
    "Meta": (400, {"error": {"message": "This authorization code has been used.", "code": 100}}),
    "ClickUp": (401, {"err": "Code already used", "ECODE": "OAUTH_014"}),
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
    "Okta": (
        400,
        {
            "error": "invalid_request",
            "error_description": "Cannot supply multiple client credentials.",
        },
    ),
    "Auth0, Atlassian": (401, {"error": "access_denied", "error_description": "Unauthorized"}),
    "Stripe": (
        401,
        {"error": {"type": "invalid_request_error", "message": "Invalid API Key provided: sk_1"}},
    ),
    "a code of its own": (401, {"error": "wrong_credentials"}),
    "Meta": (400, {"error": {"message": "Error validating client secret.", "code": 1}}),
    "Todoist": (400, {"error": "incorrect_application_credentials"}),
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


MEANS: dict[Refusal, type[Exception]] = {
    Refusal.GRANT: GrantRefused,
    Refusal.CLIENT: ClientRefused,
    Refusal.BUSY: NoUsableAnswer,
    Refusal.BROKEN: NoUsableAnswer,
    Refusal.OTHER: RequestRefused,
}


@pytest.mark.parametrize("known", EQUIVALENTS, ids=lambda known: known.code)
def test_every_code_has_its_meaning_and_a_source(known: Equivalent) -> None:
    refused = failure(400, {"error": known.code.upper().replace("_", "-")})
    assert type(refused) is MEANS[known.meaning]
    assert re.search(r"RFC \d{4} §|'.+'|[a-z-]+\.(?:ts|py)|/codex|Community", known.source)


def test_no_code_stands_there_twice() -> None:
    codes = [known.code for known in EQUIVALENTS]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize(
    ("sentence", "example"),
    [(sentence, example) for sentence in SENTENCES for example in sentence.examples],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_sentence_has_its_meaning_and_a_source(sentence: Sentence, example: str) -> None:
    told = re.fullmatch(r"(?:(?P<error>[a-z]+_[a-z]+): )?(?P<error_description>.+)", example)
    assert told
    said = {name: text for name, text in told.groupdict().items() if text}
    step = sentence.step.value if sentence.step else "refresh"
    assert type(failure(400, said, step=step)) is MEANS[sentence.meaning]
    assert sentence.source


NOBODYS_FAULT: dict[str, tuple[int, object]] = {
    "a bearer error of a gateway": (401, {"error": "invalid_token"}),
    "and in words": (401, {"error": "invalid_token", "error_description": "Signature is invalid"}),
    "of another token": (
        400,
        {"error": "invalid_token", "error_description": "Access token expired"},
    ),
    "a rule, with 401": (
        401,
        {"error": "access_denied", "error_description": "The user is blocked"},
    ),
    "an opaque code, with 401": (401, {"error": "E-4711", "message": "Try something else."}),
    "an unknown word about a token, with 401": (401, {"error": "token_not_found"}),
    "a request, with 401": (401, {"error": "invalid_request"}),
    "ServiceNow": (401, {"error": "server_error", "error_description": "access_denied"}),
    "a rule of the service": (
        400,
        {"error": "access_denied", "error_description": "A rule said no"},
    ),
    "its own network": (200, {"ok": False, "error": "accesslimited"}),
    "an authentication of no kind": (200, {"ok": False, "error": "invalid_auth"}),
    "a code of a device flow": (400, {"error": "expired_token"}),
    "a pending device": (400, {"error": "authorization_pending"}),
    "a request that lacks something": (400, {"error": "invalid_request"}),
    "a scope": (400, {"error": "invalid_scope", "error_description": "refresh token is invalid"}),
}


@pytest.mark.parametrize("case", NOBODYS_FAULT)
def test_a_code_that_says_neither_flags_no_user_and_no_server(case: str) -> None:
    status, body = NOBODYS_FAULT[case]
    assert isinstance(failure(status, body), RequestRefused)
