"""The named causes and what gives each away: data, first match wins."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from .configured import Configured
from .evidence import Evidence, Kind, Step
from .predicates import (
    Predicate,
    answered,
    at,
    coded,
    either,
    every,
    failed,
    html,
    knowing,
    of,
    saying,
    skewed,
)
from .refresh_advice import refresh_advice


class Cause(StrEnum):
    """What went wrong, by name."""

    AUTHORIZATION_SERVER_UNREACHABLE = "authorization_server_unreachable"
    BLOCKED_ADDRESS = "blocked_address"
    CLIENT_CREDENTIALS = "client_credentials"
    CLOCK_SKEW = "clock_skew"
    CONSENT_DENIED = "consent_denied"
    ENDPOINT_REDIRECTS = "endpoint_redirects"
    GRANT_REFUSED = "grant_refused"
    HTML_INSTEAD_OF_JSON = "html_instead_of_json"
    ISSUER_MISMATCH = "issuer_mismatch"
    MCP_SERVER_ERROR = "mcp_server_error"
    MCP_SERVER_REFUSES_TOKEN = "mcp_server_refuses_token"
    MCP_SERVER_UNREACHABLE = "mcp_server_unreachable"
    NONCE_MISMATCH = "nonce_mismatch"
    NO_REFRESH_TOKEN = "no_refresh_token"
    NO_TOOLS = "no_tools"
    RATE_LIMITED = "rate_limited"
    REDIRECT_URI_MISMATCH = "redirect_uri_mismatch"
    RESOURCE_REFUSED = "resource_refused"
    SCOPE_REFUSED = "scope_refused"
    SERVER_CHANGED = "server_changed"
    TOKEN_REQUEST_STYLE = "token_request_style"
    TOKEN_RESPONSE_UNUSABLE = "token_response_unusable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Rule:
    """One cause: when it is meant, what to say, what to do. Texts quote ``Configured.words``."""

    cause: Cause
    when: Predicate
    summary: str
    fix: str | Callable[[Evidence, Configured], str]


_MCP = (Step.MCP, Step.TOOLS)
_TOKEN = (Step.EXCHANGE, Step.REFRESH)
_CLIENT = (Step.AUTHORIZATION, Step.EXCHANGE, Step.REFRESH, Step.REVOCATION)

FAILURES: tuple[Rule, ...] = (
    Rule(
        Cause.BLOCKED_ADDRESS,
        of(Kind.BLOCKED),
        "The broker does not talk to the address of {place}.",
        "Configure a public https URL with a DNS name: no IP address, no private or local "
        "network, no user name in it. Now: {url}",
    ),
    Rule(
        Cause.SERVER_CHANGED,
        coded("server_changed"),
        "The server's configuration was changed while the test ran.",
        "Start the test again.",
    ),
    Rule(
        Cause.ISSUER_MISMATCH,
        coded("issuer_mismatch"),
        "The authorization response names another issuer than the one configured.",
        "Set issuer to exactly what the service's metadata document says; a slash at the end "
        "counts. Configured: {issuer} Received: {facts[received_issuer]} If you do not know the "
        "received one, do not accept it: the response came from somebody else.",
    ),
    Rule(
        Cause.NONCE_MISMATCH,
        coded("nonce_mismatch"),
        "The id_token answers another authorization request than ours.",
        "Start the test again, in one window only. If it happens again, ask the service why its "
        "id_token does not repeat the nonce that was sent (OpenID Connect Core §3.1.3.7).",
    ),
    Rule(
        Cause.REDIRECT_URI_MISMATCH,
        every(
            at(Step.AUTHORIZATION, Step.EXCHANGE),
            either(
                coded("redirect_uri_mismatch", "invalid_redirect_uri", "bad_redirect_uri"),
                coded("mismatch_redirect_uri_auth_code", "redirect_mismatch"),
                saying(r"AADSTS50011\d*\b|AADSTS500112"),
                saying(r"(redirect[ _-]?ur[il]|callback[ _-]?ur[il]).{0,80}(match|invalid|regist)"),
                saying(r"(invalid|mismatch|unregistered|bad)\W.{0,20}(redirect|callback)[ _-]?ur"),
            ),
        ),
        "The redirect URI is not registered with this app at the service.",
        "Register exactly this redirect URI at the service, character by character: {redirect_uri}",
    ),
    Rule(
        Cause.RESOURCE_REFUSED,
        either(coded("invalid_target"), saying(r"AADSTS9010010|AADSTS901002")),
        "The authorization server does not accept the resource parameter (RFC 8707).",
        "Remove resource from the server's configuration, or set it to the identifier that the "
        "service documents. Now: {resource}",
    ),
    Rule(
        Cause.CONSENT_DENIED,
        every(
            at(Step.AUTHORIZATION),
            either(
                coded("access_denied", "user_denied", "consent_required", "user_cancelled_login"),
                coded("user_cancelled_authorize", "authorization_declined", "cancelled"),
            ),
        ),
        "Consent was declined, or this account may not consent to the app.",
        "Start the test again and accept. If the service never asked, an administrator of that "
        "account has to allow the app first.",
    ),
    Rule(
        Cause.RATE_LIMITED,
        either(
            answered(429),
            coded("ratelimited", "rate_limited", "rate_limit_exceeded", "slow_down"),
            knowing("rate_limited", value=True),
        ),
        "{place} asks for fewer requests.",
        "Wait a few minutes, then start the test again.",
    ),
    Rule(
        Cause.SCOPE_REFUSED,
        either(
            coded("invalid_scope", "bad_scope", "invalid_scope_requested", "insufficient_scope"),
            saying(r"AADSTS70011|AADSTS650053|AADSTS65001"),
        ),
        "The service does not grant the scopes.",
        "Compare them, letter by letter, with the scopes that the app is allowed at the service. "
        "Now: {scopes}",
    ),
    Rule(
        Cause.TOKEN_REQUEST_STYLE,
        knowing("working_style"),
        "Client id and secret are right, but {place} wants them sent in another way.",
        "Set token_request_style to {facts[working_style]}. Now: {style}",
    ),
    Rule(
        Cause.TOKEN_REQUEST_STYLE,
        every(
            at(*_TOKEN),
            either(answered(415), coded("multiple_client_credentials"), saying(r"content.type")),
        ),
        "{place} wants the token request sent in another way.",
        "Set token_request_style as the service's documentation says: a form body (form_post, "
        "form_basic) or a JSON body (json_post, json_basic). Now: {style}",
    ),
    Rule(
        Cause.CLOCK_SKEW,
        every(skewed, saying(r"expired|not yet valid|\b(clock|iat|nbf|exp)\b|assertion")),
        "The clocks of the broker and of {place} are {facts[clock_skew_seconds]} seconds apart.",
        "Set the clock of the machine that is wrong; on AWS the broker's follows Amazon's time.",
    ),
    Rule(
        Cause.GRANT_REFUSED,
        every(at(Step.EXCHANGE), either(coded("invalid_grant"), knowing("grant_refused"))),
        "The authorization server refused the authorization code.",
        "Start the test again: a code works once, for a minute or so. If it happens again, check "
        "that the app at the service has exactly this redirect URI: {redirect_uri}",
    ),
    Rule(
        Cause.GRANT_REFUSED,
        every(at(Step.REFRESH), either(coded("invalid_grant"), knowing("grant_refused"))),
        "The authorization server refused the refresh token: the user's grant is gone.",
        "Connect again. If it happens after every refresh, see whether the app is in a test mode "
        "that ends grants early, or whether another program refreshes the same grant.",
    ),
    Rule(
        Cause.CLIENT_CREDENTIALS,
        every(
            at(*_CLIENT),
            either(
                coded("invalid_client", "unauthorized_client", "incorrect_client_credentials"),
                coded("invalid_client_id", "invalid_client_secret", "bad_client_secret"),
                coded("bad_client_id", "deleted_client", "disabled_client", "invalid_oauth_app"),
                knowing("client_refused", value=True),
                saying(r"client.?(id|secret).{0,40}(invalid|incorrect|wrong|missing|unknown)"),
                saying(r"(invalid|incorrect|wrong|missing|unknown)\W{1,3}client"),
            ),
        ),
        "The authorization server does not accept this client id and secret.",
        "Copy client_id and client_secret from the app's page at the service again (no blanks, not "
        "expired, of the same environment), and check that the service documents "
        "token_request_style {style}.",
    ),
    Rule(
        Cause.ENDPOINT_REDIRECTS,
        knowing("redirects_to"),
        "{place} answers with a redirect, which the broker does not follow.",
        "Configure the final address. Now: {url} It points to: {facts[redirects_to]}",
    ),
    Rule(
        Cause.MCP_SERVER_REFUSES_TOKEN,
        every(at(*_MCP), either(answered(401, 403), coded("invalid_token"))),
        "The MCP server does not accept the access token (HTTP {status}).",
        "The token is probably made for another audience. Set resource (or the service's audience "
        "parameter) to what the MCP server expects, for many its own URL: {url} Now: {resource}",
    ),
    Rule(
        Cause.HTML_INSTEAD_OF_JSON,
        every(html, lambda seen: not failed(seen)),
        "{place} answered with a web page instead of JSON (HTTP {status}).",
        "Check the address: it must be the endpoint itself, not a login or documentation page, and "
        "no firewall may stand in front of it. Now: {url}",
    ),
    Rule(
        Cause.MCP_SERVER_UNREACHABLE,
        every(at(*_MCP), of(Kind.NOT_SENT, Kind.NO_ANSWER)),
        "The MCP server does not answer.",
        "Check that mcp_url is right and reachable from the internet over https. Now: {url}",
    ),
    Rule(
        Cause.MCP_SERVER_ERROR,
        at(*_MCP),
        "The MCP server gave no usable answer (HTTP {status}).",
        "Look into the MCP server's own log for this call, and check that mcp_url is its MCP "
        "endpoint. Now: {url}",
    ),
    Rule(
        Cause.AUTHORIZATION_SERVER_UNREACHABLE,
        either(of(Kind.NOT_SENT, Kind.NO_ANSWER), failed, coded("temporarily_unavailable")),
        "{place} does not answer, or is not working just now (HTTP {status}).",
        "Check the address, then start the test again in a few minutes. Now: {url}",
    ),
    Rule(
        Cause.CLOCK_SKEW,
        skewed,
        "The clocks of the broker and of {place} are {facts[clock_skew_seconds]} seconds apart.",
        "Set the clock of the machine that is wrong; on AWS the broker's follows Amazon's time.",
    ),
    Rule(
        Cause.TOKEN_RESPONSE_UNUSABLE,
        every(at(*_TOKEN), of(Kind.UNUSABLE)),
        "{place} answered HTTP {status}, but not with an access token that can be used.",
        "Check that the address is that of a token endpoint (RFC 6749 §5.1). Now: {url}",
    ),
)

FINDINGS: tuple[Rule, ...] = (
    Rule(
        Cause.SCOPE_REFUSED,
        knowing("missing_scopes"),
        "The service granted fewer scopes than were asked for.",
        "Allow these for the app at the service, or remove them from scopes: "
        "{facts[missing_scopes]}",
    ),
    Rule(
        Cause.NO_REFRESH_TOKEN,
        every(at(Step.EXCHANGE), of(Kind.OK), knowing("refresh_token", value=False)),
        "The service gave no refresh token: users must connect again when the access token ends.",
        refresh_advice,
    ),
    Rule(
        Cause.NO_TOOLS,
        every(at(Step.TOOLS), of(Kind.OK), knowing("tools", value=0)),
        "The MCP server accepts the token, but lists no tools.",
        "Check that this account may use the server's tools, and that the scopes allow it. "
        "Now: {scopes}",
    ),
)

LAST_RESORT = Rule(
    Cause.UNKNOWN,
    lambda _: True,
    "{place} did not do what was expected, for a reason the broker does not know.",
    "Look up “{error}” in the service's documentation, and compare the server's configuration "
    "with it. Address used: {url}",
)
NOTHING_WRONG = Rule(
    Cause.UNKNOWN,
    lambda _: True,
    "Nothing failed in what was seen.",
    "If it still does not work, start the test again and look at the step that stops.",
)
