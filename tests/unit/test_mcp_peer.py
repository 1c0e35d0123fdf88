"""The mcp SDK's own server on loopback, as a peer for the client's tests."""

import json
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.streamable_http import EventMessage, EventStore
from mcp.shared.exceptions import MCPError
from mcp_types import (
    Completion,
    ElicitRequest,
    ElicitRequestFormParams,
    InputRequiredResult,
    JSONRPCMessage,
)

from broker.clock import Clock
from broker.mcp import Called, Era, Learned, McpClient, Target
from broker.outbound import Outbound, guarded_transport

type Message = MutableMapping[str, Any]
type Asgi = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]
MODERN_LEARNED = Learned(Era.MODERN, None, "2026-07-28")


def build() -> tuple[MCPServer[Any], list[str]]:
    """Build a server, and the list of what its tools did."""
    server = MCPServer[Any]("live")
    ran: list[str] = []

    @server.tool()
    def add(a: int, b: int) -> int:
        ran.append("add")
        return a + b

    @server.tool()
    def run_and_refuse() -> str:
        ran.append("run_and_refuse")
        raise MCPError(-32602, "evil")

    @server.tool()
    def run_and_ask() -> str:
        ran.append("run_and_ask")
        raise MCPError(-32600, "no back-channel")

    for tool in (count, hang, fail, ask, leave):
        server.add_tool(tool)
    server.add_tool(fail, name="größe und mehr")
    add_prompts_and_resources(server)
    return server, ran


def add_prompts_and_resources(server: MCPServer[Any]) -> None:
    """Give the server one of each thing that is no tool."""

    @server.prompt()
    def greet(name: str) -> str:
        return f"Greet {name}."

    @server.resource("note://first")
    def first() -> str:
        return "the first note"

    @server.resource("note://{number}/größe")
    def numbered(number: str) -> str:
        return f"note {number}"

    @server.completion()  # type: ignore[no-untyped-call]
    async def complete(ref: Any, argument: Any, context: Any) -> Completion:
        return Completion(values=[argument.value + "…"])


async def count(to: int, ctx: Context) -> str:
    for at in range(to):
        await ctx.report_progress(at, to)
    return "counted"


async def leave(ctx: Context) -> str:
    """Break the stream off, and finish when nobody listens."""
    await ctx.close_sse_stream()
    await anyio.sleep(0.05)
    return "come back"


async def hang() -> str:
    await anyio.sleep_forever()
    return "never"


def fail() -> str:
    raise RuntimeError("inside")


def ask(ctx: Context) -> str | InputRequiredResult:
    answers = ctx.input_responses or {}
    if "name" in answers:
        return f"{ctx.request_state}: {answers['name']}"
    params = ElicitRequestFormParams(
        message="Who?", requested_schema={"type": "object", "properties": {}}
    )
    return InputRequiredResult(
        input_requests={"name": ElicitRequest(params=params)}, request_state="opaque"
    )


@dataclass(frozen=True, slots=True)
class Live:
    """A server on loopback, what its tools did, and what was asked of it."""

    port: int
    ran: list[str]
    path: str = "mcp"
    asked: list[str] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return f"http://mcp.localhost:{self.port}"

    def target(self, learned: Learned | None = None) -> Target:
        url = f"{self.origin}/{self.path}"
        if learned is None:
            return Target(url, {})
        return Target(url, {}, learned.era, learned.session, learned.protocol_version)

    @contextmanager
    def client(self, clock: Clock | None = None) -> Iterator[McpClient]:
        clock, local = clock or Clock(), frozenset({self.origin})
        with guarded_transport(clock, local) as transport:
            yield McpClient(Outbound(clock, transport, local), clock)

    def call(
        self, name: str, arguments: dict[str, object], learned: Learned | None = None
    ) -> Called:
        with self.client() as client:
            return client.call_tool(self.target(learned), name, arguments, deadline=soon())


def soon(seconds: float = 60) -> float:
    return Clock().monotonic() + seconds


@contextmanager
def running(*, only_older: bool = False, http_sse: bool = False, **options: Any) -> Iterator[Live]:
    """Run the server under uvicorn in a thread."""
    server, ran = build()
    sock = socket.create_server(("127.0.0.1", 0))
    live = Live(sock.getsockname()[1], ran, "sse" if http_sse else "mcp")
    build_app = server.sse_app if http_sse else server.streamable_http_app
    app = build_app(host="mcp.localhost", **options)
    watched = watching(refusing_modern(app) if only_older else app, live.asked)
    config = uvicorn.Config(watched, log_level="critical", ws="none", lifespan="on")
    uvicorn_server = uvicorn.Server(config)
    thread = threading.Thread(target=uvicorn_server.run, kwargs={"sockets": [sock]})
    thread.start()
    try:
        yield live
    finally:
        uvicorn_server.should_exit = True
        uvicorn_server.force_exit = True
        thread.join()
        sock.close()


def watching(app: Asgi, asked: list[str]) -> Asgi:
    """Note the method of every request."""

    async def watched(scope: Message, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await app(scope, receive, send)
        first = await receive()
        body = first.get("body")
        asked.append(json.loads(body).get("method", "answer") if body else scope["method"])
        waiting = [first]

        async def replay() -> Message:
            found: Message = waiting.pop() if waiting else await receive()
            return found

        return await app(scope, replay, send)

    return watched


def refusing_modern(app: Asgi) -> Asgi:
    """Answer a 2026-07-28 request as the SDK did before it knew that version."""
    said = {
        "jsonrpc": "2.0",
        "id": "server-error",
        "error": {"code": -32600, "message": "Bad Request: Unsupported protocol version"},
    }

    async def older(scope: Message, receive: Any, send: Any) -> None:
        if (b"mcp-protocol-version", b"2026-07-28") not in scope.get("headers", ()):
            return await app(scope, receive, send)
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 400, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(said).encode()})
        return None

    return older


class Remembering(EventStore):
    """Keeps every event, so that streams can be taken up again."""

    def __init__(self) -> None:
        self.events: list[tuple[str, JSONRPCMessage | None]] = []

    async def store_event(self, stream_id: str, message: JSONRPCMessage | None) -> str:
        self.events.append((stream_id, message))
        return str(len(self.events))

    async def replay_events_after(self, last_event_id: str, send_callback: Any) -> str | None:
        stream_id, _ = self.events[int(last_event_id) - 1]
        for number, (stream, message) in enumerate(self.events[int(last_event_id) :]):
            if stream == stream_id and message is not None:
                await send_callback(EventMessage(message, str(int(last_event_id) + number + 1)))
        return stream_id
