"""From what was found to a server that could be registered, each value with its source."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from broker.errors import AddressBlocked
from broker.model import AuthType, Server
from broker.outbound import Outbound

from .asked import ask_users
from .discoverer import Findings
from .documents import ServerMetadata
from .proposal_values import CHALLENGE, CONFIGURED, DEFAULT, Proposal
from .well_known import origin_of

_ENDPOINTS = (
    "authorization_endpoint",
    "token_endpoint",
    "revocation_endpoint",
    "userinfo_endpoint",
)
_NEEDED = frozenset(_ENDPOINTS[:2])


def propose(found: Findings, known: Server | None, outbound: Outbound) -> Proposal:
    """Return the server as it could be registered; problems go into ``found``.

    ``known`` is the server as it is registered, if it is: what its builder said of name and
    scopes, and that ``resource`` is left out, stays. Endpoints are offered only together, and only
    where PKCE with S256 is confirmed (MCP, Authorization Code Protection); a builder may
    still set them by hand.
    """
    server = known or Server("", _host(found.mcp_url), found.mcp_url, AuthType.CONSUMER_OAUTH)
    proposal = Proposal(server, {"mcp_url": CONFIGURED, "name": CONFIGURED})
    if known is None:
        _name(proposal, found)
    if found.resource is None and found.challenge is None:
        return _without_authorization(proposal, found)
    proposal.take("auth_type", AuthType.CONSUMER_OAUTH, found.resource_url or CHALLENGE)
    endpoints = _endpoints(found, outbound)
    if endpoints is None:
        return proposal
    source = found.server_url or DEFAULT
    moved = _is_elsewhere(proposal.server, found, endpoints)
    if moved:
        found.note(
            "issuer_changed",
            "Another authorization server than the registered one is named; the client that is"
            " registered there is not used here.",
        )
        proposal.take("client_id", None, source)
    for name in _ENDPOINTS:
        proposal.take(name, endpoints.get(name), source)
    proposal.take("refresh_endpoint", None, source)
    proposal.take("issuer", found.issuer, source if found.server else DEFAULT)
    proposal.registration_endpoint = endpoints.get("registration_endpoint")
    says_iss = bool(found.server and found.server.authorization_response_iss_parameter_supported)
    proposal.take("authorization_response_iss_parameter_supported", says_iss, source)
    _resource(proposal, found, known, moved=moved)
    ask_users(proposal, found, known)
    return proposal


def _without_authorization(proposal: Proposal, found: Findings) -> Proposal:
    if found.is_open:
        proposal.take("auth_type", AuthType.NONE, found.mcp_url)
        found.note("no_authorization", "The server lists its tools without any credentials.")
    else:
        message = (
            "The server asks for no credentials and does not say who would issue some. Check"
            " mcp_url, or set the service's endpoints and client by hand."
        )
        found.note("nothing_found", message, fatal=True)
    return proposal


def _endpoints(found: Findings, outbound: Outbound) -> dict[str, str] | None:
    """Return the endpoints that may be used; None where users could not connect safely."""
    if found.server is None:
        return _default_endpoints(found)
    if not found.server.has_code_flow:
        message = (
            "The authorization server has no authorization code grant, so users cannot connect"
            " there. Ask the service for another one, or for a key (auth_type bearer)."
        )
        found.note("no_code_grant", message, found.server_url, fatal=True)
        return None
    if not found.server.has_pkce:
        message = (
            "The authorization server does not confirm PKCE with S256, so its endpoints are not"
            " offered. They can still be set by hand."
        )
        found.note("pkce_not_confirmed", message, found.server_url, fatal=True)
        return None
    endpoints = dict(_allowed(found, found.server, outbound))
    if not endpoints.keys() >= _NEEDED:
        message = (
            "The metadata names no authorization or no token endpoint that can be used. Set them by"
            " hand, as the service documents them."
        )
        found.note("endpoint_missing", message, found.server_url, fatal=True)
        return None
    hosts = {urlsplit(endpoints[name]).hostname for name in _NEEDED}
    if len(hosts) > 1:
        message = "Authorization and token endpoint lie on different hosts: look twice."
        found.note("endpoints_apart", message, found.server_url)
    return endpoints


def _default_endpoints(found: Findings) -> dict[str, str] | None:
    """Fall back as 2025-03-26 has it, where nothing describes the authorization server."""
    if not found.is_legacy or found.issuer is None:  # named, and none of them usable
        message = (
            "No metadata of the authorization server can be used. Set its endpoints by hand, as the"
            " service documents them, or use a preset."
        )
        found.note("server_metadata_missing", message, fatal=True)
        return None
    message = (
        "Nothing describes the authorization server. The default endpoints of the MCP revision"
        " 2025-03-26 are proposed; that revision obliges them to PKCE, and nothing confirms it."
    )
    found.note("default_endpoints", message, found.issuer)
    return {
        "authorization_endpoint": f"{found.issuer}/authorize",
        "token_endpoint": f"{found.issuer}/token",
        "registration_endpoint": f"{found.issuer}/register",
    }


def _allowed(
    found: Findings, document: ServerMetadata, outbound: Outbound
) -> Iterator[tuple[str, str]]:
    for name in (*_ENDPOINTS, "registration_endpoint"):
        url = getattr(document, name)
        if url is None:
            continue
        try:
            outbound.check_url(url)
        except AddressBlocked as exc:
            fatal = name in _NEEDED
            found.note("endpoint_blocked", f"{name}: {exc}", found.server_url, fatal=fatal)
        else:
            yield name, url


def _is_elsewhere(server: Server, found: Findings, endpoints: dict[str, str]) -> bool:
    """Say whether the registered client belongs to another authorization server (COAT)."""
    if server.client_id is None:
        return False
    if server.issuer is not None:
        return server.issuer != found.issuer
    if server.token_endpoint is None:
        return False
    return origin_of(server.token_endpoint) != origin_of(endpoints["token_endpoint"])


def _resource(proposal: Proposal, found: Findings, known: Server | None, *, moved: bool) -> None:
    """Bind tokens to the server (RFC 8707); a builder who has left it out is not contradicted."""
    if known and known.issuer and not moved:
        proposal.sources["resource"] = CONFIGURED
        return
    if found.resource:
        proposal.take("resource", found.resource.resource, found.resource_url or CHALLENGE)


def _name(proposal: Proposal, found: Findings) -> None:
    name = found.resource.name if found.resource else None
    if name and found.resource_url:
        proposal.take("name", name, found.resource_url)
    else:
        proposal.sources["name"] = DEFAULT


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "server")[:80]
