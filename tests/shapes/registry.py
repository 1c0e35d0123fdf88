"""The servers of the shapes: one that its builder configured, one that its first use completed."""

from dataclasses import replace
from datetime import UTC, datetime

from broker.model import AuthType, Found, Problem, Secret, Server, Severity
from broker.vault import Vault, client_secret_place

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)

BARE = Server(
    "harbor",
    "Harbor",
    "https://harbor.example.com/mcp",
    AuthType.CONSUMER_OAUTH,
    incarnation="first",
)
"""Of this one nothing but its URL is registered."""


def crm(vault: Vault) -> Server:
    """Return a server with everything that its builder may say of it."""
    return Server(
        "crm",
        "CRM",
        "https://mcp.example.com/mcp",
        AuthType.CONSUMER_OAUTH,
        client_id="client-1",
        client_secret=vault.seal(client_secret_place("crm"), Secret("canary-secret")),
        authorization_endpoint="https://login.example.com/authorize",
        token_endpoint="https://login.example.com/token",
        revocation_endpoint="https://login.example.com/revoke",
        scopes=("read", "write"),
        extra_authorize_params={"prompt": "consent"},
        incarnation="first",
        created_at=NOW,
        updated_at=NOW,
    )


def found(vault: Vault) -> Found:
    """Return what the first use of the other one found."""
    complete = replace(
        BARE,
        client_id="registered-1",
        client_secret=vault.seal(client_secret_place("harbor"), Secret("canary-registered")),
        issuer="https://login.example.com",
        authorization_endpoint="https://login.example.com/authorize",
        token_endpoint="https://login.example.com/token",
        resource=BARE.mcp_url,
        scopes=("read",),
    )
    problem = Problem("endpoints_apart", Severity.WARNING, "They lie apart.", BARE.mcp_url)
    return Found(complete, (problem,), NOW)
