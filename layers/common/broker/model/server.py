"""A registered MCP server and everything a builder can say of it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import final
from urllib.parse import urlsplit

from .quirks import Quirks, RevocationShape
from .secret import Sealed
from .style import StyleFinding, TokenRequestStyle


class AuthType(StrEnum):
    """Whose credentials a call carries."""

    CONSUMER_OAUTH = "consumer_oauth"
    """Each user's own access token."""
    BEARER = "bearer"
    """One key shared by all users."""
    NONE = "none"


class RevocationScope(StrEnum):
    """What revoking one token ends at the service."""

    GRANT = "grant"
    """Possibly every token of this user for this client."""
    TOKEN = "token"


@final
@dataclass(frozen=True, slots=True)
class Server:
    """An MCP server as the builder registered it. URLs are absolute, lifetimes in seconds."""

    server_id: str
    name: str
    mcp_url: str
    auth_type: AuthType
    client_id: str | None = None
    client_secret: Sealed | None = None
    bearer_token: Sealed | None = None
    authorization_endpoint: str | None = None
    token_endpoint: str | None = None
    refresh_endpoint: str | None = None
    revocation_endpoint: str | None = None
    userinfo_endpoint: str | None = None
    issuer: str | None = None
    resource: str | None = None
    """Sent as ``resource`` (RFC 8707); None leaves it out, for services that refuse it."""
    authorization_response_iss_parameter_supported: bool = False
    """Every authorization response brings ``iss``; one without it is refused (RFC 9207 §2.4)."""
    scopes: tuple[str, ...] = ()
    scope_separator: str = " "
    scope_parameter: str = "scope"
    """What the authorization request calls the scopes; Slack has ``user_scope`` for a user's."""
    client_id_parameter: str = "client_id"
    """What authorization and token requests call the client id; TikTok: ``client_key``."""
    token_request_style: TokenRequestStyle = TokenRequestStyle.FORM_POST
    client_assertion_audience: str | None = None
    """``aud`` of the assertions of ``private_key_jwt``; None: the issuer."""
    pkce: bool = True
    extra_authorize_params: Mapping[str, str] = field(default_factory=dict)
    extra_token_params: Mapping[str, str] = field(default_factory=dict, repr=False)
    extra_refresh_params: Mapping[str, str] = field(default_factory=dict, repr=False)
    revocation_scope: RevocationScope = RevocationScope.GRANT
    default_expires_in: int | None = None
    refresh_idle_days: int | None = None
    reuse_grace_seconds: int | None = None
    """How long a spent refresh token may be sent once more; None: not at all, as far as known."""
    access_token_field: str | None = None
    """Where the access token lies in a token response, as a dotted path; None: where it usually is.

    The other members are read beside it.
    """
    account_field: str | None = None
    preset: str | None = None
    """The preset that filled in what the builder left out: for reference, it decides nothing."""
    token_header: str = "Authorization"
    token_scheme: str = "Bearer"
    quirks: Quirks = field(default_factory=Quirks)
    """In what else the service differs from the standards."""
    style_finding: StyleFinding | None = None
    """Learned, not configured: what ``auto`` came to; ``token_request_style`` then is what it is.

    None where the builder named a style.
    """
    incarnation: str = ""
    """Random, new when a deleted server is made again: its old connections stay void."""
    revision: int = 1
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def etag(self) -> str:
        """Return the entity tag (RFC 9110 §8.8.3): of this revision of this incarnation."""
        return f'"{self.incarnation}{self.revision}"'

    @property
    def missing(self) -> tuple[str, ...]:
        """Name the fields without which no call can be made; empty when complete."""
        if self.auth_type is AuthType.BEARER:
            return () if self.bearer_token else ("bearer_token",)
        if self.auth_type is AuthType.NONE:
            return ()
        present = {
            "client_id": self.client_id,
            "client_secret": self.client_secret or not self.token_request_style.takes_secret,
            "issuer": self.assertion_audience or not self._signs,
            "authorization_endpoint": self.authorization_endpoint,
            "token_endpoint": self.token_endpoint,
        }
        return tuple(name for name, value in present.items() if not value)

    def with_style(self, found: StyleFinding) -> "Server":
        """Return the server as it authenticates by a finding."""
        return replace(self, token_request_style=found.style, style_finding=found)

    @property
    def other_styles(self) -> tuple[TokenRequestStyle, ...]:
        """Return what to try next where this style is a guess and is refused."""
        guessed = self.style_finding is not None and not self.style_finding.proven
        return self.style_finding.candidates[1:] if guessed and self.style_finding else ()

    @property
    def assertion_audience(self) -> str | None:
        """Return whom this client's assertions are for: the issuer alone, unless configured."""
        return self.client_assertion_audience or self.issuer

    @property
    def _signs(self) -> bool:
        return self.token_request_style is TokenRequestStyle.PRIVATE_KEY_JWT

    @property
    def is_bare(self) -> bool:
        """Say whether all about OAuth was left to discovery: neither client nor endpoint is set."""
        said = (
            self.client_id,
            self.client_secret,
            self.issuer,
            self.authorization_endpoint,
            self.token_endpoint,
            self.refresh_endpoint,
            self.revocation_endpoint,
            self.userinfo_endpoint,
        )
        return self.auth_type is AuthType.CONSUMER_OAUTH and not any(said)

    @property
    def authorization_server(self) -> str:
        """Return the origin that token requests go to (RFC 6454 §4), in lower case."""
        parts = urlsplit(self.refresh_endpoint or self.token_endpoint or "")
        return f"{parts.scheme}://{parts.netloc}".lower()

    @property
    def secret_urls(self) -> frozenset[str]:
        """Return every URL that a stored secret of this server, or its users' tokens, go to.

        Whoever moves one of them must know the secret: otherwise an editor of the registry could
        have the next tokens sent to a place of their own.
        """
        return frozenset(url for url in self._secret_places.values() if url)

    @property
    def secret_places(self) -> frozenset[str]:
        """Return the same, each with what it is for: a URL in another role is another place."""
        places = {f"{role}: {url}" for role, url in self._secret_places.items() if url}
        return frozenset(places) | self.quirks.destinations

    @property
    def disclosures(self) -> frozenset[str]:
        """Return what tells tokens from what is shown of a token response.

        Whoever changes it must know the secret, too: a token taken for a name would be shown.
        """
        paths = self.quirks.token_response_fields
        said = {
            "access_token_field": self.access_token_field,
            "account_field": self.account_field,
            **{f"token_response_fields.{name}": path for name, path in paths.items()},
        }
        return frozenset(f"{name}: {field}" for name, field in said.items() if field)

    @property
    def _secret_places(self) -> Mapping[str, str | None]:
        if self.auth_type is not AuthType.CONSUMER_OAUTH:
            return {"mcp_url": self.mcp_url}
        return {
            "mcp_url": self.mcp_url,
            "token_endpoint": self.token_endpoint,
            "refresh_endpoint": self.refresh_endpoint,
            "revocation_endpoint": self.revocation_endpoint,
            "userinfo_endpoint": self.userinfo_endpoint,
        }

    @property
    def revocation_shape(self) -> RevocationShape:
        """Return how revocation requests look."""
        quirks = self.quirks
        client = self.client_id_parameter, quirks.basic_encoding
        return RevocationShape(quirks.revocation_request, *client, quirks.error_field)

    @property
    def config_digest(self) -> str:
        """Hash what decides where tokens go; not the secret, the scopes or the name.

        An empty incarnation and quirks that are not declared are left out: connections made before
        there were any stay valid. Of a URL with gaps it holds the template, and what may fill it.
        """
        decisive = [
            *filter(None, [self.incarnation]),
            self.mcp_url,
            self.authorization_endpoint,
            self.token_endpoint,
            self.refresh_endpoint,
            self.revocation_endpoint,
            self.userinfo_endpoint,
            self.issuer,
            self.client_id,
            self.resource,
            self.token_header.lower(),
            self.token_scheme,
        ]
        if quirks := self.quirks.decisive:
            decisive.append(json.dumps(quirks, sort_keys=True))
        return hashlib.sha256(json.dumps(decisive).encode()).hexdigest()
