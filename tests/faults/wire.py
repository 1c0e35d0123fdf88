"""HTTP/1.1 as far as the proxy and the authorization server need it: lean, and in their hands."""

import contextlib
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an answer: its first line, its headers as they came, its body."""

    start: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False, default=b"")

    def header(self, name: str) -> str:
        """Return a header's value, empty without any."""
        return next((value for key, value in self.headers if key.lower() == name), "")

    def encoded(self) -> bytes:
        """Return it as it goes over the wire."""
        lines = [self.start, *(f"{name}: {value}" for name, value in self.headers), "", ""]
        return "\r\n".join(lines).encode("latin-1") + self.body


def read(stream: IO[bytes]) -> Message | None:
    """Read one message with a declared length; None at the end of the stream."""
    start = stream.readline()
    if not start.strip():
        return None
    headers: list[tuple[str, str]] = []
    while (line := stream.readline()) not in (b"\r\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        headers.append((name, value.strip()))
    length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
    body = stream.read(length) if length else b""
    if len(body) < length:
        return None
    return Message(start.decode("latin-1").rstrip(), tuple(headers), body)


def reply(status: int, body: bytes, *headers: tuple[str, str]) -> Message:
    """Return an answer."""
    sized = (*headers, ("Content-Length", str(len(body))))
    return Message(f"HTTP/1.1 {status} Said", sized, body)


class Listener:
    """Takes connections on a port of 127.0.0.1, each in a thread of its own.

    Closed, it refuses connections; it can be opened again at the same place.
    """

    def __init__(self, handle: Callable[[socket.socket], None]) -> None:
        self._handle = handle
        self._socket: socket.socket | None = None
        self.port = 0

    def open(self) -> None:
        """Take connections from now on."""
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", self.port))
        listening.listen(256)
        self.port = listening.getsockname()[1]
        self._socket = listening
        threading.Thread(target=self._accept, args=(listening,), daemon=True).start()

    def close(self) -> None:
        """Refuse connections from now on; those that are open live on."""
        if self._socket:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()
            self._socket = None

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # The other side may be a process that was just killed.
        with connection, contextlib.suppress(ConnectionError, TimeoutError):
            self._handle(connection)
