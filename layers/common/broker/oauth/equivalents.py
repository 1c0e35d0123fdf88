"""What services say in place of the codes of RFC 6749 §5.2: data, each with its source.

A code is compared in lower case, with ``-`` and blanks as ``_``. Only what is known to say the
same thing wherever it is sent stands here. A code that is also sent for a passing fault, or for a
mistake of the client's, asks for a sentence beside it (``invalid_token``), or is left out
(``access_denied``): a wrong ``GRANT`` sends users to a service for nothing.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import final

from broker.diagnosis import Step


class Refusal(StrEnum):
    """What an error means for what happens next."""

    GRANT = "grant_refused"
    CLIENT = "client_refused"
    BUSY = "rate_limited"
    BROKEN = "broken"
    OTHER = "other"


@final
@dataclass(frozen=True, slots=True)
class Equivalent:
    """A code, what it means, and where that is written."""

    code: str
    meaning: Refusal
    source: str


@final
@dataclass(frozen=True, slots=True)
class Sentence:
    """Words that mean something beside a code that does not, or without any."""

    meaning: Refusal
    step: Step | None
    """The request that they answer; None: any."""
    words: re.Pattern[str]
    examples: tuple[str, ...]
    source: str


_GITHUB = "GitHub Docs, 'Troubleshooting OAuth app access token request errors'"
_GITHUB_APP = "GitHub Docs, 'Refreshing user access tokens'"
_SLACK = "Slack API reference, oauth.v2.access, 'Errors'"
_FOLLOW_UP_BOSS = "Follow Up Boss API, OAuth, 'Error Codes', legacy codes"
_HUBSPOT = "HubSpot Community, OAuth: status and message of POST /oauth/v1/token"
_OPENAI = "OpenAI Codex CLI (openai/codex), login: why a refresh failed"
_SUPABASE = "Supabase Auth, 'Error codes'; @supabase/auth-js, error-codes.ts"
_MICROSOFT = "Microsoft identity platform, MSAL, 'InteractionRequiredAuthErrorCodes'"
_GOOGLE = "Google, OAuth 2.0, 'Error 401: {}' of the authorization server"
_ZOHO = "Zoho CRM API, 'Generate Access Token and Refresh Token', possible errors"
_NOTION = "Notion API, 'Status codes'"
_TODOIST = "Todoist developer documentation, 'Authorization', errors of the token exchange"
_RFC6749 = "RFC 6749 §5.2"
_AUTHORIZATION = "RFC 6749 §4.1.2.1, sent by token endpoints as well (ory/fosite, Microsoft)"

EQUIVALENTS: tuple[Equivalent, ...] = (
    Equivalent(
        "invalid_grant", Refusal.GRANT, f"{_RFC6749}; with 403 Atlassian, with 404 Follow Up Boss"
    ),
    Equivalent("bad_verification_code", Refusal.GRANT, _GITHUB),
    Equivalent("bad_refresh_token", Refusal.GRANT, f"{_GITHUB_APP}; {_HUBSPOT}"),
    Equivalent("bad_auth_code", Refusal.GRANT, _HUBSPOT),
    Equivalent("expired_authorization_code", Refusal.GRANT, _HUBSPOT),
    Equivalent("bad_authorization_code", Refusal.GRANT, _TODOIST),
    Equivalent("invalid_code", Refusal.GRANT, f"{_SLACK}; {_ZOHO} (both steps)"),
    Equivalent("code_already_used", Refusal.GRANT, "Slack API reference, oauth.access, 'Errors'"),
    Equivalent("invalid_refresh_token", Refusal.GRANT, f"{_SLACK}; {_FOLLOW_UP_BOSS}"),
    Equivalent("expired_refresh_token", Refusal.GRANT, _FOLLOW_UP_BOSS),
    Equivalent("invalid_auth_code", Refusal.GRANT, _FOLLOW_UP_BOSS),
    Equivalent("expired_auth_code", Refusal.GRANT, _FOLLOW_UP_BOSS),
    Equivalent("token_revoked", Refusal.GRANT, _SLACK),
    Equivalent("token_expired", Refusal.GRANT, _SLACK),
    Equivalent("account_inactive", Refusal.GRANT, _SLACK),
    Equivalent("refresh_token_expired", Refusal.GRANT, _OPENAI),
    Equivalent("refresh_token_invalidated", Refusal.GRANT, _OPENAI),
    Equivalent("refresh_token_reused", Refusal.GRANT, _OPENAI),
    Equivalent("refresh_token_not_found", Refusal.GRANT, _SUPABASE),
    Equivalent("refresh_token_already_used", Refusal.GRANT, _SUPABASE),
    # More is asked of the user (AADSTS50076, AADSTS65001): no retry can give it.
    Equivalent("interaction_required", Refusal.GRANT, _MICROSOFT),
    Equivalent("consent_required", Refusal.GRANT, _MICROSOFT),
    Equivalent("login_required", Refusal.GRANT, _MICROSOFT),
    Equivalent("invalid_client", Refusal.CLIENT, f"{_RFC6749}; Microsoft AADSTS7000215"),
    Equivalent("unauthorized_client", Refusal.CLIENT, _RFC6749),
    Equivalent("incorrect_client_credentials", Refusal.CLIENT, _GITHUB),
    Equivalent(
        "invalid_client_id",
        Refusal.CLIENT,
        f"{_SLACK}; Salesforce Help, 'OAuth 2.0 Authorization Errors'",
    ),
    Equivalent("invalid_client_secret", Refusal.CLIENT, _ZOHO),
    Equivalent("bad_client_id", Refusal.CLIENT, _HUBSPOT),
    Equivalent("bad_client_secret", Refusal.CLIENT, f"{_SLACK}; {_HUBSPOT}"),
    Equivalent("deleted_client", Refusal.CLIENT, _GOOGLE.format("deleted_client")),
    Equivalent("disabled_client", Refusal.CLIENT, _GOOGLE.format("disabled_client")),
    Equivalent("invalid_oauth_app", Refusal.CLIENT, _FOLLOW_UP_BOSS),
    Equivalent("missing_client_id", Refusal.CLIENT, _SLACK),
    Equivalent("missing_client_secret", Refusal.CLIENT, _SLACK),
    Equivalent("incorrect_application_credentials", Refusal.CLIENT, _TODOIST),
    Equivalent(
        "application_cannot_be_found",
        Refusal.CLIENT,
        "Shopify, 'Oauth error application_cannot_be_found' of POST /admin/oauth/access_token",
    ),
    Equivalent("application_suspended", Refusal.CLIENT, _GITHUB),
    Equivalent("ratelimited", Refusal.BUSY, _SLACK),
    Equivalent("rate_limited", Refusal.BUSY, _NOTION),
    Equivalent("rate_limit_exceeded", Refusal.BUSY, "OpenAI API, 'Error codes'"),
    Equivalent("too_many_requests", Refusal.BUSY, "Auth0 Authentication API, 'Rate limits'"),
    Equivalent("slow_down", Refusal.BUSY, "RFC 8628 §3.5"),
    Equivalent("server_error", Refusal.BROKEN, _AUTHORIZATION),
    Equivalent("temporarily_unavailable", Refusal.BROKEN, _AUTHORIZATION),
    Equivalent("internal_failure", Refusal.BROKEN, "google-auth-library-python, oauth2/_client.py"),
    # 'Some aspect of the operation may have succeeded', says Slack of these two.
    Equivalent("internal_error", Refusal.BROKEN, _SLACK),
    Equivalent("fatal_error", Refusal.BROKEN, _SLACK),
    Equivalent("service_unavailable", Refusal.BROKEN, f"{_SLACK}; {_NOTION}"),
    Equivalent("request_timeout", Refusal.BROKEN, _SLACK),
    # A workspace on its way into an organisation: 'not available until migration is complete'.
    Equivalent("org_login_required", Refusal.BROKEN, _SLACK),
    Equivalent("team_added_to_org", Refusal.BROKEN, _SLACK),
    Equivalent("internal_server_error", Refusal.BROKEN, _NOTION),
    # Known, and neither grant nor client: no sentence beside them changes that.
    Equivalent("invalid_scope", Refusal.OTHER, _RFC6749),
    Equivalent("unsupported_grant_type", Refusal.OTHER, _RFC6749),
    Equivalent("invalid_target", Refusal.OTHER, "RFC 8707 §2"),
    Equivalent("redirect_uri_mismatch", Refusal.OTHER, _GITHUB),
)

_DEAD = (
    r"(?:invalid|expired|revoked|inactive|not found|not active|no longer|already (?:been )?used)"
)
_DEAD_BEFORE = r"(?:invalid|expired|revoked|inactive|unknown)"
_WRONG = r"(?:invalid|incorrect|wrong|missing|unknown)"
_UP_TO_FOUR_WORDS = r"\W{1,3}(?:\w+\W{1,3}){0,4}?"


def _any_of(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


def _dead(name: str, *also: str) -> re.Pattern[str]:
    """Match 'invalid <name>' and '<name> … is expired', and what else a service says."""
    said = (rf"{name}{_UP_TO_FOUR_WORDS}{_DEAD}\b", rf"\b{_DEAD_BEFORE}\W{{1,3}}{name}")
    return _any_of(*said, *also)


SENTENCES: tuple[Sentence, ...] = (
    Sentence(
        Refusal.BUSY,
        None,
        _any_of(r"too many requests", r"rate.?limit"),
        ("access_denied: You have made too many requests continuously.",),
        "Zoho Accounts, 'Refresh access token', token limits",
    ),
    Sentence(
        Refusal.GRANT,
        Step.REFRESH,
        _dead(r"(?:access/)?refresh[ _-]?token"),
        (
            "Invalid refresh token",
            "RefreshToken refresh_token invalid",
            "invalid_request: The refresh token is invalid.",
            'invalid_request: Invalid "refresh_token" in request.',
            "invalid_token: Invalid refresh token (expired): …",
            "unauthorized_client: refresh_token is invalid",
            "expired access/refresh token",
        ),
        "Twitch, Strava, league/oauth2-server, Authlib (lepture/authlib#112), Spring Security OAuth"
        " (DefaultTokenServices), Atlassian (raycast/extensions#11836), Salesforce",
    ),
    Sentence(
        Refusal.GRANT,
        Step.REFRESH,
        _any_of(r"^invalid token\W*$", r"^the token expired, was revoked"),
        (
            "invalid_request: Invalid Token!",
            "invalid_token: The token expired, was revoked, or the token ID is incorrect: …",
        ),
        "Zoom, 'OAuth error messages'; Cloud Foundry UAA (TokenRevokedException)",
    ),
    Sentence(
        Refusal.GRANT,
        Step.REFRESH,
        _any_of(r"^value passed for the token was invalid\b"),
        ("invalid_request: Value passed for the token was invalid.",),
        "X API, POST /2/oauth2/token",
    ),
    Sentence(
        Refusal.GRANT,
        Step.REFRESH,
        _any_of(r"^error validating access token\b"),
        (
            "Error validating access token: Session has expired on …",
            "Error validating access token: The user has not authorized application …",
        ),
        "Meta, Graph API, 'Handling Errors', code 190: where the access token renews itself",
    ),
    Sentence(
        Refusal.GRANT,
        Step.EXCHANGE,
        _dead(r"authorization[ _-]?code", r"^invalid code\W*$", r"^code already used\W*$"),
        (
            "Invalid authorization code",
            "AuthorizationCode code invalid",
            "Invalid code",
            "Code already used",
        ),
        "Twitch, Strava, Figma, ClickUp (OAUTH_014)",
    ),
    Sentence(
        Refusal.GRANT,
        Step.EXCHANGE,
        _any_of(
            r"^invalid verification code\b",
            r"^error validating verification code\b",
            r"^this authorization code has (?:been used|expired)\b",
        ),
        (
            "Invalid verification code format.",
            "Error validating verification code.",
            "This authorization code has been used.",
        ),
        "Meta, Graph API, GET /oauth/access_token, code 100 (36007, 36008, 36009)",
    ),
    Sentence(
        Refusal.CLIENT,
        None,
        _any_of(
            rf"\b{_WRONG} client[ _-]?(?:id|secret|credentials)?\b",
            rf"\bclient[ _-]?(?:id|secret|credentials)\W.{{0,20}}\b{_WRONG}",
            r"\bmultiple client credentials\b",
            r"^error validating (?:client secret|application)\b",
        ),
        (
            "Error validating client secret.",
            "Error validating application. Invalid application ID.",
            "invalid client secret",
            "Application client_id invalid",
            "invalid_request: Cannot supply multiple client credentials.",
        ),
        "Meta (codes 1, 101), Twitch, Strava, Okta",
    ),
)
