"""The guarded transport against real sockets: hostile servers, and places never to be reached."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from broker.clock import Clock
from broker.errors import AddressBlocked, AnswerTimeout, AnswerTooLarge, NoAnswer
from broker.outbound import GuardedTransport, Obstacle, Outbound, Unreached
from broker.outbound.urls import parse_origins

type Behaviour = Callable[[socket.socket, threading.Event], None]
SOON, NEVER = 0.3, 60.0


@dataclass(frozen=True, slots=True)
class Place:
    """A small server on loopback, and what reached it."""

    port: int
    received: list[bytes] = field(default_factory=list)
    """One entry per connection: its first bytes, b"" where none came."""

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
        """Read one request's head (its body comes in the same packet or is not of interest)."""
        head = self.recv(65536)
        if not self._received[self._at]:
            self._received[self._at] = head
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
class MovedClock(Clock):
    """The real clock, moved on request: the wall alone, or the monotonic one."""

    wall: list[float] = field(default_factory=lambda: [0.0])
    mono: list[float] = field(default_factory=lambda: [0.0])

    def now(self) -> datetime:
        return Clock.now(self) + timedelta(seconds=self.wall[0])

    def monotonic(self) -> float:
        return Clock.monotonic(self) + self.mono[0]


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
    with door_to(place) as door:
        deadline = Clock().monotonic() + seconds
        sent = door.send("POST", place.url, headers={}, deadline=deadline, cap=cap, fresh=fresh)
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


def test_a_refused_connection_is_not_sent() -> None:
    with serving(answering()) as place:
        pass
    with pytest.raises(Unreached) as failed:
        ask(place)
    assert failed.value.obstacle is Obstacle.CONNECTION


def test_a_deadline_that_passes_while_connecting_means_that_nothing_left() -> None:
    class Late(MovedClock):
        """Frozen and thawed once the connection stands, before the first byte."""

        def now(self) -> datetime:
            self.mono[0] = 1000.0  # the socket is first looked at when it is connected
            return MovedClock.now(self)

    clock = Late()
    with serving(answering(OK)) as place, door_to(place, clock) as door:
        deadline = Clock().monotonic() + NEVER
        with pytest.raises(Unreached) as failed:
            door.send("POST", place.url, headers={}, deadline=deadline, cap=10, fresh=True)
    assert failed.value.obstacle is Obstacle.DEADLINE
    assert not any(place.received)


def ask_twice(place: Place, *, fresh: bool, between: float = 0) -> None:
    clock = MovedClock()
    with door_to(place, clock) as door:
        for _ in range(2):
            deadline = clock.monotonic() + NEVER
            door.send("POST", place.url, headers={}, deadline=deadline, cap=10, fresh=fresh)
            clock.wall[0] += between


def test_a_connection_is_kept_for_the_next_request() -> None:
    with serving(persistent) as place:
        ask_twice(place, fresh=False)
    assert len(place.received) == 1


def test_a_fresh_request_has_a_connection_of_its_own() -> None:
    with serving(persistent) as place:
        ask_twice(place, fresh=True)
    assert len(place.received) == 2


def test_a_connection_from_before_a_freeze_is_not_used_again() -> None:
    with serving(persistent) as place:
        ask_twice(place, fresh=False, between=30)
    assert len(place.received) == 2


@pytest.mark.parametrize("pieces", [(OK + OK,), (CHUNKED + b"2\r\nok\r\n0\r\n\r\n" + OK,)])
def test_a_connection_with_an_answer_nobody_asked_for_is_not_used_again(
    pieces: tuple[bytes, ...],
) -> None:
    with serving(answering(*pieces, hang=True)) as place:
        ask_twice(place, fresh=False)
    assert len(place.received) == 2


def test_a_connection_the_server_closed_is_not_used_again() -> None:
    with serving(answering(OK)) as place:
        ask_twice(place, fresh=False)
    assert len(place.received) == 2


BLOCKED = ["127.0.0.1", "::1", "169.254.169.254", "10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"]


@pytest.mark.parametrize("address", BLOCKED)
@pytest.mark.parametrize("others", [[], ["93.184.215.14"]])
def test_a_name_with_one_bad_address_is_never_connected(address: str, others: list[str]) -> None:
    with serving(answering(OK)) as tripwire:
        transport = GuardedTransport(Clock(), lookup=lambda _: [*others, address])
        door = Outbound(Clock(), transport)
        url = f"https://mcp.example.com:{tripwire.port}/"
        with pytest.raises(AddressBlocked) as blocked:
            door.send("GET", url, headers={}, deadline=Clock().monotonic() + 5, cap=10)
    assert tripwire.received == []
    assert address not in str(blocked.value)


def test_the_judged_address_is_the_connected_one(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([["93.184.215.14", "2606:4700::1111"], ["127.0.0.1"]])
    connected: list[tuple[str, int]] = []

    def connect(address: str, port: int, _seconds: float) -> socket.socket:
        connected.append((address, port))
        raise ConnectionRefusedError

    monkeypatch.setattr("broker.outbound.network._connect", connect)
    door = Outbound(Clock(), GuardedTransport(Clock(), lookup=lambda _: next(answers)))
    with pytest.raises(Unreached):
        door.send(
            "GET",
            "https://rebinding.example.com/",
            headers={},
            deadline=Clock().monotonic() + 5,
            cap=10,
        )
    assert connected == [("93.184.215.14", 443), ("2606:4700::1111", 443)]
    assert next(answers) == ["127.0.0.1"]  # the name was asked for once


def fail_to_resolve(_host: str) -> list[str]:
    raise socket.gaierror(socket.EAI_NONAME, "unknown")


@pytest.mark.parametrize("lookup", [fail_to_resolve, lambda _: []])
def test_a_name_without_an_address_is_not_sent(lookup: Callable[[str], list[str]]) -> None:
    door = Outbound(Clock(), GuardedTransport(Clock(), lookup=lookup))
    with pytest.raises(Unreached) as failed:
        door.send(
            "GET", "https://mcp.example.com/", headers={}, deadline=Clock().monotonic() + 5, cap=1
        )
    assert failed.value.obstacle is Obstacle.NAME


def test_a_resolver_that_hangs_does_not_outlive_the_deadline() -> None:
    over = threading.Event()

    def hang(_host: str) -> list[str]:
        over.wait()
        return []

    door = Outbound(Clock(), GuardedTransport(Clock(), lookup=hang))
    for _ in range(20):  # more often than look-ups may hang at once
        with pytest.raises(Unreached) as failed:
            door.send(
                "GET",
                "https://mcp.example.com/",
                headers={},
                deadline=Clock().monotonic() + 0.02,
                cap=1,
            )
        assert failed.value.obstacle in (Obstacle.NAME, Obstacle.DEADLINE)
    over.set()
