"""What an authorization server refuses about the request, the app or the person."""

from broker.diagnosis.causes import Cause, Certainty
from broker.diagnosis.evidence import Kind, Step
from broker.diagnosis.predicates import (
    answered,
    at,
    coded,
    either,
    every,
    knowing,
    no,
    of,
    saying,
    where,
)
from broker.diagnosis.rule import AT_SERVER, Candidate, Paste, Rule

from .flow import REDIRECT_URI

_PKCE = saying(r"code[ _-]?(challenge|verifier)|(?<![a-z])pkce(?![a-z])|proof key")
_COMPARED = every(
    saying(r"mismatch|match|fail|incorrect"), no(saying(r"supported|challenge[ _-]?method"))
)
_REQUEST = (Step.AUTHORIZATION, Step.EXCHANGE)
_URI = r"(redirect|callback)[ _-]?ur[il]"
_REDIRECT = either(
    saying(rf"{_URI}.{{0,80}}(match|invalid|not valid|regist|whitelist)"),
    saying(r"redirect[ _-]?ur[il].{0,40}identical"),
    saying(r"(invalid|incorrect|mismatch|unregistered|bad)\W.{0,20}(redirect|callback)[ _-]?ur"),
)

REFUSED_REQUEST: tuple[Rule, ...] = (
    Rule(
        Cause.GRANT_REFUSED,
        every(
            at(Step.EXCHANGE),
            _REDIRECT,
            saying(r"\bcode\b|verifier|expired"),
            no(saying(r"AADSTS50011|redirect_uri is identical")),
        ),
        "The authorization server refused the authorization code, or what was sent with it.",
        "It names the code and the redirect URI in one breath, and does not say which it is.",
        "Start the test again: a code works once, for a minute or so. If it happens again, check "
        "that the app at the service has exactly this redirect URI: {redirect_uri}",
        sure=Certainty.LIKELY,
        paste=REDIRECT_URI,
        candidates=(
            Candidate(
                Cause.REDIRECT_URI_MISMATCH,
                "Compare the redirect URI on the app's page with {redirect_uri}, character by "
                "character.",
            ),
            Candidate(
                Cause.PKCE_REFUSED,
                "Set pkce to false and test again: if it works, the service takes no PKCE.",
            ),
        ),
    ),
    Rule(
        Cause.REDIRECT_URI_MISMATCH,
        every(
            at(*_REQUEST),
            either(
                coded("redirect_uri_mismatch", "invalid_redirect_uri", "bad_redirect_uri"),
                coded("mismatch_redirect_uri_auth_code", "redirect_mismatch"),
                saying(r"AADSTS50011\d*\b|AADSTS500112"),
                _REDIRECT,
            ),
        ),
        "The redirect URI is not registered with this app at the service.",
        "The service names the redirect URI in what it refuses.",
        "Register exactly this redirect URI at the service, character by character: {redirect_uri}",
        paste=REDIRECT_URI,
    ),
    Rule(
        Cause.PKCE_REQUIRED,
        every(at(*_REQUEST), _PKCE, where(lambda configured: configured.pkce is False)),
        "The authorization server wants PKCE, which is off.",
        "It names code_challenge or code_verifier (RFC 7636), and pkce is false.",
        "Set pkce to true, or leave it out.",
        paste=Paste(AT_SERVER, "pkce", "true"),
    ),
    Rule(
        Cause.PKCE_REFUSED,
        every(at(Step.EXCHANGE), _PKCE, _COMPARED),
        "The code verifier does not fit the code (PKCE).",
        "The service compared the code_verifier with the code_challenge (RFC 7636 §4.6): it has "
        "PKCE, and the code is of another authorization request.",
        "Start the test again, open connect_url once, and consent in that window. If it happens "
        "again, see whether something on the way changes the authorization request: "
        "{authorization_endpoint}",
        sure=Certainty.LIKELY,
        candidates=(
            Candidate(
                Cause.GRANT_REFUSED,
                "Start the test again: if it works, the verifier belonged to an older request.",
            ),
        ),
    ),
    Rule(
        Cause.PKCE_REFUSED,
        every(at(*_REQUEST), _PKCE),
        "The authorization server does not take PKCE as it was sent.",
        "It names code_challenge or code_verifier (RFC 7636), and S256 was sent.",
        "Set pkce to false, if the service documents that it has no PKCE. If it documents PKCE, "
        "check that the app's type at the service is one that may use it.",
        sure=Certainty.LIKELY,
        paste=Paste(AT_SERVER, "pkce", "false"),
        candidates=(
            Candidate(
                Cause.GRANT_REFUSED,
                "Start the test again: if it works, the verifier belonged to an older request.",
            ),
        ),
    ),
    Rule(
        Cause.RESOURCE_REFUSED,
        either(coded("invalid_target"), saying(r"AADSTS9010010|AADSTS901002")),
        "The authorization server does not accept the resource parameter (RFC 8707).",
        "It answers invalid_target, or says so in its own words.",
        "Remove resource from the server's configuration, or set it to the identifier that the "
        "service documents. Now: {resource}",
        paste=Paste(AT_SERVER, "resource", "null"),
    ),
    Rule(
        Cause.APP_NOT_APPROVED,
        every(
            at(*_REQUEST),
            either(
                coded("admin_policy_enforced", "org_internal", "app_not_approved"),
                coded("app_not_verified", "unapproved_app", "consent_required"),
                coded("invalid_team_for_non_distributed_app", "app_not_found"),
                coded("oauth_ec_app_not_found", "oauth_authorization_blocked"),
                saying(r"AADSTS(65001|90094|90008|650052|650056|50105|65005)\b"),
                saying(r"OAUTH_APP_(BLOCKED|ACCESS_DENIED)|OAUTH_APPROVAL_ERROR"),
                saying(r"\bip restricted|cross-org|not installed in this org"),
                every(
                    coded("access_denied", "unauthorized_client", "invalid_request"),
                    saying(
                        r"\badmin|\bapprov|not verified|verification|test(er| user)|allow.?list"
                        r"|\bpolic(y|ies)\b|not assigned"
                    ),
                ),
            ),
        ),
        "The app is not approved yet, for this account or at all.",
        "The service speaks of an approval, an administrator or a review.",
        "Have the app approved on its page at the service, or by an administrator of the account's "
        "organization; while it is in a test mode, add the account as a test user there.",
        sure=Certainty.LIKELY,
        candidates=(
            Candidate(Cause.CONSENT_DENIED, "Start the test again, and accept."),
            Candidate(Cause.SCOPE_REFUSED, "Try with fewer scopes: some alone need a review."),
        ),
    ),
    Rule(
        Cause.CONSENT_DENIED,
        every(at(*_REQUEST), coded("inactive_user", "inactive_org", "account_inactive")),
        "The account is not active at the service, so it cannot consent.",
        "The service calls the user or the organization inactive.",
        "Have the account activated there, or start the test again with another one.",
    ),
    Rule(
        Cause.CONSENT_DENIED,
        every(
            at(Step.AUTHORIZATION),
            either(
                coded("access_denied", "user_denied", "user_cancelled_login"),
                coded("user_cancelled_authorize", "authorization_declined", "cancelled"),
            ),
        ),
        "Consent was declined, or this account may not consent to the app.",
        "The authorization response says that access was denied (RFC 6749 §4.1.2.1).",
        "Start the test again and accept. If the service never asked, an administrator of that "
        "account has to allow the app first.",
        sure=Certainty.LIKELY,
        candidates=(
            Candidate(
                Cause.APP_NOT_APPROVED, "Accept, and see whether it is denied without a question."
            ),
        ),
    ),
    Rule(
        Cause.RATE_LIMITED,
        either(
            answered(429),
            coded("ratelimited", "rate_limited", "rate_limit_exceeded", "slow_down"),
            knowing("rate_limited", value=True),
        ),
        "{place} asks for fewer requests.",
        "It answers 429 (RFC 6585 §4), or says so in its own words.",
        "Wait a few minutes, then start the test again.",
    ),
    Rule(
        Cause.MCP_SCOPE_MISSING,
        every(at(Step.MCP, Step.TOOLS), coded("insufficient_scope")),
        "The MCP server takes the token, but wants more scopes than it has.",
        "It answers 403 insufficient_scope (RFC 6750 §3.1).",
        "Add what it asks for to scopes, and connect again. It asks for: {facts[wanted_scopes]} "
        "Now: {scopes}",
    ),
    Rule(
        Cause.SCOPE_REFUSED,
        either(
            coded("invalid_scope", "bad_scope", "invalid_scope_requested", "insufficient_scope"),
            coded("unauthorized_scope_error", "no_scopes"),
            saying(r"AADSTS(70011|650053|500011)\b|\binvalid[ _]scope"),
        ),
        "The service does not grant the scopes.",
        "It answers invalid_scope (RFC 6749 §4.1.2.1), or says so in its own words.",
        "Compare them, letter by letter, with the scopes that the app is allowed at the service. "
        "Now: {scopes}",
        candidates=(
            Candidate(
                Cause.APP_NOT_APPROVED,
                "Look on the app's page whether the scope is listed as awaiting a review.",
            ),
        ),
    ),
    Rule(
        Cause.GRANT_TYPE_REFUSED,
        either(
            coded("unsupported_grant_type", "unsupported_response_type", "invalid_grant_type"),
            coded("bad_grant_type"),
            saying(r"\boauth flow disabled|grant[ _-]?type (is )?not (allowed|enabled)"),
            every(
                coded("unauthorized_client"),
                no(knowing("grant_refused")),
                either(
                    every(at(Step.AUTHORIZATION), of(Kind.REFUSED)),
                    saying(r"grant[ _-]?type|response[ _-]?type|authorization.code|refresh.token"),
                ),
            ),
        ),
        "The app may not use this grant type at {place}.",
        "The service knows the app, and says that it is none for the authorization code flow, or "
        "none that may refresh.",
        "On the app's page at the service, choose a type for web apps with users (authorization "
        "code), and allow refresh tokens. An app for machines or single pages has to be made anew.",
        sure=Certainty.LIKELY,
        candidates=(
            Candidate(
                Cause.ENDPOINT_NOT_FOUND,
                "Compare the URL with the service's documentation: it may be another flow's. {url}",
            ),
        ),
    ),
)
