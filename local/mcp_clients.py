"""The `mcp` SDK's own client at the MCP endpoint, as a model vendor's connector uses it."""

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import httpx2
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import ElicitRequestURLParams, ElicitResult, ErrorData

type Act[Seen] = Callable[[Client], Awaitable[Seen]]
type Show = Callable[[str], None]
"""Shows the user a URL, and returns when the browser has been there."""


def with_client[Seen](
    url: str, bearer: str, act: Act[Seen], *, mode: str = "auto", show: Show | None = None
) -> Seen:
    """Connect, act and leave; `show` is declared as url elicitation, if there is one."""

    async def elicit(context: Any, params: Any) -> ElicitResult | ErrorData:  # noqa: ARG001 - the SDK passes it
        if show is None or not isinstance(params, ElicitRequestURLParams):
            return ElicitResult(action="decline")
        await anyio.to_thread.run_sync(show, params.url)
        return ElicitResult(action="accept")

    async def run() -> Seen:
        headers = {"Authorization": f"Bearer {bearer}"}
        async with httpx2.AsyncClient(headers=headers, timeout=40, trust_env=False) as http:
            transport = streamable_http_client(url, http_client=http)
            elicits = elicit if show else None
            async with Client(transport, mode=mode, elicitation_callback=elicits) as client:
                return await act(client)

    return anyio.run(run)
