"""A token endpoint that rotates and takes its time: ``POST /token/50`` answers after 50 ms.

A process of its own: ``python -m benchmarks.refresh.token_endpoint KEY CERTIFICATE``. It counts
what it refreshed, and how often a refresh token came that was not the newest of its grant.
"""

import asyncio
import json
import socket
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

import uvicorn

from local.lifetime import announce, end_with_parent

type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]

TOKEN_BYTES = 800
"""Of each token, as the cost tables take them to be."""


def refresh_token(grant: str, number: int) -> str:
    """Return the refresh token that a grant's refreshes lead to."""
    return f"{grant}.{number}.".ljust(TOKEN_BYTES, "r")


class TokenEndpoint:
    """The application, and what it remembers of each grant."""

    def __init__(self) -> None:
        self._newest: Counter[str] = Counter()
        self._told = Counter(refreshed=0, reused=0)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] != "http":
            raise NotImplementedError  # uvicorn goes on without a lifespan
        _, kind, *rest = scope["path"].split("/")
        status, told = (200, dict(self._told)) if kind == "told" else (404, {})
        if kind == "token":
            form = dict(parse_qsl(await _body(receive)))
            await asyncio.sleep(int(rest[0]) / 1000)
            status, told = self._refresh(form["refresh_token"])
        body = json.dumps(told).encode()
        headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _refresh(self, sent: str) -> tuple[int, dict[str, Any]]:
        grant, number, _ = sent.split(".")
        if int(number) != self._newest[grant]:
            self._told["reused"] += 1
            return 400, {"error": "invalid_grant"}
        self._newest[grant] += 1
        self._told["refreshed"] += 1
        return 200, {
            "access_token": f"{grant}.{number}.".ljust(TOKEN_BYTES, "a"),
            "refresh_token": refresh_token(grant, self._newest[grant]),
            "token_type": "Bearer",
            "expires_in": 3600,
            "scope": "read write",
        }


async def _body(receive: Receive) -> str:
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body.decode()


def main() -> None:
    """Serve until the parent goes."""
    key, certificate = sys.argv[1:]
    end_with_parent()
    # TCP named as the protocol: asyncio turns Nagle's 40 ms off only then.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(256)
    config = uvicorn.Config(
        TokenEndpoint(),
        lifespan="off",
        log_level="warning",
        access_log=False,
        ssl_keyfile=key,
        ssl_certfile=certificate,
    )
    announce(listener.getsockname()[1])
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
