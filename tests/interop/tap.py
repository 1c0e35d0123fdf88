"""A reverse proxy on loopback that writes down every request and every byte of its answer.

One connection carries one request, and answers are passed on as they come, streams as well. When
the client leaves, the server behind is left too.
"""

import asyncio
import contextlib
import json
import threading
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

_PIECE = 1 << 16
_NOT_YET = b"HTTP/1.1 503 Not Yet\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass(slots=True)
class Exchange:
    """One request and as much of its answer as has come; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    head: bytes = field(repr=False)
    body: bytes = field(repr=False)
    answer: bytearray = field(default_factory=bytearray, repr=False)

    @property
    def status(self) -> int:
        """The HTTP status; 0 before there is one."""
        line = bytes(self.answer[:64]).split(b" ")
        return int(line[1]) if len(line) > 2 else 0

    @property
    def message(self) -> dict[str, Any]:
        """The JSON-RPC message that was sent; empty if there is none."""
        try:
            parsed = json.loads(self.body)
        except ValueError:
            return {}
        return parsed if isinstance(parsed, dict) else {}

    @property
    def bearer(self) -> str:
        """The bearer that was sent; empty if there is none."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token if scheme.lower() == "bearer" else ""

    def __str__(self) -> str:
        what = self.message.get("method") or ("an answer" if self.body else "")
        return f"{self.method} {self.path} {what} {self.status}".replace("  ", " ")


type Door = Callable[[Exchange], Awaitable[bytes | None]]
"""Answers a request in the server's place, and closes the connection; or lets it pass."""


class Tap:
    """Bound to its port when made, so that it can be told to others; a context manager."""

    def __init__(self) -> None:
        self.target = 0
        """The port of the server behind; requests before it is set are answered with 503."""
        self.door: Door | None = None
        self.exchanges: list[Exchange] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]

    @property
    def origin(self) -> str:
        """Where it is met."""
        return f"http://127.0.0.1:{self.port}"

    def since(self, mark: int) -> list[Exchange]:
        """Return what has passed after so many exchanges."""
        return self.exchanges[mark:]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run[Seen](self, work: Coroutine[Any, Any, Seen]) -> Seen:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _stop(self) -> None:
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            exchange = await _read(reader)
            self.exchanges.append(exchange)
            said = await self.door(exchange) if self.door else None
            if said is not None or not self.target:
                await _say(exchange, writer, said or _NOT_YET)
            else:
                await self._pass_on(exchange, reader, writer)
        writer.close()

    async def _pass_on(
        self, exchange: Exchange, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        behind, ahead = await asyncio.open_connection("127.0.0.1", self.target)
        ahead.write(exchange.head + exchange.body)
        gone = asyncio.create_task(reader.read(1))
        answered = asyncio.create_task(_relay(exchange, behind, writer))
        try:
            await asyncio.wait({gone, answered}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            answered.cancel()
            ahead.close()
            await asyncio.gather(gone, answered, return_exceptions=True)


async def _relay(
    exchange: Exchange, behind: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    while piece := await behind.read(_PIECE):
        await _say(exchange, writer, piece)


async def _say(exchange: Exchange, writer: asyncio.StreamWriter, piece: bytes) -> None:
    exchange.answer += piece
    writer.write(piece)
    await writer.drain()


async def _read(reader: asyncio.StreamReader) -> Exchange:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, path, _ = first.split(" ", 2)
    pairs = [line.split(":", 1) for line in lines]
    kept = [line for line in lines if not line.lower().startswith("connection:")]
    headers = {name.strip().lower(): value.strip() for name, value in pairs}
    whole = "\r\n".join([first, *kept, "Connection: close", "", ""]).encode("latin-1")
    return Exchange(method, path, headers, whole, await _body(reader, headers))


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    """Read the body as it was sent, its chunks' frames included."""
    if "chunked" not in headers.get("transfer-encoding", "").lower():
        return await reader.readexactly(int(headers.get("content-length", "0")))
    body, size = b"", 1
    while size:
        line = await reader.readuntil(b"\r\n")
        size = int(line.partition(b";")[0], 16)
        body += line + await reader.readexactly(size + 2)
    return body
