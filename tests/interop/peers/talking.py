"""How a Python client is told what to do: a JSON object a line, on stdin and stdout.

``{"do": …}`` is answered with ``{"result": …}``, ``{"error": {code, message, data}}`` where the
server's answer is a JSON-RPC error, or ``{"failed": text}``. In between a client may say
``{"show": url}``, and goes on after one more line: what the browser came back with.
"""

import asyncio
import json
import socket
import sys
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from local.lifetime import announce

type Act = Callable[[dict[str, Any]], Awaitable[Any]]
type Session = Callable[[dict[str, Any], Callable[[Act], Awaitable[None]]], Awaitable[None]]
SURE: dict[str, Any] = {"sure": True}
"""What a person says to every form."""
RETURN = "http://127.0.0.1:9/callback"
"""Where a client that logs in by itself is sent back to; nothing need answer there."""
_resolve = socket.getaddrinfo


def _resolved(host: Any, *more: Any, **options: Any) -> Any:
    name = str(host, "ascii") if isinstance(host, bytes) else str(host)
    return _resolve("127.0.0.1" if name.endswith(".localhost") else host, *more, **options)


socket.getaddrinfo = _resolved  # RFC 6761 §6.3, which not every resolver knows


_lines: asyncio.Queue[str] = asyncio.Queue()


def _listen(loop: asyncio.AbstractEventLoop) -> None:
    while line := sys.stdin.readline():
        loop.call_soon_threadsafe(_lines.put_nowait, line)
    loop.call_soon_threadsafe(_lines.put_nowait, "")


async def hear() -> dict[str, Any] | None:
    """Return the next line; None after the last. Who is cancelled meanwhile takes no line away."""
    line = await _lines.get()
    return json.loads(line) if line else None


def tell(**said: Any) -> None:
    """Say one line."""
    print(json.dumps(said), flush=True)


async def show(url: str) -> dict[str, str]:
    """Have the user sent to a URL; return the query that the browser came back with."""
    tell(show=url)
    back = await hear()
    assert back is not None
    return dict(parse_qsl(urlsplit(back["shown"]).query))


def wire(model: Any) -> Any:
    """Return a result as it is on the wire."""
    return model.model_dump(by_alias=True, mode="json", exclude_none=True)


def fault(exc: BaseException) -> dict[str, Any]:
    """Return a JSON-RPC error, or else what went wrong."""
    while isinstance(exc, BaseExceptionGroup) and len(exc.exceptions) == 1:
        exc = exc.exceptions[0]
    error = getattr(exc, "error", None)
    if hasattr(error, "code"):
        return {"error": wire(error)}
    return {"failed": f"{type(exc).__name__}: {exc}"}


class Memory:
    """What a client of the `mcp` SDK keeps of its login."""

    def __init__(self) -> None:
        self.tokens: Any = None
        self.client: Any = None

    async def get_tokens(self) -> Any:
        """Return the tokens."""
        return self.tokens

    async def set_tokens(self, tokens: Any) -> None:
        """Keep the tokens."""
        self.tokens = tokens

    async def get_client_info(self) -> Any:
        """Return the registration."""
        return self.client

    async def set_client_info(self, client_info: Any) -> None:
        """Keep the registration."""
        self.client = client_info


@dataclass(frozen=True, slots=True)
class Kinds:
    """In what the clients differ."""

    prompt: Any
    """The type of a reference to a prompt."""
    name: str = "{}"
    """How their methods are called."""
    progress: str = "progress_callback"


async def act(client: Any, wish: dict[str, Any], kinds: Kinds) -> Any:
    """Do one thing."""

    def method(known: str) -> Any:
        return getattr(client, kinds.name.format(known))

    match wish["do"]:
        case "call":
            return wire(await method("call_tool")(wish["name"], wish["arguments"]))
        case "call_and_watch":
            heard: list[float] = []

            async def hears(progress: float, *_: Any) -> None:
                heard.append(progress)

            hearing = {kinds.progress: hears}
            done = await method("call_tool")(wish["name"], wish["arguments"], **hearing)
            return {**wire(done), "heard": heard}
        case "complete":
            ref = kinds.prompt.model_validate(wish["ref"])
            return wire(await method("complete")(ref, wish["argument"]))
        case "prompt":
            return wire(await method("get_prompt")(wish["name"], wish["arguments"]))
        case "resource":
            return wire(await client.read_resource(wish["uri"]))
        case listing:
            return wire(await method(f"list_{listing}")())


async def obey(session: Session) -> None:
    """Open one session after the other, and do what is asked in each."""
    listening = threading.Thread(target=_listen, args=(asyncio.get_running_loop(),), daemon=True)
    listening.start()
    announce(0)
    while (order := await hear()) is not None:
        if order["do"] == "close":  # of a session that broke off by itself
            tell(result={})
            continue

        async def within(act: Act) -> None:
            tell(result={})
            while (wish := await hear()) is not None and wish["do"] != "close":
                try:
                    tell(result=await act(wish))
                except Exception as exc:  # noqa: BLE001 (whatever it is, it is told)
                    tell(**fault(exc))

        try:
            await session(order, within)
        except Exception as exc:  # noqa: BLE001 (whatever it is, it is told)
            tell(**fault(exc))
        else:
            tell(result={})
