"""A threaded HTTP/1.1 server on 127.0.0.1, with the path as it came and answers in one write."""

import contextlib
import socket
import socketserver
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

_CHUNK = 1 << 16
_BODILESS = {204, 304}


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; `path` and `query` are raw, header names as they came."""

    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    body: bytes = field(repr=False)
    oversize: bool
    """The body was longer than the server's limit, and is not here."""
    peer: str
    protocol: str

    def header(self, name: str) -> str | None:
        """Return all values of a header, joined by commas; None without any."""
        values = [value for key, value in self.headers if key.lower() == name]
        return ",".join(values) if values else None


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP response."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""


type Answer = Callable[[Request], Reply]


class _Exchange(BaseHTTPRequestHandler):
    """Reads a request, has it answered, writes the answer."""

    protocol_version = "HTTP/1.1"
    server_version = "local"
    sys_version = ""
    # Headers and body in one write, at once: Nagle's algorithm would add 40 ms between two.
    wbufsize = -1
    disable_nagle_algorithm = True

    def _exchange(self) -> None:
        server = self.server
        assert isinstance(server, LoopbackServer)
        try:
            request = self._request(server.body_limit)
        except ValueError:
            self.close_connection = True
            return self._reply(Reply(400))
        return self._reply(server.answer(request))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):  # the base class looks for a method per HTTP method
            return self._exchange
        raise AttributeError(name)

    def _request(self, limit: int) -> Request:
        path, _, query = self.path.partition("?")
        body = self._body(limit)
        return Request(
            method=self.command,
            path=path,
            query=query,
            headers=list(self.headers.items()),
            body=body or b"",
            oversize=body is None,
            peer=str(self.client_address[0]),
            protocol=self.request_version,
        )

    def _body(self, limit: int) -> bytes | None:
        """Read the body; None when it is longer than the limit, which ends the connection."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            parts = iter(self._chunk, b"")
        else:
            parts = self._pieces(int(self.headers.get("Content-Length", "0")))
        body = bytearray()
        for part in parts:
            # What is too long is read to its end all the same, or the client would see a reset.
            if len(body) <= limit:
                body += part
        if len(body) <= limit:
            return bytes(body)
        self.close_connection = True
        return None

    def _pieces(self, length: int) -> Any:
        while length > 0 and (piece := self.rfile.read(min(length, _CHUNK))):
            length -= len(piece)
            yield piece

    def _chunk(self) -> bytes:
        size = int(self.rfile.readline(_CHUNK).partition(b";")[0], 16)
        chunk = self.rfile.read(size)
        self.rfile.readline(_CHUNK)
        return chunk

    def _reply(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers:
            self.send_header(name, value)
        if reply.status not in _BODILESS:
            self.send_header("Content-Length", str(len(reply.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD" and reply.status not in _BODILESS:
            self.wfile.write(reply.body)

    def log_message(self, *_: object) -> None:
        """Stay silent: request lines carry tickets and codes."""


class LoopbackServer(socketserver.ThreadingTCPServer):
    """Bound when made, so that its port can be told to others; answers from `serve` on."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, body_limit: int) -> None:
        super().__init__(("127.0.0.1", 0), _Exchange)
        self.port: int = self.server_address[1]
        self.body_limit = body_limit
        self.answer: Answer = lambda _: Reply(503)
        self._thread: threading.Thread | None = None
        self._connections: set[socket.socket] = set()

    def serve(self, answer: Answer) -> None:
        """Answer requests, each in a thread of its own, until `close`."""
        self.answer = answer
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening and end the open connections."""
        if self._thread:
            self.shutdown()
        self.server_close()
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, so that `close` can end it."""
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection."""
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a client that went away; print anything else."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)
