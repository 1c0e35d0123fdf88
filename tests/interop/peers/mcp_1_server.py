"""A server of the `mcp` SDK 1.x behind the SDK's own door: stateful, stateless or HTTP+SSE."""

import asyncio
import sys
from typing import Any

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.fastmcp import FastMCP
from mcp.types import Completion
from pydantic import AnyHttpUrl

from tests.interop.peers.introspection import READ, introspect
from tests.interop.peers.serving import ISSUER, RESOURCE, serve

FORM = sys.argv[1]
NAMES = ["Ada", "Ari", "Bea"]


class Verifier:
    """Asks the authorization server."""

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return what a token stands for."""
        about = await asyncio.to_thread(introspect, token)
        if about is None:
            return None
        return AccessToken(
            token=token,
            client_id=about["client_id"],
            scopes=about.get("scope", "").split(),
            resource=about.get("aud"),
            subject=about["sub"],
            claims={"username": about["username"]},
        )


server = FastMCP(
    "Notes",
    log_level="ERROR",
    stateless_http=FORM == "stateless",
    token_verifier=Verifier(),
    auth=AuthSettings(
        issuer_url=AnyHttpUrl(ISSUER),
        resource_server_url=AnyHttpUrl(RESOURCE),
        required_scopes=[READ],
    ),
)


@server.tool()
def whoami() -> str:
    """Say whose token this is."""
    token = get_access_token()
    return str(((token and token.claims) or {}).get("username"))


@server.tool()
def add(first: int, second: int) -> int:
    """Add two numbers."""
    return first + second


@server.completion()
async def complete(ref: Any, argument: Any, context: Any) -> Completion:
    """Complete a name."""
    return Completion(values=[name for name in NAMES if name.startswith(argument.value)])


@server.prompt()
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


serve(server.sse_app() if FORM == "sse" else server.streamable_http_app())
