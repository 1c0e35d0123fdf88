"""The peers' processes: started with just what they need, ended with this one."""

import json
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from local.processes import Child, Children, bare_environment
from tests.interop.environments import ROOT, NpmEnvironment
from tests.interop.registry import Client, Peer, Server

_ANSWER_SECONDS = 60.0
type Browse = Callable[[str], str]
"""Goes where a URL leads, as the user; returns the URL that the browser came back to."""


def start_server(children: Children, server: Server, logs: Path, about: Mapping[str, str]) -> Child:
    """Start a server, which announces its port."""
    return children.start(
        server.name,
        server.command(),
        log=logs / f"{_slug(server.name)}-server.log",
        cwd=_folder(server),
        env=bare_environment() | {"PYTHONUNBUFFERED": "1"} | dict(about),
        announces=True,
    )


class ClientFailedError(Exception):
    """A client could not do what was asked, and it was no JSON-RPC error that kept it."""


class AnsweredError(Exception):
    """The client was answered by a JSON-RPC error."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(f"{error.get('code')}: {error.get('message')}")
        self.code = error.get("code")
        self.data: Any = error.get("data")


@dataclass
class Puppet:
    """A client's process; does one thing after the other."""

    client: Client
    log: Path
    shown: list[str] = field(default_factory=list)
    """Every URL that it wanted the user to open."""
    _process: subprocess.Popen[str] = field(init=False, repr=False)
    _open: bool = field(init=False, default=False)

    def __enter__(self) -> Self:
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                self.client.command(),
                cwd=_folder(self.client),
                env=bare_environment() | {"PYTHONUNBUFFERED": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._hear()
        return self

    def __exit__(self, *_: object) -> None:
        # Its stdin ends with this process too, so that it never outlives it.
        self._process.kill()
        self._process.communicate()

    def open(self, url: str, browse: Browse | None = None, **order: Any) -> None:
        """Open a session, and close the one before.

        Raises:
            ClientFailedError: it could not, or was not let in.
        """
        self.close()
        self._do({"do": "open", "url": url, **order}, browse)
        self._open = True

    def close(self) -> None:
        """Close the session, if there is one."""
        if self._open:
            self._open = False
            self._do({"do": "close"})

    def do(self, what: str, browse: Browse | None = None, **params: Any) -> dict[str, Any]:
        """Do one thing; return the result as it is on the wire."""
        return self._do({"do": what, **params}, browse)

    def _do(self, wish: Mapping[str, Any], browse: Browse | None = None) -> dict[str, Any]:
        self._say(wish)
        while "show" in (answer := self._hear()):
            self.shown.append(answer["show"])
            if browse is None:
                raise ClientFailedError("It shows a URL where nobody looks.")
            self._say({"shown": browse(answer["show"])})
        if "error" in answer:
            raise AnsweredError(answer["error"])
        if "failed" in answer:
            raise ClientFailedError(answer["failed"])
        result: dict[str, Any] = answer["result"]
        return result

    def _say(self, line: Mapping[str, Any]) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{json.dumps(line)}\n")
        self._process.stdin.flush()

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout
        watchdog = threading.Timer(_ANSWER_SECONDS, self._process.kill)
        watchdog.start()
        try:
            line = self._process.stdout.readline()
        finally:
            watchdog.cancel()
        if not line:
            raise ClientFailedError(
                f"It ended or said nothing for {_ANSWER_SECONDS:g} s: {self.log}"
            )
        heard: dict[str, Any] = json.loads(line)
        return heard


def _folder(peer: Peer) -> Path:
    return peer.environment.folder if isinstance(peer.environment, NpmEnvironment) else ROOT


def _slug(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name.lower())
