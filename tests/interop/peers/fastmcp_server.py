"""A server of FastMCP, behind FastMCP's own door."""

import os
from typing import Annotated, Any

from fastmcp import FastMCP
from fastmcp.server.auth import RemoteAuthProvider
from fastmcp.server.auth.providers.introspection import IntrospectionTokenVerifier
from fastmcp.server.dependencies import get_access_token
from pydantic import AnyHttpUrl, Field

from tests.interop.peers.introspection import READ
from tests.interop.peers.serving import ISSUER, RESOURCE, serve

NAMES = ["Ada", "Ari", "Bea"]

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


@server.tool
def day_in(region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})]) -> str:
    """Say what is to be done in a region, whose name a header mirrors."""
    return f"Nothing in {region}."


@server.completion
async def complete(ref: Any, argument: Any, context: Any) -> list[str]:
    """Complete a name."""
    return [name for name in NAMES if name.startswith(argument.value)]


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
