"""A scripted MCP server for the tests of the client: one step per request."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
import pytest

from broker.clock import Clock
from broker.mcp import (
    Called,
    Era,
    McpClient,
    Target,
)
from broker.model import Secret
from broker.outbound import Outbound

URL = "https://mcp.example.com/mcp"
CONTENT = {"content": [{"type": "text", "text": "hi"}]}
type Step = Callable[[httpx.Request], httpx.Response]


@dataclass(frozen=True, slots=True)
class StoppedClock(Clock):
    """A clock that stands still."""

    def now(self) -> datetime:
        return datetime(2027, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return 1000.0


@dataclass(frozen=True, slots=True)
class SleepingClock(StoppedClock):
    """A clock that moves when it is slept on, and notes for how long."""

    slept: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return 1000.0 + sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@dataclass(slots=True)
class Script:
    """A server that takes one step per request; one more request is a failure."""

    steps: list[Step]
    requests: list[httpx.Request] = field(default_factory=list)
    clock: SleepingClock = field(default_factory=SleepingClock)

    @property
    def slept(self) -> list[float]:
        """For how many seconds the client waited, in order."""
        return self.clock.slept

    @classmethod
    def of(cls, *steps: Step) -> "Script":
        return cls(list(steps))

    def client(self) -> McpClient:
        outbound = Outbound(self.clock, httpx.MockTransport(self._handle))
        return McpClient(outbound, self.clock)

    def call(self, target: Target | None = None, **kwargs: object) -> Called:
        called = self.client().call_tool(
            target or MODERN,
            "get",
            {"a": 1},
            deadline=1010.0,
            **kwargs,  # type: ignore[arg-type]
        )
        assert not self.steps, "fewer requests than expected"
        return called

    def fails[E: Exception](self, kind: type[E], target: Target | None = None) -> E:
        with pytest.raises(kind) as failed:
            self.call(target)
        assert not self.steps, "fewer requests than expected"
        assert "evil" not in str(failed.value)
        return failed.value

    @property
    def sent(self) -> list[str]:
        """Name what was asked, in order."""
        return [named(request) for request in self.requests]

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        assert self.steps, f"one request too many: {request.content!r}"
        return self.steps.pop(0)(request)


MODERN = Target(URL, {"Authorization": "Bearer token"}, Era.MODERN)
SESSION = Target(URL, {"Authorization": "Bearer token"}, Era.SESSIONS, Secret("s-1"), "2025-06-18")
SESSIONLESS = Target(URL, {"Authorization": "Bearer token"}, Era.SESSIONLESS, None, "2025-03-26")


def named(request: httpx.Request) -> str:
    return body(request).get("method", "answer") if request.content else request.method


def body(request: httpx.Request) -> dict[str, str]:
    read: dict[str, str] = json.loads(request.content)
    return read


def message(request: httpx.Request, **members: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": body(request)["id"], **members}


def result(
    value: object = CONTENT, status: int = 200, headers: Mapping[str, str] | None = None
) -> Step:
    return lambda request: httpx.Response(
        status, json=message(request, result=value), headers=headers
    )


def error(code: int, status: int = 200, text: str = "evil", data: object = None) -> Step:
    said = {"code": code, "message": text, "data": data}
    return lambda request: httpx.Response(status, json=message(request, error=said))


def plain(status: int, text: str | bytes = "", **headers: str) -> Step:
    return lambda _: httpx.Response(status, content=text, headers=headers)


def stream(*events: object, status: int = 200) -> Step:
    """Send events; a mapping without a method is the response."""

    def answer(request: httpx.Request) -> httpx.Response:
        said = b""
        for event in events:
            if isinstance(event, Mapping):
                said += f"data: {json.dumps({**message(request), **event})}\n\n".encode()
            else:
                said += str(event).encode()
        headers = {"Content-Type": "text/event-stream; charset=utf-8"}
        return httpx.Response(status, content=said, headers=headers)

    return answer


def broken(failure: Exception) -> Step:
    def answer(_: httpx.Request) -> httpx.Response:
        raise failure

    return answer
