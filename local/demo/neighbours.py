"""What the local stack has no use for itself: MCP servers with one shared key and with none."""

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from local.demo.wire_tap import WireTap
from local.processes import Child, Children


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Further third parties, which the broker must be allowed to reach over plain http."""

    tap: WireTap
    shared_key: str = field(repr=False)
    _keyed: Child
    _open: Child

    @property
    def keyed_mcp_server(self) -> str:
        """Origin of MCP servers that take one key from everybody."""
        return _origin(self._keyed)

    @property
    def open_mcp_server(self) -> str:
        """Origin of MCP servers that ask for nothing."""
        return _origin(self._open)

    def origins(self) -> list[str]:
        """Return all of them, waiting until they are ready."""
        return [self.tap.origin, self.keyed_mcp_server, self.open_mcp_server]


@contextmanager
def neighbours() -> Iterator[Neighbours]:
    """Start them, without waiting; they end with the context."""
    key = secrets.token_urlsafe(24)
    with tempfile.TemporaryDirectory() as logs, Children() as children, WireTap() as tap:
        keyed = _start(children, Path(logs), f"bearer:{key}")
        unkeyed = _start(children, Path(logs), "none")
        yield Neighbours(tap, key, keyed, unkeyed)


def _start(children: Children, logs: Path, auth: str) -> Child:
    log = logs / f"{auth.partition(':')[0]}.log"
    return children.start_module("local.mcp_server", "--port", "0", "--auth", auth, log=log, env={})


def _origin(child: Child) -> str:
    return f"http://127.0.0.1:{child.announced()['port']}"
