"""Sockets: only to judged addresses, and every operation within one deadline."""

import select
import socket
import ssl
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import httpcore

from broker.clock import Clock
from broker.errors import AddressBlocked

from .addresses import is_public
from .failures import Obstacle, Unreached
from .names import Names

KEEPALIVE_SECONDS = 4.0
"""How long an idle connection is kept: less than the 5 s after which Node and uvicorn close
theirs, so that we do not write into a connection that is just being closed (nobody would know
whether the request was processed); long enough for the requests of one flow."""

_MOST_ATTEMPTS = 6


class GuardedNetwork(httpcore.NetworkBackend):
    """Connects names whose every address is public, and the local stack's own places.

    The ``timeout`` that httpcore hands through untouched is, here and in GuardedStream, the
    request's *deadline* in ``Clock.monotonic()`` seconds. A timeout per operation would start
    anew with every byte of a drip; a deadline is the same for all of them.
    """

    def __init__(self, clock: Clock, names: Names, local: frozenset[tuple[str, int]]) -> None:
        self._clock = clock
        self._names = names
        self._local = local

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,  # noqa: ARG002 - httpcore's signature
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002 - httpcore's signature
    ) -> httpcore.NetworkStream:
        """Resolve, judge and connect; raise AddressBlocked or Unreached."""
        deadline = _given(timeout)
        addresses = self._addresses(host, port, deadline)
        return GuardedStream(self._clock, self._connect(addresses, port, deadline))

    def _addresses(self, host: str, port: int, deadline: float) -> Sequence[str]:
        if (host, port) in self._local:
            return self._local_addresses(host, deadline)
        addresses = self._names.resolve(host, deadline)
        if not all(is_public(address) for address in addresses):
            raise AddressBlocked("The server's name resolves to an address that is not public.")
        return addresses

    def _local_addresses(self, host: str, deadline: float) -> Sequence[str]:
        if host == "localhost" or host.endswith(".localhost"):
            return ["127.0.0.1"]  # RFC 6761 §6.3: never asked of the DNS
        if host.replace(".", "").isdigit() or ":" in host:
            return [host]
        return self._names.resolve(host, deadline)

    def _connect(self, addresses: Sequence[str], port: int, deadline: float) -> socket.socket:
        attempts = addresses[:_MOST_ATTEMPTS]
        failure: OSError = TimeoutError()
        for tried, address in enumerate(attempts):
            left = deadline - self._clock.monotonic()
            if left <= 0:
                break
            try:
                # An equal share each: an address that swallows packets must not use up the time.
                return _connect(address, port, left / (len(attempts) - tried))
            except OSError as exc:
                failure = exc
        raise Unreached(Obstacle.CONNECTION, _why_no_connection(failure)) from failure


class GuardedStream(httpcore.NetworkStream):
    """A socket whose every read and write ends at the request's deadline."""

    def __init__(self, clock: Clock, sock: socket.socket) -> None:
        self._clock = clock
        self._socket = sock
        self._used_at = clock.now()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what is there, waiting until the deadline at most."""
        return self._timed(
            partial(self._socket.recv, max_bytes),
            _given(timeout),
            httpcore.ReadTimeout,
            httpcore.ReadError,
        )

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of it before the deadline."""
        rest = memoryview(buffer)
        while rest:
            sent = self._timed(
                partial(self._socket.send, rest),
                _given(timeout),
                httpcore.WriteTimeout,
                httpcore.WriteError,
            )
            rest = rest[sent:]

    def _timed[T](
        self,
        operation: Callable[[], T],
        deadline: float,
        late: type[httpcore.TimeoutException],
        broken: type[httpcore.NetworkError],
    ) -> T:
        left = deadline - self._clock.monotonic()
        if left <= 0:
            raise late("the deadline passed")
        self._used_at = self._clock.now()
        try:
            self._socket.settimeout(left)
            return operation()
        except TimeoutError as exc:
            raise late("the deadline passed") from exc
        except OSError as exc:
            raise broken("the connection broke") from exc

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Shake hands for that name; raise Unreached, for nothing of the request has left."""
        left = _given(timeout) - self._clock.monotonic()
        try:
            self._socket.settimeout(max(left, 0.001))
            secured = ssl_context.wrap_socket(self._socket, server_hostname=server_hostname)
        except OSError as exc:
            self.close()
            raise Unreached(Obstacle.TLS, _why_no_tls(exc)) from exc
        return GuardedStream(self._clock, secured)

    def close(self) -> None:
        """Close without ceremony."""
        self._socket.close()

    def get_extra_info(self, info: str) -> Any:
        """Answer what httpcore asks: the TLS object, and whether an idle socket is stale."""
        if info == "ssl_object" and isinstance(self._socket, ssl.SSLSocket):
            return self._socket
        if info == "is_readable":
            return self._is_stale()
        return None

    def _is_stale(self) -> bool:
        # An idle connection with something to read is being closed, or was answered unasked.
        # The wall clock as well: while a container is frozen its monotonic clock may stand.
        idle = self._clock.now() - self._used_at
        if abs(idle) > timedelta(seconds=KEEPALIVE_SECONDS) or self._socket.fileno() < 0:
            return True
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return bool(poll.poll(0))


def _given(deadline: float | None) -> float:
    if deadline is None:
        raise TypeError("every request has a deadline")
    return deadline


def _connect(address: str, port: int, seconds: float) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(seconds)
        sock.connect((address, port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError:
        sock.close()
        raise
    return sock


def _why_no_connection(failure: OSError) -> str:
    if isinstance(failure, TimeoutError):
        return "The server did not take the connection in time."
    if isinstance(failure, ConnectionRefusedError):
        return "The server refused the connection."
    return "The server could not be reached."


def _why_no_tls(failure: OSError) -> str:
    if isinstance(failure, ssl.SSLCertVerificationError):
        return "The server's certificate is not trusted, has expired, or names another host."
    if isinstance(failure, TimeoutError):
        return "The server did not finish the TLS handshake in time."
    return "The server did not finish the TLS handshake."
