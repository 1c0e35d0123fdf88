"""What discovery proposes for a server, a client registered for it included."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from broker.clock import Clock
from broker.discovery import (
    Discoverer,
    Findings,
    Proposal,
    Registrar,
    RegistrationRefused,
    auth_method,
    propose,
)
from broker.errors import AddressBlocked, InvalidServer
from broker.model import (
    AuthType,
    ClientRegistration,
    ClientSource,
    Discovered,
    Invocation,
    Server,
    TokenRequestStyle,
)
from broker.oauth import client_metadata
from broker.oauth.client_assertion import astray
from broker.outbound import Outbound
from broker.settings import Settings
from broker.storage.registrations import RegistrationStore
from broker.vault import Vault, client_secret_place

_KEPT_BACK = 2.0


@dataclass(frozen=True, slots=True)
class Proposals:
    """Discovers servers, and registers clients for them."""

    clock: Clock
    settings: Settings
    registrations: RegistrationStore
    vault: Vault
    outbound: Outbound
    discoverer: Discoverer
    registrar: Registrar

    def by_url(self, mcp_url: str, invocation: Invocation) -> Discovered:
        """Say what a server says of itself; registers nothing. Raise InvalidServer."""
        try:
            self.outbound.check_url(mcp_url)
        except AddressBlocked as exc:
            raise InvalidServer(f"mcp_url: {exc}") from exc
        found = self.discoverer.look(mcp_url, invocation.deadline - _KEPT_BACK)
        proposal = propose(found, None, self.outbound)
        client = self._expected(found, proposal, invocation)
        return self._answer(proposal, client, found, invocation)

    def of(self, server: Server, invocation: Invocation) -> Discovered:
        """Say how a registered server could be completed, its client included.

        A client is registered at the authorization server where there is no other way, once an
        hour; the registry takes its sealed secret with the PUT that follows.
        """
        deadline = invocation.deadline - _KEPT_BACK
        found = self.discoverer.look(server.mcp_url, deadline)
        proposal = propose(found, server, self.outbound)
        client = self._expected(found, proposal, invocation)
        match client:
            case ClientSource.PRE_REGISTERED:
                _keep_client(proposal, found, server, signs=self._can_sign(found, proposal))
            case ClientSource.CLIENT_ID_METADATA_DOCUMENT:
                url = f"{invocation.base_url}/oauth/client-metadata/{server.server_id}.json"
                public = _takes_public_clients(found)
                style = TokenRequestStyle.NONE if public else TokenRequestStyle.PRIVATE_KEY_JWT
                _take_client(proposal, url, style, client)
            case ClientSource.DYNAMIC:
                client = self._registered(proposal, found, invocation)
        return self._answer(proposal, client, found, invocation)

    def _registered(
        self, proposal: Proposal, found: Findings, invocation: Invocation
    ) -> ClientSource:
        server, issuer = proposal.server, proposal.server.issuer
        if issuer is None or proposal.registration_endpoint is None:
            return ClientSource.BUILDER
        known = self.registrations.get(server.server_id, issuer, self.clock.now())
        if known is None or not known.reaches(server):
            known = self._register(proposal, found, issuer, invocation)
        if known is None:
            return ClientSource.BUILDER
        style = TokenRequestStyle(known.token_request_style)
        _take_client(proposal, known.client_id, style, ClientSource.DYNAMIC)
        proposal.server = replace(proposal.server, client_secret=known.client_secret)
        return ClientSource.DYNAMIC

    def _register(
        self, proposal: Proposal, found: Findings, issuer: str, invocation: Invocation
    ) -> ClientRegistration | None:
        server, endpoint = proposal.server, proposal.registration_endpoint or ""
        try:
            client = self.registrar.register(
                endpoint,
                self._metadata(proposal, found, invocation.base_url),
                invocation.deadline - _KEPT_BACK,
            )
        except RegistrationRefused as exc:
            found.note("registration_refused", exc.message, endpoint, fatal=True)
            return None
        if client.secret_expires:
            message = "The registered client's secret expires; discover again before it does."
            found.note("client_secret_expires", message, endpoint)
        secret = client.client_secret
        place = client_secret_place(server.server_id)
        registration = ClientRegistration(
            server.server_id,
            issuer,
            client.client_id,
            secret and self.vault.seal(place, secret),
            client.style.value,
            server.secret_places,
        )
        self.registrations.put(registration, self.clock.now())
        return registration

    def _metadata(self, proposal: Proposal, found: Findings, base_url: str) -> Mapping[str, object]:
        server = proposal.server
        methods = found.server.auth_methods if found.server else ("none",)
        last = "private_key_jwt" if self._can_sign(found, proposal) else "none"
        return client_metadata(
            f"{base_url}/callback/{server.server_id}",
            self.settings.chat_name,
            self.settings.chat_logo_url,
            auth_method(methods) or last,
            server.scopes,
            jwks_uri=f"{base_url}/oauth/jwks/{server.server_id}.json",
        )

    def _can_sign(self, found: Findings, proposal: Proposal) -> bool:
        """Say whether private_key_jwt is a way: the last one, where nothing simpler is taken."""
        if not self.settings.signing_key_id or not proposal.server.issuer:
            return False
        taken = found.server is not None and found.server.takes_our_signature
        return taken and astray(proposal.server) is None

    def _answer(
        self, proposal: Proposal, client: ClientSource, found: Findings, invocation: Invocation
    ) -> Discovered:
        if client is ClientSource.BUILDER and proposal.server.token_endpoint:
            message = _by_hand(proposal.server, invocation.base_url)
            found.note("registration_needed", message, fatal=True)
        return Discovered(
            proposal.server, proposal.sources, client, tuple(found.problems), _seen(found)
        )

    def _expected(
        self, found: Findings, proposal: Proposal, invocation: Invocation
    ) -> ClientSource:
        """Choose in MCP's order: pre-registered, metadata document, dynamic, ask the builder."""
        server = proposal.server
        if server.auth_type is AuthType.NONE:
            return ClientSource.NOT_NEEDED
        if server.client_id:
            return ClientSource.PRE_REGISTERED
        if not server.token_endpoint:
            return ClientSource.BUILDER
        about, signs = found.server, self._can_sign(found, proposal)
        documented = about and about.client_id_metadata_document_supported
        published = invocation.base_url.startswith("https:")  # as such a client id has to begin
        if documented and published and (_takes_public_clients(found) or signs):
            return ClientSource.CLIENT_ID_METADATA_DOCUMENT
        known = about is None or auth_method(about.auth_methods) or signs
        if proposal.registration_endpoint and known:
            return ClientSource.DYNAMIC
        return ClientSource.BUILDER


def _seen(found: Findings) -> Mapping[str, str]:
    """Name the authorization server as its metadata does, even where nothing is proposed."""
    about = found.server
    seen = {
        "issuer": found.issuer if about or not found.is_legacy else None,
        "authorization_endpoint": about.authorization_endpoint if about else None,
        "token_endpoint": about.token_endpoint if about else None,
    }
    return {name: url for name, url in seen.items() if url}


def _by_hand(server: Server, base_url: str) -> str:
    """Say what is left to the builder, whom nobody else can do it for."""
    uri = f" {base_url}/callback/{server.server_id}" if server.server_id else " of the server"
    return (
        f"Register a client at the service by hand, with the redirect URI{uri}, and set client_id"
        " and client_secret; without a secret, token_request_style none."
    )


def _takes_public_clients(found: Findings) -> bool:
    """Say whether a client may do without credentials; silence is taken for a yes."""
    said = found.server.token_endpoint_auth_methods_supported if found.server else None
    return said is None or "none" in said


def _keep_client(proposal: Proposal, found: Findings, known: Server, *, signs: bool) -> None:
    """Keep the builder's client; its secret may not go to a new place without being given again."""
    proposal.sources["client_id"] = ClientSource.PRE_REGISTERED.value
    methods = found.server.auth_methods if found.server else ()
    usual = proposal.server.token_request_style is TokenRequestStyle.FORM_POST
    if usual and "client_secret_basic" in methods and "client_secret_post" not in methods:
        source = found.server_url or ""
        proposal.take("token_request_style", TokenRequestStyle.FORM_BASIC, source)
    elif usual and signs and known.client_secret is None and not auth_method(methods):
        source = found.server_url or ""
        proposal.take("token_request_style", TokenRequestStyle.PRIVATE_KEY_JWT, source)
    if known.client_secret and not proposal.server.secret_places <= known.secret_places:
        message = "A URL that the client_secret is sent to is new, so it must be given again."
        found.note("client_secret_needed", message, fatal=True)


def _take_client(
    proposal: Proposal, client_id: str, style: TokenRequestStyle, client: ClientSource
) -> None:
    proposal.take("client_id", client_id, client.value)
    proposal.take("token_request_style", style, client.value)
    proposal.server = replace(proposal.server, client_secret=None)
