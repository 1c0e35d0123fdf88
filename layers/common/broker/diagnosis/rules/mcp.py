"""What an MCP server does with the token."""

from broker.diagnosis.causes import Cause, Certainty
from broker.diagnosis.evidence import Kind, Step
from broker.diagnosis.predicates import (
    after,
    answered,
    at,
    coded,
    either,
    every,
    html,
    knowing,
    no,
    of,
)
from broker.diagnosis.rule import AT_SERVER, Candidate, Paste, Rule

_MCP = (Step.MCP, Step.TOOLS)
_TOKEN_HEADER = Candidate(
    Cause.MCP_SERVER_REFUSES_TOKEN,
    "Compare token_header and token_scheme with what the MCP server documents.",
)
_FOR_THE_MCP_SERVER = (
    "Have the token issued for the MCP server: set resource (or the service's audience "
    "parameter, in extra_authorize_params) to what the MCP server expects, for many its own "
    "URL: {mcp_url} Now: {resource}"
)
_RESOURCE = Paste(AT_SERVER, "resource", "{mcp_url}")

MCP_SERVER: tuple[Rule, ...] = (
    Rule(
        Cause.SHARED_KEY_REFUSED,
        every(at(*_MCP), coded("server_misconfigured")),
        "The MCP server does not accept the key that all users share.",
        "It answers 401 to bearer_token.",
        "Make a new key at the MCP server, and PUT it as bearer_token.",
    ),
    Rule(
        Cause.WRONG_AUDIENCE,
        every(
            at(*_MCP),
            either(answered(401), coded("invalid_token")),
            either(knowing("userinfo_accepts", value=True), after(Step.ACCOUNT)),
        ),
        "The access token is good at the service, but not at the MCP server: another audience.",
        "The userinfo endpoint takes the very token that the MCP server refuses (HTTP {status}).",
        _FOR_THE_MCP_SERVER,
        sure=Certainty.LIKELY,
        paste=_RESOURCE,
        candidates=(
            _TOKEN_HEADER,
            Candidate(
                Cause.WRONG_ENVIRONMENT,
                "See which authorization server the MCP server trusts (POST /v1/discover): it may "
                "be another environment's.",
            ),
        ),
    ),
    Rule(
        Cause.WRONG_AUDIENCE,
        every(
            at(*_MCP),
            either(answered(401), coded("invalid_token")),
            knowing("token_audience"),
        ),
        "The access token is not made for the MCP server, but for another audience.",
        "The token is a JWT, and says itself that it is for {facts[token_audience]}.",
        _FOR_THE_MCP_SERVER,
        sure=Certainty.LIKELY,
        paste=_RESOURCE,
        candidates=(
            Candidate(
                Cause.MCP_SERVER_REFUSES_TOKEN,
                "If the MCP server documents that audience, look in its log why it refuses it.",
            ),
        ),
    ),
    Rule(
        Cause.MCP_SERVER_REFUSES_TOKEN,
        every(at(*_MCP), either(answered(401, 403), coded("invalid_token"))),
        "The MCP server does not accept the access token (HTTP {status}).",
        "The token is fresh from the token endpoint, and nobody else was asked about it.",
        "The token is probably made for another audience. Set resource (or the service's audience "
        "parameter) to what the MCP server expects, for many its own URL: {url} Now: {resource}",
        sure=Certainty.POSSIBLE,
        paste=_RESOURCE,
        candidates=(
            Candidate(
                Cause.WRONG_AUDIENCE,
                "Set userinfo_endpoint and test again: the token may be taken there.",
            ),
            Candidate(
                Cause.MCP_SCOPE_MISSING,
                "Look in the MCP server's log whether it misses a scope or a permission.",
            ),
        ),
    ),
    Rule(
        Cause.ERA_NOT_SUPPORTED,
        every(at(*_MCP), either(knowing("reason", value="protocol_version"), coded("rpc_32022"))),
        "The MCP server and the broker have no protocol version in common.",
        "The server was offered 2026-07-28 and, with a handshake, 2025-11-25, and answered with "
        "another one.",
        "Upgrade the MCP server to one of 2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25 or "
        "2026-07-28.",
    ),
    Rule(
        Cause.ENDPOINT_REDIRECTS,
        every(at(*_MCP), answered(301, 302, 303, 307, 308)),
        "The MCP server answers with a redirect, which the broker does not follow.",
        "Its answer is HTTP {status}; a token must not go along to another address.",
        "Set mcp_url to the final address. Often a slash at the end is missing, or one too many. "
        "Now: {url}",
        candidates=(Candidate(Cause.MCP_URL_WRONG, "Ask with curl -I where it points to: {url}"),),
    ),
    Rule(
        Cause.MCP_URL_WRONG,
        every(at(*_MCP), answered(404, 405, 410, 501)),
        "There is no MCP endpoint at mcp_url (HTTP {status}).",
        "A server answers there, and knows no such path, or takes no POST.",
        "Set mcp_url to the whole URL of the MCP endpoint, path included (many end in /mcp). "
        "Now: {url}",
        candidates=(
            Candidate(
                Cause.MCP_SERVER_REFUSES_TOKEN,
                "Some servers hide behind 404 what an account may not see: try another account.",
            ),
        ),
    ),
    Rule(
        Cause.MCP_SERVER_UNREACHABLE,
        every(at(*_MCP), of(Kind.NOT_SENT, Kind.NO_ANSWER), no(html)),
        "The MCP server does not answer.",
        "No connection came about, or no whole answer in time.",
        "Check that mcp_url is right, and that the server runs and is reachable from the internet "
        "over https. Now: {url}",
    ),
)

MCP_LAST: tuple[Rule, ...] = (
    Rule(
        Cause.MCP_SERVER_ERROR,
        at(*_MCP),
        "The MCP server gave no usable answer (HTTP {status}).",
        "It answered, and neither with tools nor with a refusal that is known.",
        "Look into the MCP server's own log for this call, and check that mcp_url is its MCP "
        "endpoint. Now: {url}",
        sure=Certainty.LIKELY,
        candidates=(
            Candidate(Cause.MCP_URL_WRONG, "Compare mcp_url with the server's documentation."),
        ),
    ),
)
