"""What is published about the authorization server, held against what its builder typed."""

from collections.abc import Iterator
from dataclasses import dataclass

from broker.clock import Clock
from broker.diagnosis import Evidence, Kind, Step, scrub
from broker.discovery import (
    Fetcher,
    NotThere,
    Refused,
    ResourceMetadata,
    ServerMetadata,
    is_for,
    is_issuer,
    resource_metadata_urls,
    server_metadata_urls,
)
from broker.mcp import Challenge
from broker.model import CheckOutcome, Server, TokenRequestStyle
from broker.outbound import Outbound

from .bench import Bench

RESOURCE, METADATA = "protected_resource_metadata", "authorization_server_metadata"
SCOPES = "scopes"
_ENDPOINTS = (
    "authorization_endpoint",
    "token_endpoint",
    "revocation_endpoint",
    "userinfo_endpoint",
)
_METHODS = {
    TokenRequestStyle.FORM_POST: "client_secret_post",
    TokenRequestStyle.JSON_POST: "client_secret_post",
    TokenRequestStyle.FORM_BASIC: "client_secret_basic",
    TokenRequestStyle.JSON_BASIC: "client_secret_basic",
    TokenRequestStyle.NONE: "none",
    TokenRequestStyle.PRIVATE_KEY_JWT: "private_key_jwt",
}


@dataclass(frozen=True, slots=True)
class Metadata:
    """Reads RFC 9728 and RFC 8414 documents; a stranger's word, which changes nothing here."""

    outbound: Outbound
    clock: Clock

    def look(self, bench: Bench, challenge: Challenge | None) -> None:
        """Check both documents, as far as they are there."""
        resource = self._resource(bench, challenge)
        named = (resource.authorization_servers or []) if resource else []
        issuer = bench.server.issuer or next(iter(named), None)
        if named and bench.server.issuer and not _names(named, bench.server.issuer):
            _differs(bench, RESOURCE, "issuer", " ".join(named[:3]), bench.server.issuer)
        if issuer is None:
            bench.unknown(METADATA, "No issuer is configured, and the MCP server names none.")
        elif not bench.not_asked(METADATA):
            self._server(bench, issuer)

    def _resource(self, bench: Bench, challenge: Challenge | None) -> ResourceMetadata | None:
        challenged = challenge.resource_metadata if challenge else None
        fetcher = Fetcher(self.outbound, self.clock)
        for url in resource_metadata_urls(bench.server.mcp_url, challenged):
            if bench.not_asked(RESOURCE):
                return None
            try:
                document = fetcher.read(url, ResourceMetadata, bench.until)
            except NotThere:
                continue
            except Refused as exc:
                bench.warning(RESOURCE, f"Its document is not taken. {exc.message}")
                return None
            return self._of_this_server(bench, document)
        bench.unknown(RESOURCE, "The MCP server publishes none (RFC 9728).")
        return None

    def _of_this_server(self, bench: Bench, found: ResourceMetadata) -> ResourceMetadata | None:
        server = bench.server
        if not is_for(found.resource, server.mcp_url):
            bench.warning(RESOURCE, "Its document is about another resource.")
            return None
        if server.resource is None or found.resource.rstrip("/") != server.resource.rstrip("/"):
            _differs(bench, RESOURCE, "resource", found.resource, server.resource)
        else:
            bench.ok(RESOURCE, "It names the resource that is configured.")
        return found

    def _server(self, bench: Bench, issuer: str) -> None:
        fetcher = Fetcher(self.outbound, self.clock)
        for url in server_metadata_urls(issuer):
            if bench.not_asked(METADATA):
                return
            try:
                document = fetcher.read(url, ServerMetadata, bench.until)
            except NotThere:
                continue
            except Refused as exc:
                bench.warning(METADATA, f"Its document is not taken. {exc.message}")
                return
            self._compared(bench, document, issuer)
            return
        bench.unknown(METADATA, "The issuer publishes none where it is looked for (RFC 8414).")

    def _compared(self, bench: Bench, found: ServerMetadata, issuer: str) -> None:
        if not is_issuer(found.issuer, issuer):
            facts = {"received_issuer": found.issuer}
            seen = Evidence(Step.METADATA, Kind.REFUSED, error="issuer_mismatch", facts=facts)
            bench.diagnosed(METADATA, seen)
            return
        differences = list(_differences(bench.server, found))
        for member, theirs, ours in differences:
            _differs(bench, METADATA, member, theirs, ours)
        if not differences:
            bench.ok(METADATA, "It agrees with the configuration.")
        unlisted = [scope for scope in bench.server.scopes if scope not in found.scopes]
        if found.scopes and unlisted:
            said = f"The metadata does not list {' '.join(unlisted)}, which it need not (RFC 8414)."
            bench.unknown(SCOPES, scrub(said))


def _names(named: list[str], issuer: str) -> bool:
    return any(is_issuer(one, issuer) for one in named)


def _differences(server: Server, found: ServerMetadata) -> Iterator[tuple[str, str, str | None]]:
    """Yield member, what the metadata says, and what is configured, where they disagree."""
    for name in _ENDPOINTS:
        theirs, ours = getattr(found, name), getattr(server, name)
        if theirs and ours and theirs != ours:
            yield name, theirs, ours
    if found.code_challenge_methods_supported is not None and found.has_pkce != server.pkce:
        yield "pkce", str(found.has_pkce).lower(), str(server.pkce).lower()
    auto = server.style_finding is not None  # what the service takes was asked, or will be
    method = None if auto else _METHODS.get(server.token_request_style)
    if method and method not in found.auth_methods:
        styles = [style.value for style, name in _METHODS.items() if name in found.auth_methods]
        style = server.token_request_style.value
        yield "token_request_style", " or ".join(styles) or "(another one)", style


def _differs(bench: Bench, name: str, member: str, theirs: str, ours: str | None) -> None:
    facts = {"member": member, "theirs": theirs, "ours": ours or "(none)"}
    described = f"{member}: {theirs} is published, {ours or 'nothing'} is configured."
    seen = Evidence(Step.METADATA, Kind.REFUSED, description=described, facts=facts)
    bench.diagnosed(name, seen, CheckOutcome.WARNING)
