"""A server of FastMCP, behind FastMCP's own door."""

import os

from fastmcp import FastMCP
from fastmcp.server.auth import RemoteAuthProvider
from fastmcp.server.auth.providers.introspection import IntrospectionTokenVerifier
from fastmcp.server.dependencies import get_access_token
from pydantic import AnyHttpUrl

from tests.interop.peers.introspection import READ
from tests.interop.peers.serving import ISSUER, RESOURCE, serve

client_id, _, client_secret = os.environ["INTROSPECTION_CLIENT"].partition(":")
verifier = IntrospectionTokenVerifier(
    introspection_url=os.environ["INTROSPECTION_URL"],
    client_id=client_id,
    client_secret=client_secret,
    audience=RESOURCE,
)
server = FastMCP(
    "Notes",
    auth=RemoteAuthProvider(
        token_verifier=verifier,
        authorization_servers=[AnyHttpUrl(ISSUER)],
        base_url=RESOURCE.removesuffix("/mcp"),
        required_scopes=[READ],
        scopes_supported=[READ],
    ),
)


@server.tool
def whoami() -> str:
    """Say whose token this is."""
    token = get_access_token()
    return str(token and token.claims.get("username"))


@server.tool
def add(first: int, second: int) -> int:
    """Add two numbers."""
    return first + second


@server.prompt
def greeting(name: str) -> str:
    """Greet somebody."""
    return f"Say hello to {name}."


@server.resource("note://today")
def today() -> str:
    """What is to be done today."""
    return "Paint the boat."


@server.resource("note://day/{day}")
def of_day(day: str) -> str:
    """What is to be done on a day."""
    return f"Nothing on {day}."


serve(server.http_app(path="/mcp"))
