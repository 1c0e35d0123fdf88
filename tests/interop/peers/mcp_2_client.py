"""The client of the `mcp` SDK 2.x."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx2
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientMetadata
from mcp_types import ElicitRequestURLParams, ElicitResult, PromptReference

from tests.interop.peers.talking import RETURN, SURE, Act, Kinds, Memory, act, obey, show


async def elicit(context: Any, params: Any) -> ElicitResult:
    """Show the URL, or be sure; accept."""
    if not isinstance(params, ElicitRequestURLParams):
        return ElicitResult(action="accept", content=SURE)
    await show(params.url)
    return ElicitResult(action="accept")


def login(url: str) -> OAuthClientProvider:
    """Return what logs in by itself, with the user's browser."""
    seen: dict[str, str] = {}

    async def redirect(to: str) -> None:
        seen.update(await show(to))

    async def came_back() -> AuthorizationCodeResult:
        return AuthorizationCodeResult(**seen)

    metadata = OAuthClientMetadata.model_validate({"redirect_uris": [RETURN]})
    return OAuthClientProvider(url, metadata, Memory(), redirect, came_back)


async def session(order: dict[str, Any], within: Callable[[Act], Awaitable[None]]) -> None:
    """Open a session by a bearer, or by logging in."""
    async with AsyncExitStack() as stack:
        bearer = order.get("bearer")
        options: dict[str, Any] = (
            {"headers": {"Authorization": f"Bearer {bearer}"}}
            if bearer
            else {"auth": login(order["url"])}
        )
        http = httpx2.AsyncClient(**options, timeout=40, trust_env=False)
        await stack.enter_async_context(http)
        transport = streamable_http_client(order["url"], http_client=http)
        shows = elicit if order.get("elicits") else None
        mode = order.get("mode", "auto")
        made = Client(transport, mode=mode, elicitation_callback=shows)
        client = await stack.enter_async_context(made)
        await within(lambda wish: act(client, wish, Kinds(PromptReference)))


asyncio.run(obey(session))
