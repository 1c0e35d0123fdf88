"""FastMCP's client."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from fastmcp import Client
from fastmcp.client.elicitation import ElicitResult
from fastmcp.client.transports import StreamableHttpTransport
from mcp_types import PromptReference

from tests.interop.peers.talking import SURE, Act, Kinds, act, obey, show, wire


async def elicit(message: str, kind: Any, params: Any, context: Any) -> ElicitResult:
    """Show the URL, or be sure; accept."""
    if getattr(params, "mode", None) != "url":
        return ElicitResult(action="accept", content=SURE)
    await show(params.url)
    return ElicitResult(action="accept")


async def session(order: dict[str, Any], within: Callable[[Act], Awaitable[None]]) -> None:
    """Open a session by a bearer."""
    headers = {"Authorization": f"Bearer {order['bearer']}"}
    transport = StreamableHttpTransport(order["url"], headers=headers)
    shows = elicit if order.get("elicits") else None
    async with Client(transport, elicitation_handler=shows, timeout=40) as client:
        await within(lambda wish: done(client, wish))


async def done(client: Any, wish: dict[str, Any]) -> Any:
    """Do one thing; a resource comes without its frame."""
    if wish["do"] == "resource":
        return {"contents": [wire(each) for each in await client.read_resource(wish["uri"])]}
    return await act(client, wish, Kinds(PromptReference, "{}_mcp", "progress_handler"))


asyncio.run(obey(session))
