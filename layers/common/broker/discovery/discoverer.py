"""From an MCP server's URL to the metadata of its authorization server."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from broker.clock import Clock
from broker.errors import AddressBlocked, BrokerError
from broker.mcp import Challenge, InsufficientScope, McpClient, Target
from broker.mcp.failures import Unauthorized
from broker.model import Problem, Severity
from broker.outbound import Outbound

from .documents import ResourceMetadata, ServerMetadata
from .fetching import Fetcher, NotThere, Refused
from .well_known import (
    is_for,
    is_issuer,
    origin_of,
    resource_metadata_urls,
    server_metadata_urls,
)

_ASKING = 8.0
"""Seconds for the request without credentials."""
_MOST_ISSUERS = 3


@dataclass(slots=True)
class Findings:
    """What was seen, and where; a URL beside a document says where it lay."""

    mcp_url: str
    challenge: Challenge | None = None
    """None: the server did not answer 401, or 403 for a scope."""
    is_open: bool = False
    """It listed its tools to nobody in particular."""
    resource: ResourceMetadata | None = None
    resource_url: str | None = None
    server: ServerMetadata | None = None
    server_url: str | None = None
    issuer: str | None = None
    is_legacy: bool = False
    """Nothing names an authorization server: the MCP origin is the issuer (2025-03-26)."""
    problems: list[Problem] = field(default_factory=list)

    def note(self, code: str, message: str, url: str | None = None, *, fatal: bool = False) -> None:
        """Remember a problem."""
        severity = Severity.ERROR if fatal else Severity.WARNING
        self.problems.append(Problem(code, severity, message, url))


@dataclass(frozen=True, slots=True)
class Discoverer:
    """Asks without credentials, then reads what the answer points to."""

    outbound: Outbound
    clock: Clock
    client: McpClient

    def look(self, mcp_url: str, deadline: float) -> Findings:
        """Find out what can be; never raises for what strangers answer.

        ``mcp_url`` is one that the door takes. Nothing but GET requests for metadata and one
        unauthenticated MCP request leaves.
        """
        found = Findings(mcp_url)
        self._ask(found, deadline)
        self._find_resource(found, deadline)
        if found.resource is None and found.challenge is None:
            return found
        if found.resource is None and any(p.code == "resource_mismatch" for p in found.problems):
            return found  # it says something of itself, and that is not to be believed
        for issuer in self._issuers(found):
            if self._find_server(found, issuer, deadline):
                break
        return found

    def listed_scopes(self, mcp_url: str, challenge: Challenge, deadline: float) -> tuple[str, ...]:
        """Return all that the protected resource lists (MCP, Scope Selection); none if it is mute.

        For a challenge that names no scope. Asks as `look` does, for the resource's metadata alone.
        """
        found = Findings(mcp_url, challenge)
        self._find_resource(found, deadline)
        return found.resource.scopes if found.resource else ()

    def _ask(self, found: Findings, deadline: float) -> None:
        until = min(deadline, self.clock.monotonic() + _ASKING)
        try:
            self.client.list_tools(Target(found.mcp_url, {}), deadline=until)
        except (Unauthorized, InsufficientScope) as exc:
            found.challenge = exc.challenge
        except BrokerError as exc:
            found.note("mcp_server_failed", exc.message, found.mcp_url)
        else:
            found.is_open = True

    def _find_resource(self, found: Findings, deadline: float) -> None:
        challenged = found.challenge.resource_metadata if found.challenge else None
        fetcher = Fetcher(self.outbound, self.clock)
        for url in resource_metadata_urls(found.mcp_url, challenged):
            try:
                document = fetcher.read(url, ResourceMetadata, deadline)
            except NotThere:
                continue
            except Refused as exc:
                found.note(f"resource_metadata_{exc.why}", exc.message, url)
                continue
            if not is_for(document.resource, found.mcp_url):
                message = "The metadata is about another resource, so it is not believed."
                found.note("resource_mismatch", message, url)
                continue
            found.resource, found.resource_url = document, url
            return

    def _issuers(self, found: Findings) -> tuple[str, ...]:
        named = (found.resource.authorization_servers or []) if found.resource else []
        if named:
            return tuple(dict.fromkeys(named))[:_MOST_ISSUERS]
        found.is_legacy = True
        return (origin_of(found.mcp_url),)

    def _find_server(self, found: Findings, issuer: str, deadline: float) -> bool:
        """Read an issuer's metadata; True: it is the one, and whole."""
        if not self._is_issuer(found, issuer):
            return False
        found.issuer = found.issuer or issuer
        fetcher = Fetcher(self.outbound, self.clock)
        for url in server_metadata_urls(issuer):
            try:
                document = fetcher.read(url, ServerMetadata, deadline)
            except NotThere:
                continue
            except Refused as exc:
                found.note(f"server_metadata_{exc.why}", exc.message, url)
                continue
            if not is_issuer(document.issuer, issuer):
                message = "The metadata is another issuer's, so it is not believed."
                found.note("issuer_mismatch", message, url)
                continue
            found.server, found.server_url, found.issuer = document, url, document.issuer
            return True
        return False

    def _is_issuer(self, found: Findings, issuer: str) -> bool:
        """Check the form (RFC 8414 §2): a URL of the door's kind, without query and fragment."""
        try:
            self.outbound.check_url(issuer)
        except AddressBlocked as exc:
            found.note("issuer_blocked", f"An authorization server is not asked: {exc}")
            return False
        if urlsplit(issuer).query:
            found.note("issuer_blocked", "An authorization server is named with a query.")
            return False
        return True
