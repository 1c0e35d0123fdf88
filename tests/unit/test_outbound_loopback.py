"""The guarded transport against real sockets: hostile servers, and places never to be reached."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field

import pytest

from broker.clock import Clock
from broker.errors import AnswerTimeout, AnswerTooLarge, NoAnswer
from broker.outbound import GuardedTransport, Outbound
from broker.outbound.urls import parse_origins

type Behaviour = Callable[[socket.socket, threading.Event], None]
SOON, NEVER = 0.3, 60.0


@dataclass(frozen=True, slots=True)
class Place:
    """A small server on loopback, and what reached it."""

    port: int
    received: list[bytes] = field(default_factory=list)
    """One entry per connection: its first bytes, b"" where none came."""
    closed: threading.Event = field(default_factory=threading.Event)
    """Set when the server has closed a connection."""

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/mcp"

    @property
    def host(self) -> str:
        return "mcp.localhost"

    @property
    def origin(self) -> str:
        return f"http://{self.host}:{self.port}"


@contextmanager
def serving(behaviour: Behaviour) -> Iterator[Place]:
    """Serve every connection with one behaviour, each in a thread."""
    over = threading.Event()
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        place = Place(listener.getsockname()[1])
        threads: list[threading.Thread] = []

        def serve(sock: socket.socket) -> None:
            with closing(sock), suppress(OSError):
                behaviour(_Recording(sock, place.received), over)
            place.closed.set()

        def accept() -> None:
            with suppress(OSError):
                while not over.is_set():
                    sock, _ = listener.accept()
                    threads.append(threading.Thread(target=serve, args=(sock,)))
                    threads[-1].start()

        acceptor = threading.Thread(target=accept)
        acceptor.start()
        try:
            yield place
        finally:
            over.set()
            listener.shutdown(socket.SHUT_RDWR)
            for thread in [acceptor, *threads]:
                thread.join()


class _Recording(socket.socket):
    """A socket that notes the first bytes it receives."""

    def __init__(self, sock: socket.socket, received: list[bytes]) -> None:
        super().__init__(sock.family, sock.type, fileno=sock.detach())
        self.settimeout(NEVER)
        self._at = len(received)
        self._received = received
        received.append(b"")

    def request(self) -> bytes:
        """Read one request, whole: to close with a part unread would reset the connection."""
        head = self.recv(65536)
        if not self._received[self._at]:
            self._received[self._at] = head
        top, _, body = head.partition(b"\r\n\r\n")
        stated = re.search(rb"(?im)^content-length: *(\d+)", top)
        missing = int(stated[1]) - len(body) if stated else 0
        while missing > 0 and (more := self.recv(missing)):
            missing -= len(more)
        return head


def answering(*pieces: bytes, every: float = 0, hang: bool = False) -> Behaviour:
    """Read a request, send the pieces; then close, or hang until the end."""

    def behave(sock: socket.socket, over: threading.Event) -> None:
        with closing(sock):
            assert isinstance(sock, _Recording)
            if not sock.request():
                return
            for piece in pieces:
                sock.sendall(piece)
                if every and over.wait(every):
                    return
            if hang:
                over.wait()

    return behave


def dripping(head: bytes, byte: bytes) -> Behaviour:
    """Send a head, then one byte again and again."""

    def behave(sock: socket.socket, over: threading.Event) -> None:
        with closing(sock):
            assert isinstance(sock, _Recording)
            sock.request()
            sock.sendall(head)
            while not over.wait(0.01):
                sock.sendall(byte)

    return behave


def persistent(sock: socket.socket, over: threading.Event) -> None:
    """Answer request after request on one connection."""
    with closing(sock):
        assert isinstance(sock, _Recording)
        sock.settimeout(0.05)
        while not over.is_set():
            try:
                if not sock.request():
                    return
                sock.sendall(OK)
            except TimeoutError:
                continue


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass(frozen=True, slots=True)
class StillClock(Clock):
    """A clock that stands: whatever is done may take as long as there is time at all.

    So a slow machine does not use up the time before the part that a test is about.
    """

    def monotonic(self) -> float:
        return 0.0


@dataclass(frozen=True, slots=True)
class LateClock(Clock):
    """A clock that runs from the moment a place has received something."""

    place: Place
    started: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        if not any(self.place.received):
            return 0.0
        now = Clock.monotonic(self)
        if not self.started:
            self.started.append(now)
        return now - self.started[0]


@contextmanager
def door_to(place: Place, clock: Clock | None = None) -> Iterator[Outbound]:
    """Open the real door, with one place as a local origin."""
    clock = clock or Clock()
    transport = GuardedTransport(clock, parse_origins([place.origin]), lookup=no_lookup)
    with transport:
        yield Outbound(clock, transport, frozenset({place.origin}))


def no_lookup(host: str) -> list[str]:
    pytest.fail(f"{host} was looked up")


def ask(place: Place, seconds: float = NEVER, *, cap: int = 1000, fresh: bool = True) -> bytes:
    """Ask a place and return the body."""
    with door_to(place, LateClock(place)) as door:
        sent = door.send("POST", place.url, headers={}, deadline=seconds, cap=cap, fresh=fresh)
        return sent.body


@pytest.mark.parametrize("fresh", [True, False])
def test_a_local_origin_is_reached_without_asking_the_dns(fresh: bool) -> None:
    with serving(answering(OK)) as place:
        assert ask(place, fresh=fresh) == b"ok"
    assert place.received[0].startswith(b"POST /mcp HTTP/1.1\r\nHost: mcp.localhost:")


HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
HANGS = {
    "no answer": answering(hang=True),
    "half a status line": answering(b"HTTP/1.1 20", hang=True),
    "a head without an end": answering(HEAD, hang=True),
    "half a body": answering(HEAD + b"Content-Length: 10\r\n\r\nabc", hang=True),
    "half a chunk": answering(CHUNKED + b"10\r\nabc", hang=True),
    "a head that drips": dripping(HEAD + b"X-Drip: ", b"x"),
    "headers that drip": dripping(HEAD, b"X: y\r\n"),
    "a body that drips": dripping(HEAD + b"Content-Length: 900\r\n\r\n", b"x"),
    "chunks that drip": dripping(CHUNKED, b"1\r\nx\r\n"),
    "a chunk extension that drips": dripping(CHUNKED + b"1;", b"x"),
    "interim answers without end": dripping(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
}


@pytest.mark.parametrize("behaviour", HANGS.values(), ids=HANGS.keys())
@pytest.mark.parametrize("fresh", [True, False])
def test_no_drip_outlives_the_deadline(behaviour: Behaviour, fresh: bool) -> None:
    with serving(behaviour) as place, pytest.raises(AnswerTimeout):
        ask(place, SOON, fresh=fresh)


BROKEN = {
    "nothing": answering(),
    "half a head": answering(HEAD),
    "half a body": answering(HEAD + b"Content-Length: 10\r\n\r\nabc"),
    "half a chunk": answering(CHUNKED + b"10\r\nabc"),
    "no last chunk": answering(CHUNKED + b"3\r\nabc\r\n"),
    "not HTTP": answering(b"220 mail.example ESMTP\r\n"),
    "HTTP/0.9": answering(b"<html>"),
    "two lengths": answering(HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
    "an absurd length": answering(HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n"),
    "a negative length": answering(HEAD + b"Content-Length: -1\r\n\r\n"),
    "a huge head": answering(HEAD + b"X: " + b"x" * 300_000 + b"\r\n\r\n"),
    "headers without end": answering(HEAD + b"X: y\r\n" * 50_000),
    "a huge chunk head": answering(CHUNKED + b"1;" + b"x" * 300_000),
    "a broken chunk head": answering(CHUNKED + b"zz\r\nabc\r\n"),
}


@pytest.mark.parametrize("behaviour", BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("fresh", [True, False])
def test_what_is_not_a_whole_answer_is_no_answer(behaviour: Behaviour, fresh: bool) -> None:
    with serving(behaviour) as place, pytest.raises(NoAnswer) as failed:
        ask(place, fresh=fresh)
    assert failed.type is NoAnswer


LARGE = {
    "by its length": answering(HEAD + b"Content-Length: 1001\r\n\r\n" + b"x" * 1001),
    "in chunks": answering(CHUNKED + b"200\r\n" + b"x" * 512 + b"\r\n", b"200\r\n" + b"x" * 512),
    "without a length": answering(HEAD + b"\r\n" + b"x" * 1001),
    "a flood": dripping(HEAD + b"\r\n", b"x" * 1_000_000),
}


@pytest.mark.parametrize("behaviour", LARGE.values(), ids=LARGE.keys())
def test_more_than_the_cap_is_too_large(behaviour: Behaviour) -> None:
    with serving(behaviour) as place, pytest.raises(AnswerTooLarge):
        ask(place)


def test_a_redirect_into_the_machine_is_not_followed() -> None:
    with serving(answering(OK)) as tripwire:
        found = f"HTTP/1.1 307 Found\r\nLocation: {tripwire.url}\r\nContent-Length: 0\r\n\r\n"
        with serving(answering(found.encode())) as place:
            assert ask(place) == b""
    assert tripwire.received == []
