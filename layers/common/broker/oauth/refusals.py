"""What services really answer when they refuse a token request: data, with its sources.

RFC 6749 §5.2 has six codes; much of the world has others. A code is compared in lower case, with
``-`` and blanks as ``_``. What is not found here is no refusal of grant or client.
"""

import re
from enum import StrEnum
from http import HTTPStatus

from broker.diagnosis import Step


class Refusal(StrEnum):
    """What an error means for what happens next."""

    GRANT = "grant_refused"
    CLIENT = "client_refused"
    BUSY = "rate_limited"
    BROKEN = "broken"
    OTHER = "other"


_CODES: dict[Refusal, frozenset[str]] = {
    Refusal.GRANT: frozenset(
        {
            "invalid_grant",  # RFC 6749 §5.2; Atlassian with 403, Follow Up Boss with 401 and 404
            "bad_verification_code",  # GitHub, exchange
            "bad_refresh_token",  # GitHub and HubSpot, refresh
            "bad_auth_code",  # HubSpot, exchange
            "invalid_code",  # Slack, exchange; Zoho, both
            "code_already_used",  # Slack, exchange
            "code_expired",
            "invalid_refresh_token",  # Slack, Follow Up Boss
            "expired_refresh_token",  # Follow Up Boss
            "invalid_auth_code",  # Follow Up Boss
            "expired_auth_code",  # Follow Up Boss
            "token_revoked",  # Slack
            "token_expired",  # Slack
            "account_inactive",  # Slack: the user or workspace was deleted
            "refresh_token_expired",  # OpenAI
            "refresh_token_invalidated",  # OpenAI
            "refresh_token_reused",  # OpenAI
            "refresh_token_not_found",  # Supabase
            "expired_token",
            "invalid_token",  # Spring Security OAuth: an expired refresh token
            "interaction_required",  # Microsoft: more is asked of the user (AADSTS50076)
            "consent_required",  # OpenID Connect Core §3.1.2.6, Microsoft
            "login_required",  # OpenID Connect Core §3.1.2.6, Microsoft
        }
    ),
    Refusal.CLIENT: frozenset(
        {
            "invalid_client",  # RFC 6749 §5.2; Microsoft AADSTS7000215, AADSTS7000222
            "unauthorized_client",  # RFC 6749 §5.2; Atlassian also for a dead refresh token
            "incorrect_client_credentials",  # GitHub
            "invalid_client_id",  # Slack, Salesforce
            "invalid_client_secret",  # Zoho
            "bad_client_id",  # HubSpot
            "bad_client_secret",  # Slack, HubSpot
            "deleted_client",  # Google
            "disabled_client",  # Google
            "invalid_oauth_app",  # Follow Up Boss
            "multiple_client_credentials",  # Okta: in header and body at once
        }
    ),
    Refusal.BUSY: frozenset(
        {"ratelimited", "rate_limited", "rate_limit_exceeded", "too_many_requests", "slow_down"}
    ),
    Refusal.BROKEN: frozenset(
        {
            "server_error",  # RFC 6749 §4.1.2.1; fosite at the token endpoint too
            "temporarily_unavailable",
            "internal_error",  # Slack
            "internal_server_error",
            "fatal_error",  # Slack: 'some aspect of the operation may have succeeded'
            "service_unavailable",  # Slack
            "request_timeout",  # Slack
        }
    ),
}

_DEAD = (
    r"(?:invalid|expired|revoked|inactive|not found|not active|no longer|already (?:been )?used)"
)
_DEAD_BEFORE = r"(?:invalid|expired|revoked|inactive|unknown)"
_UP_TO_FOUR_WORDS = r"\W{1,3}(?:\w+\W{1,3}){0,4}?"


def _dead(name: str, *also: str) -> re.Pattern[str]:
    """Match 'invalid <name>' and '<name> … is expired', and what else a service says."""
    said = (rf"{name}{_UP_TO_FOUR_WORDS}{_DEAD}\b", rf"\b{_DEAD_BEFORE}\W{{1,3}}{name}", *also)
    return re.compile("|".join(said), re.IGNORECASE)


# Codes that say nothing in particular, with a sentence that does: invalid_request from older
# Authlib, league/oauth2-server and better-auth, and from LinkedIn; unauthorized_client from
# Atlassian; no code at all from Twitch ('Invalid refresh token') and Strava.
_WORDS: tuple[tuple[Refusal, Step | None, re.Pattern[str]], ...] = (
    # Zoho sends access_denied with it.
    (Refusal.BUSY, None, re.compile(r"too many requests|rate.?limit", re.IGNORECASE)),
    # Zoom: invalid_request, 'Invalid Token!'
    (Refusal.GRANT, Step.REFRESH, _dead(r"(?:access/)?refresh[ _-]?token", r"^invalid token\W*$")),
    # Figma: error true, 'Invalid code'
    (Refusal.GRANT, Step.EXCHANGE, _dead(r"authorization[ _-]?code", r"^invalid code\W*$")),
)
_CLIENT_WORDS = re.compile(
    r"\b(invalid|incorrect|wrong|missing|unknown) client[ _-]?(id|secret|credentials)?\b"
    r"|\bclient[ _-]?(id|secret|credentials)\W.{0,20}\b(invalid|incorrect|wrong|missing|unknown)",
    re.IGNORECASE,
)
# Known, and neither grant nor client: no sentence beside them changes that.
_OTHER = frozenset(
    {"invalid_scope", "invalid_target", "unsupported_grant_type", "redirect_uri_mismatch"}
)
_UNTELLING = frozenset({"unauthorized", "invalid", "error", "bad_credentials"})
_NO = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_MISSING = re.compile(r"missing|required|not provided", re.IGNORECASE)


def refusal_of(status: int, codes: tuple[str, ...], description: str, step: Step) -> Refusal | None:
    """Judge an answer by status, codes (most telling first) and sentence; None: it says nothing.

    A code that means something decides. The sentence is asked only beside codes that do not, and
    never makes a grant dead that was merely not sent. Without either, 401 can only mean the
    client (RFC 6749 §5.2).
    """
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Refusal.BUSY
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Refusal.BROKEN
    known = [_normalised(code) for code in codes]
    telling = [code for code in known if code != "unauthorized_client"]
    meant = _coded([*telling, _normalised(description)], status) or _said(description, step)
    if meant:
        return meant
    if "unauthorized_client" in known or _CLIENT_WORDS.search(description):
        return Refusal.CLIENT
    if status == HTTPStatus.UNAUTHORIZED and _UNTELLING.issuperset(known):
        return Refusal.CLIENT
    return Refusal.OTHER if codes or description else None


def _coded(codes: list[str], status: int) -> Refusal | None:
    for code in codes:
        if code in _OTHER:
            return Refusal.OTHER
        found = next((meant for meant, named in _CODES.items() if code in named), None)
        # ServiceNow says server_error with 401: that is a no, not an outage.
        if found and not (found is Refusal.BROKEN and status in _NO):
            return found
    return None


def _said(description: str, step: Step) -> Refusal | None:
    for refusal, only, words in _WORDS:
        if step is (only or step) and words.search(description):
            missing = refusal is Refusal.GRANT and _MISSING.search(description)
            return None if missing else refusal
    return None


def _normalised(code: str) -> str:
    return re.sub(r"[\s-]+", "_", code.strip().lower())
