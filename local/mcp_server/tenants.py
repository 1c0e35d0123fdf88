"""One MCP server per path prefix, made when it is first asked for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
from anyio.abc import TaskGroup, TaskStatus
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver import MCPServer
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings

from local.browser_names import MACHINE_NAMES

from .switches import Mood, Switches
from .tools import NEEDS, add_tools

HOSTS = [
    *("127.0.0.1", "localhost", "mcp.localhost"),
    *MACHINE_NAMES,  # as containers call this machine
]
"""The names this server answers to; any other is a DNS rebinding."""


@dataclass(slots=True)
class Tenant:
    """A server with its sessions, switches and log."""

    name: str
    stateless: bool
    switches: Switches = field(default_factory=Switches)
    requests: list[dict[str, Any]] = field(default_factory=list)
    sessions: set[str] = field(default_factory=set)
    forgotten: set[str] = field(default_factory=set)
    manager: StreamableHTTPSessionManager = field(init=False)

    def __post_init__(self) -> None:
        server = MCPServer(
            f"Address book of {self.name}", log_level="ERROR", middleware=[self._lists]
        )
        add_tools(server)
        server.streamable_http_app(
            stateless_http=self.stateless,
            transport_security=TransportSecuritySettings(
                allowed_hosts=[f"{host}:*" for host in HOSTS],
                allowed_origins=[f"http://{host}:*" for host in HOSTS],
            ),
        )
        self.manager = server.session_manager

    async def _lists(self, ctx: ServerRequestContext[Any], call_next: CallNext) -> HandlerResult:
        """Show the tool list as the switches say."""
        result = await call_next(ctx)
        if ctx.method != "tools/list" or not isinstance(result, dict):
            return result
        tools = [tool for tool in result["tools"] if self._shows(tool["name"])]
        cache = {"ttlMs": self.switches.tools_ttl_ms, "cacheScope": self.switches.tools_cache_scope}
        return result | {"tools": tools} | (cache if "ttlMs" in result else {})

    def _shows(self, tool: str) -> bool:
        if self.switches.empty_tools:
            return False
        token = get_access_token()
        needed = NEEDS.get(tool) if self.switches.tools_by_scope else None
        return needed is None or (token is not None and needed in token.scopes)

    def flip(self, switches: Switches) -> None:
        """Take new switches."""
        self.switches = switches
        self.manager.json_response = switches.answer_form == "json"

    def take_mood(self, method: str | None) -> Mood:
        """Return the mood for this request, and count it."""
        switches = self.switches
        if switches.mood_methods and method not in switches.mood_methods:
            return "normal"
        if switches.mood != "normal" and switches.mood_count is not None:
            rest = {"mood_count": switches.mood_count - 1}
            over: dict[str, Any] = {"mood": "normal", "mood_count": None}
            self.switches = switches.model_copy(update=rest if switches.mood_count > 1 else over)
        return switches.mood

    def forget_sessions(self) -> int:
        """Lose every open session, as a server that restarts; return how many."""
        count = len(self.sessions)
        self.forgotten |= self.sessions
        self.sessions.clear()
        return count

    async def serve(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Keep the SDK's session manager running."""
        async with self.manager.run():
            task_status.started()
            await anyio.sleep_forever()


@dataclass(slots=True)
class Tenants:
    """All tenants of the process."""

    stateless: bool
    _known: dict[str, Tenant] = field(default_factory=dict)
    _lock: anyio.Lock = field(default_factory=anyio.Lock)
    _tasks: TaskGroup | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Hold the tasks of the tenants."""
        async with anyio.create_task_group() as self._tasks:
            yield
            self._tasks.cancel_scope.cancel()

    async def get(self, name: str) -> Tenant:
        """Return the tenant, started."""
        async with self._lock:
            tenant = self._known.get(name)
            if tenant is None:
                tenant = Tenant(name, self.stateless)
                assert self._tasks is not None
                await self._tasks.start(tenant.serve)
                self._known[name] = tenant
            return tenant
