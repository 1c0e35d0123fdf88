"""FastMCP's client."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from fastmcp import Client
from fastmcp.client.auth import OAuth
from fastmcp.client.elicitation import ElicitResult
from fastmcp.client.transports import StreamableHttpTransport
from mcp.client.auth import AuthorizationCodeResult
from mcp_types import PromptReference

from tests.interop.peers.talking import SURE, Act, Kinds, act, obey, show, wire


async def elicit(message: str, kind: Any, params: Any, context: Any) -> ElicitResult:
    """Show the URL, or be sure; accept."""
    if getattr(params, "mode", None) != "url":
        return ElicitResult(action="accept", content=SURE)
    await show(params.url)
    return ElicitResult(action="accept")


class Login(OAuth):
    """FastMCP's login, with a browser that we drive in place of the desktop's."""

    seen: dict[str, str]

    async def redirect_handler(self, authorization_url: str) -> None:
        """Send the user to the authorization server."""
        self.seen = await show(authorization_url)

    async def callback_handler(self) -> AuthorizationCodeResult:
        """Return what the browser came back with."""
        return AuthorizationCodeResult(**self.seen)


async def session(order: dict[str, Any], within: Callable[[Act], Awaitable[None]]) -> None:
    """Open a session by a bearer, or by logging in."""
    options: dict[str, Any] = (
        {"headers": {"Authorization": f"Bearer {order['bearer']}"}}
        if "bearer" in order
        else {"auth": Login()}
    )
    transport = StreamableHttpTransport(order["url"], **options)
    shows = elicit if order.get("elicits") else None
    async with Client(transport, elicitation_handler=shows, timeout=40) as client:
        await within(lambda wish: done(client, wish))


async def done(client: Any, wish: dict[str, Any]) -> Any:
    """Do one thing; a resource comes without its frame."""
    if wish["do"] == "resource":
        return {"contents": [wire(each) for each in await client.read_resource(wish["uri"])]}
    return await act(client, wish, Kinds(PromptReference, "{}_mcp", "progress_handler"))


asyncio.run(obey(session))
