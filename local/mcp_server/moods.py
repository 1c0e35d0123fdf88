"""What a client may meet in place of an MCP answer."""

from collections.abc import AsyncIterator

import anyio
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from .messages import Inbound
from .switches import Mood, Switches

PATIENCE_SECONDS = 60.0
DRIP_SECONDS = 0.25
PAGE = "<!doctype html><title>Maintenance</title><h1>We will be back soon.</h1>"
SSE = "text/event-stream"


def answer_in(mood: Mood, inbound: Inbound, switches: Switches) -> Response:
    """Return the answer of a mood other than ``normal``."""
    match mood:
        case "html":
            return Response(PAGE, media_type="text/html")
        case "nonsense":
            return Response(b'{"jsonrpc": "2.0", \xff', media_type="application/json")
        case "wrong_id":
            return JSONResponse({"jsonrpc": "2.0", "id": "somebody-else", "result": {}})
        case "broken_stream":
            return StreamingResponse(_comments(1), media_type=SSE)
        case "drip":
            return StreamingResponse(
                _comments(int(PATIENCE_SECONDS / DRIP_SECONDS)), media_type=SSE
            )
        case "hang":
            return Silence(inbound)
        case _:
            headers = {"Retry-After": switches.retry_after} if mood == "429" else {}
            return Response("no", int(mood), headers, media_type="text/plain")


class Silence(Response):
    """No answer until the client leaves or a minute is over."""

    def __init__(self, inbound: Inbound) -> None:
        super().__init__()
        self.inbound = inbound

    async def __call__(self, _scope: Scope, _receive: Receive, _send: Send) -> None:
        """Wait."""
        with anyio.move_on_after(PATIENCE_SECONDS):
            while (await self.inbound.request.receive())["type"] != "http.disconnect":
                pass


async def _comments(count: int) -> AsyncIterator[bytes]:
    """Send so many SSE comments, and never the response."""
    for _ in range(count):
        yield b": still here\r\n\r\n"
        await anyio.sleep(DRIP_SECONDS)
