"""What an MCP server says of its own authorization, from its URL alone (MCP, Authorization).

The 401's challenge, protected resource metadata (RFC 9728), authorization server metadata (RFC
8414, OpenID Connect Discovery), and the registration of a client (RFC 7591). Everything read here
is a stranger's word: it is fetched through the door out, bounded, checked for shape, and becomes
a *proposal* to the builder, never a server's configuration by itself.
"""

from .discoverer import Discoverer, Findings
from .documents import ResourceMetadata, ServerMetadata
from .fetching import Fetcher, NotThere, Refused
from .proposal import propose
from .proposal_values import Proposal
from .registration import Registrar, RegistrationRefused, auth_method
from .well_known import is_for, is_issuer, resource_metadata_urls, server_metadata_urls

__all__ = [
    "Discoverer",
    "Fetcher",
    "Findings",
    "NotThere",
    "Proposal",
    "Refused",
    "Registrar",
    "RegistrationRefused",
    "ResourceMetadata",
    "ServerMetadata",
    "auth_method",
    "is_for",
    "is_issuer",
    "propose",
    "resource_metadata_urls",
    "server_metadata_urls",
]
