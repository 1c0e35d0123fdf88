"""What the builder configured, as far as a fix quotes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .evidence import Evidence, Step

type Words = Mapping[str, object]

_NAMES = {
    Step.AUTHORIZATION: "the authorization endpoint",
    Step.EXCHANGE: "the token endpoint",
    Step.REFRESH: "the token endpoint",
    Step.REVOCATION: "the revocation endpoint",
    Step.METADATA: "the metadata of the authorization server",
    Step.ACCOUNT: "the userinfo endpoint",
    Step.MCP: "the MCP server",
    Step.TOOLS: "the MCP server",
}


@dataclass(frozen=True, slots=True)
class Configured:
    """Fields of the server under test; all but the redirect URI may be unknown."""

    redirect_uri: str
    authorization_endpoint: str | None = None
    token_endpoint: str | None = None
    refresh_endpoint: str | None = None
    revocation_endpoint: str | None = None
    userinfo_endpoint: str | None = None
    mcp_url: str | None = None
    issuer: str | None = None
    resource: str | None = None
    scopes: tuple[str, ...] = ()
    token_request_style: str | None = None
    pkce: bool | None = None
    client_id: str | None = None
    extra_authorize_params: Mapping[str, str] = field(default_factory=dict)

    @property
    def documents_itself(self) -> bool:
        """Say whether the client id is the URL of a client id metadata document."""
        return (self.client_id or "").startswith("https://")

    def words(self, evidence: Evidence) -> Words:
        """Return what the texts of a rule may quote; ``url`` is the address of this step."""
        return {
            "redirect_uri": self.redirect_uri,
            "place": _NAMES[evidence.step],
            "url": _bare(self._url(evidence.step)),
            "issuer": self.issuer or "(none)",
            "resource": self.resource or "(none)",
            "scopes": " ".join(self.scopes) or "(none)",
            "style": self.token_request_style or "(not configured)",
            "authorization_endpoint": _bare(self.authorization_endpoint),
            "token_endpoint": _bare(self.token_endpoint),
            "mcp_url": _bare(self.mcp_url),
            "status": evidence.status or "no status",
            "error": evidence.error or "no error code",
            "description": evidence.description or "Nothing was said about why.",
            "facts": _Facts(evidence.facts),
        }

    def _url(self, step: Step) -> str | None:
        match step:
            case Step.AUTHORIZATION:
                return self.authorization_endpoint
            case Step.EXCHANGE:
                return self.token_endpoint
            case Step.REFRESH:
                return self.refresh_endpoint or self.token_endpoint
            case Step.REVOCATION:
                return self.revocation_endpoint
            case Step.ACCOUNT:
                return self.userinfo_endpoint
            case Step.MCP | Step.TOOLS:
                return self.mcp_url
            case Step.METADATA:
                return self.issuer


def _bare(url: str | None) -> str:
    """Return a URL without its query, which may hold a key of the builder's."""
    address, mark, _ = (url or "(not configured)").partition("?")
    return f"{address}{mark and '?…'}"


class _Facts(dict[str, object]):
    """A text may quote a fact that is not there."""

    def __missing__(self, key: str) -> str:
        return "(unknown)"
