"""Addresses: who is not there, who is somebody else, and who does not answer."""

from broker.diagnosis.causes import Cause, Certainty
from broker.diagnosis.configured import Configured
from broker.diagnosis.evidence import Evidence, Kind, Step
from broker.diagnosis.predicates import (
    answered,
    at,
    coded,
    either,
    every,
    failed,
    html,
    knowing,
    no,
    of,
    skewed,
)
from broker.diagnosis.rule import AT_SERVER, Candidate, Paste, Rule
from broker.diagnosis.scrub import HIDDEN

_TOKEN = (Step.EXCHANGE, Step.REFRESH)
_ENDPOINTS = (
    Step.AUTHORIZATION,
    Step.EXCHANGE,
    Step.REFRESH,
    Step.REVOCATION,
    Step.ACCOUNT,
    Step.METADATA,
)


def _as_published(evidence: Evidence, _: Configured) -> Paste | None:
    """Return the published value where it is one, and whole."""
    member, theirs = str(evidence.facts.get("member")), str(evidence.facts.get("theirs", HIDDEN))
    several = member == "token_request_style" and " or " in theirs
    return None if several or HIDDEN in theirs else Paste(AT_SERVER, member, theirs)


ADDRESS: tuple[Rule, ...] = (
    Rule(
        Cause.BLOCKED_ADDRESS,
        of(Kind.BLOCKED),
        "The broker does not talk to the address of {place}.",
        "It is no https URL with a public name, or the name leads into a private network.",
        "Configure a public https URL with a DNS name: no IP address, no private or local "
        "network, no user name in it. Now: {url}",
    ),
    Rule(
        Cause.ENDPOINTS_SWAPPED,
        knowing("swapped", value=True),
        "The authorization endpoint and the token endpoint are swapped.",
        "The first does not take a browser's GET request, as a token endpoint does not, and the "
        "second answers a token request with a web page.",
        "Swap them: authorization_endpoint is where the browser logs in, token_endpoint is what "
        "the broker posts to. Now authorization_endpoint: {authorization_endpoint} Now "
        "token_endpoint: {token_endpoint}",
        paste=Paste(AT_SERVER, "authorization_endpoint", "{token_endpoint}"),
    ),
    Rule(
        Cause.NAME_UNKNOWN,
        knowing("obstacle", value="name"),
        "The host name of {place} does not exist, or does not resolve in time.",
        "The name service has no address for it.",
        "Check the spelling of the host, and that it is a public name. Now: {url}",
    ),
    Rule(
        Cause.TLS_FAILURE,
        knowing("obstacle", value="tls"),
        "No secure connection to {place} comes about.",
        "{description}",
        "Serve it with a certificate of a public authority that names this host, has not expired, "
        "and comes with its chain; TLS 1.2 or later. Now: {url}",
    ),
)

WRONG_PLACE: tuple[Rule, ...] = (
    Rule(
        Cause.ENDPOINT_REDIRECTS,
        knowing("redirects_to"),
        "{place} answers with a redirect, which the broker does not follow.",
        "Its answer is HTTP {status} with a Location.",
        "Configure the final address. Now: {url} It points to: {facts[redirects_to]}",
    ),
    Rule(
        Cause.WRONG_ENVIRONMENT,
        every(at(Step.EXCHANGE), coded("oauth_authorization_url_mismatch")),
        "The authorization endpoint and the token endpoint are of different versions of OAuth.",
        "Slack says so: the consent began at another version's address.",
        "Use both addresses of one version: https://slack.com/oauth/v2/authorize goes with "
        "https://slack.com/api/oauth.v2.access. Now: {authorization_endpoint} and {token_endpoint}",
    ),
    Rule(
        Cause.REVOCATION_UNSUPPORTED,
        every(at(Step.REVOCATION), coded("unsupported_token_type")),
        "The service does not revoke this kind of token.",
        "It answers unsupported_token_type (RFC 7009 §2.2.1).",
        "Remove revocation_endpoint, if the service documents no other way: tokens are then erased "
        "here, and end at the service when their time is over.",
        paste=Paste(AT_SERVER, "revocation_endpoint", "null"),
    ),
    Rule(
        Cause.ENDPOINT_NOT_FOUND,
        every(at(*_ENDPOINTS), answered(404, 405, 410, 501), no(of(Kind.REFUSED))),
        "{place} is not at that address (HTTP {status}).",
        "A server answers there, and knows no such path, or not this method.",
        "Copy the URL from the service's documentation again; look at version numbers, tenant ids "
        "and a slash at the end. Now: {url}",
    ),
)

NOT_USABLE: tuple[Rule, ...] = (
    Rule(
        Cause.HTML_INSTEAD_OF_JSON,
        every(html, no(failed)),
        "{place} answered with a web page instead of JSON (HTTP {status}).",
        "The body is HTML.",
        "Check the address: it must be the endpoint itself, not a login or documentation page, and "
        "no firewall may stand in front of it. Now: {url}",
        candidates=(
            Candidate(
                Cause.ENDPOINTS_SWAPPED,
                "Compare authorization_endpoint and token_endpoint with the documentation.",
            ),
        ),
    ),
    Rule(
        Cause.USERINFO_REFUSED,
        every(at(Step.ACCOUNT), of(Kind.REFUSED, Kind.UNUSABLE)),
        "The userinfo endpoint does not name the account (HTTP {status}).",
        "It was asked with the new access token, and gave no JSON object.",
        "Connections work without a name. To have one, add the scope that the endpoint wants (for "
        "many openid, email or profile), or remove userinfo_endpoint. Now: {url}",
        sure=Certainty.LIKELY,
        candidates=(
            Candidate(Cause.SCOPE_NOT_GRANTED, "See whether a scope for the profile was granted."),
            Candidate(
                Cause.ENDPOINT_NOT_FOUND, "Compare userinfo_endpoint with the documentation: {url}"
            ),
        ),
    ),
    Rule(
        Cause.AUTHORIZATION_SERVER_UNREACHABLE,
        either(
            of(Kind.NOT_SENT, Kind.NO_ANSWER),
            failed,
            # ServiceNow's server_error with 401 is a no, not an outage.
            every(coded("temporarily_unavailable", "server_error"), no(answered(401, 403))),
        ),
        "{place} does not answer, or is not working just now (HTTP {status}).",
        "No whole answer came, or one of a server's own failure.",
        "Check the address, then start the test again in a few minutes. Now: {url}",
    ),
    Rule(
        Cause.CLOCK_SKEW,
        skewed,
        "The clocks of the broker and of {place} are {facts[clock_skew_seconds]} seconds apart.",
        "Its answer is dated so.",
        "Set the clock of the machine that is wrong; on AWS the broker's follows Amazon's time.",
        sure=Certainty.LIKELY,
    ),
    Rule(
        Cause.METADATA_DISAGREES,
        at(Step.METADATA),
        "The service's metadata says something else than the configuration ({facts[member]}).",
        "It was read from where the issuer publishes it (RFC 8414, OpenID Connect Discovery).",
        "Set it as the metadata says, unless the service documents otherwise. Metadata: "
        "{facts[theirs]} Configured: {facts[ours]}",
        sure=Certainty.LIKELY,
        paste=_as_published,
    ),
    Rule(
        Cause.TOKEN_RESPONSE_UNUSABLE,
        every(at(*_TOKEN), of(Kind.UNUSABLE)),
        "{place} answered HTTP {status}, but not with an access token that can be used.",
        "The answer is no error, and holds no token where one is looked for: {facts[unusable]}.",
        "Check that the address is that of a token endpoint (RFC 6749 §5.1), and set "
        "access_token_field if the service puts the token elsewhere. Now: {url}",
        sure=Certainty.LIKELY,
        candidates=(
            Candidate(
                Cause.ENDPOINT_NOT_FOUND,
                "Compare the URL with the service's documentation; it may be another endpoint's.",
            ),
        ),
    ),
)
