"""Who takes part, and what is looked at."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.interop.environments import Environment, NpmEnvironment, PythonEnvironment

MCP_2 = PythonEnvironment("mcp-2")
MCP_1 = PythonEnvironment("mcp-1")
FASTMCP = PythonEnvironment("fastmcp")
EVERYTHING = NpmEnvironment("everything")
SDK_1 = NpmEnvironment("sdk-1")
SDK_2 = NpmEnvironment("sdk-2")


MODERN = "2026-07-28"
INPUT_REQUIRED = "input_required"
MIRRORED = "arguments mirrored"
REPLACED = "replaced by another era"
ASKED = "asked by the server"


@dataclass(frozen=True, slots=True)
class Peer:
    """A program that others wrote, and how it is started."""

    name: str
    environment: Environment
    package: str
    script: str
    arguments: tuple[str, ...] = ()
    lacks: frozenset[str] = frozenset()
    """Features that it does not have, or that cannot be looked at with it."""

    @property
    def version(self) -> str:
        """The version that the lock pins."""
        return self.environment.version(self.package)

    def command(self) -> list[str]:
        """Return what starts it."""
        return [*self.environment.command(self.script), *self.arguments]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a server, and a text that is in the answer."""

    params: Mapping[str, Any]
    text: str


NOTES_TOOL = Asked({"name": "whoami", "arguments": {}}, "{username}")
NOTES_PROMPT = Asked({"name": "greeting", "arguments": {"name": "Ada"}}, "Say hello to Ada.")
NOTES_RESOURCE = Asked({"uri": "note://today"}, "Paint the boat.")
NOTES_TEMPLATE = Asked({"uri": "note://day/monday"}, "Nothing on monday.")

NOTES_COMPLETION = Asked(
    {"ref": {"type": "ref/prompt", "name": "greeting"}, "argument": {"name": "name", "value": "A"}},
    "Ada",
)


@dataclass(frozen=True, slots=True)
class Server(Peer):
    """A server; requests are counted as the table of docs/mcp-servers.md has them."""

    era: str = MODERN
    path: str = "/mcp"
    first: int = 1
    """HTTP requests of the first call of all."""
    each: int = 1
    """HTTP requests of each later call."""
    another: int = 1
    """HTTP requests of another user's first call."""
    lost: int = 1
    """HTTP requests of the call after its sessions were lost."""
    doorless: bool = False
    """It lets everybody in, so that a door is put before it."""
    tool: Asked = NOTES_TOOL
    prompt: Asked = NOTES_PROMPT
    resource: Asked = NOTES_RESOURCE
    template: Asked = NOTES_TEMPLATE
    completion: Asked = NOTES_COMPLETION
    guarded: Asked | None = None
    """A tool that wants `contacts.write` besides what the server wants."""


@dataclass(frozen=True, slots=True)
class Client(Peer):
    """A client; `told` is how it learns that the user must connect, if it can show a URL."""

    told: str = INPUT_REQUIRED


_STATEFUL: dict[str, Any] = {
    "era": "2025-11-25",
    "first": 4,
    "another": 3,
    "lost": 4,
    "lacks": frozenset({MIRRORED}),
}
_STATELESS: dict[str, Any] = {
    "era": "2025-11-25, stateless",
    "first": 4,
    "lacks": frozenset({MIRRORED}),
}
_HTTP_SSE: dict[str, Any] = {
    "era": "2024-11-05",
    "path": "/sse",
    "first": 6,
    "each": 4,
    "another": 4,
    "lost": 4,
    "lacks": frozenset({MIRRORED, REPLACED}),
}
_EVERYTHING: dict[str, Any] = {
    "doorless": True,
    "tool": Asked({"name": "echo", "arguments": {"message": "ahoy"}}, "ahoy"),
    "prompt": Asked({"name": "args-prompt", "arguments": {"city": "Kiel"}}, "Kiel"),
    "resource": Asked({"uri": "demo://resource/dynamic/text/1"}, "Resource 1"),
    "template": Asked({"uri": "demo://resource/dynamic/text/2"}, "Resource 2"),
    "completion": Asked(
        {
            "ref": {"type": "ref/prompt", "name": "completable-prompt"},
            "argument": {"name": "department", "value": "S"},
        },
        "Sales",
    ),
}
_LAUNCHER = "node_modules/@modelcontextprotocol/server-everything/dist/index.js"

SERVERS = (
    Server("mcp SDK 2", MCP_2, "mcp", "mcp_2_server"),
    Server("mcp SDK 1, stateful", MCP_1, "mcp", "mcp_1_server", ("stateful",), **_STATEFUL),
    Server("mcp SDK 1, stateless", MCP_1, "mcp", "mcp_1_server", ("stateless",), **_STATELESS),
    Server("mcp SDK 1, HTTP+SSE", MCP_1, "mcp", "mcp_1_server", ("sse",), **_HTTP_SSE),
    Server("FastMCP", FASTMCP, "fastmcp", "fastmcp_server"),
    Server(
        "server-everything",
        EVERYTHING,
        "@modelcontextprotocol/server-everything",
        _LAUNCHER,
        ("streamableHttp",),
        **_STATEFUL | _EVERYTHING,
    ),
    Server(
        "server-everything, HTTP+SSE",
        EVERYTHING,
        "@modelcontextprotocol/server-everything",
        _LAUNCHER,
        ("sse",),
        **_HTTP_SSE | _EVERYTHING,
    ),
    Server("npm SDK 1", SDK_1, "@modelcontextprotocol/sdk", "sdk_1_server.mjs", **_STATEFUL),
    Server(
        "npm SDK 2",
        SDK_2,
        "@modelcontextprotocol/server",
        "sdk_2_server.mjs",
        guarded=Asked({"name": "erase", "arguments": {}}, "All is erased."),
    ),
)
_OLDER: dict[str, Any] = {"told": "-32042", "lacks": frozenset({ASKED})}
CLIENTS = (
    Client("mcp SDK 2", MCP_2, "mcp", "mcp_2_client"),
    Client("mcp SDK 1", MCP_1, "mcp", "mcp_1_client", **_OLDER),
    Client("FastMCP", FASTMCP, "fastmcp", "fastmcp_client"),
    Client("npm SDK 1", SDK_1, "@modelcontextprotocol/sdk", "sdk_1_client.mjs", **_OLDER),
    Client("npm SDK 2", SDK_2, "@modelcontextprotocol/client", "sdk_2_client.mjs"),
)


def spare(server: Server) -> str:
    """Name a further place for a server, at which others stand in for it."""
    return f"{server.name}, replaced"


def of_another_era(server: Server) -> Server:
    """Return a server that does not speak the revision of this one."""
    wanted = "mcp SDK 1, stateful" if server.era == MODERN else "npm SDK 2"
    return next(each for each in SERVERS if each.name == wanted)
