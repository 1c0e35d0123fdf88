"""httpcore behind the guard: HTTP/1.1, verified TLS, no proxy, nothing from the environment."""

import logging
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx

from broker.clock import Clock
from broker.errors import AddressBlocked, AnswerTimeout, NoAnswer

from .failures import Obstacle, Unreached
from .names import Lookup, Names, system_lookup
from .network import KEEPALIVE_SECONDS, GuardedNetwork
from .urls import Origin, parse_origins

_MOST_CONNECTIONS = 16
_FIRST_BYTE = "http11.send_request_headers.started"


def guarded_transport(
    clock: Clock, local_origins: Iterable[str] = frozenset()
) -> "GuardedTransport":
    """Build the product's transport; ``local_origins`` as for Outbound."""
    return GuardedTransport(clock, parse_origins(local_origins))


class GuardedTransport(httpx.BaseTransport):
    """Sends what Outbound built; expects ``deadline`` and ``fresh`` among the extensions.

    Connections are kept for a few seconds and reused by the next request to the same origin,
    unless it asks for a fresh one. What a reused connection risks is a request of which nobody
    knows whether it was processed: never worth it where a refresh token is at stake.

    Raises AddressBlocked and Unreached before the first byte, AnswerTimeout and NoAnswer after.
    """

    def __init__(
        self,
        clock: Clock,
        local_origins: frozenset[Origin] = frozenset(),
        *,
        lookup: Lookup = system_lookup,
        tls: Callable[[], ssl.SSLContext] = ssl.create_default_context,
    ) -> None:
        # At DEBUG httpcore writes request targets and answer headers into the log.
        logging.getLogger("httpcore").setLevel(logging.WARNING)
        self._clock = clock
        self._local_origins = local_origins
        local = frozenset((origin.host, origin.port) for origin in local_origins)
        self._network = GuardedNetwork(clock, Names(clock, lookup), local)
        self._build_tls = tls
        self._lock = threading.Lock()
        self._tls: ssl.SSLContext | None = None
        self._pool: httpcore.ConnectionPool | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request and return its answer, the body still unread."""
        deadline = float(request.extensions["deadline"])
        progress = _Progress(self._clock, deadline)
        sent = self._translate(request, deadline, progress)
        if request.extensions.get("fresh"):
            connection = self._fresh(sent)
            return _answer(connection.handle_request, sent, progress, release=connection.close)
        return _answer(self._pooled().handle_request, sent, progress, release=_keep)

    def close(self) -> None:
        """Close the idle connections."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()

    def _translate(
        self, request: httpx.Request, deadline: float, progress: "_Progress"
    ) -> httpcore.Request:
        url = request.url
        port = url.port or {"http": 80, "https": 443}[url.scheme]
        origin = Origin(url.scheme, url.raw_host.decode("ascii"), port)
        if origin.scheme != "https" and origin not in self._local_origins:
            raise AddressBlocked("The URL's scheme is not https.")
        left = max(0.0, deadline - self._clock.monotonic())
        return httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=url.raw_scheme, host=url.raw_host, port=port, target=url.raw_path
            ),
            headers=request.headers.raw,
            content=request.read(),
            extensions={
                # Deadlines, not durations: see GuardedNetwork. Only "pool" is httpcore's own.
                "timeout": {
                    "connect": deadline,
                    "read": deadline,
                    "write": deadline,
                    "pool": left,
                },
                "trace": progress,
            },
        )

    def _tls_context(self) -> ssl.SSLContext:
        with self._lock:
            if self._tls is None:
                self._tls = self._build_tls()
            return self._tls

    def _pooled(self) -> httpcore.ConnectionPool:
        tls = self._tls_context()
        with self._lock:
            if self._pool is None:
                self._pool = httpcore.ConnectionPool(
                    ssl_context=tls,
                    max_connections=_MOST_CONNECTIONS,
                    keepalive_expiry=KEEPALIVE_SECONDS,
                    network_backend=self._network,
                )
            return self._pool

    def _fresh(self, request: httpcore.Request) -> httpcore.HTTPConnection:
        return httpcore.HTTPConnection(
            origin=request.url.origin,
            ssl_context=self._tls_context(),
            network_backend=self._network,
        )


class _Progress:
    """Knows whether the request's first byte may have left (httpcore's ``trace`` extension)."""

    def __init__(self, clock: Clock, deadline: float) -> None:
        self.sent = False
        self._clock = clock
        self._deadline = deadline

    def __call__(self, event: str, _info: object) -> None:
        """Look at the clock once more right before the first byte: a container may be frozen."""
        if event != _FIRST_BYTE:
            return
        if self._clock.monotonic() >= self._deadline:
            raise Unreached(Obstacle.DEADLINE, "The time was up before the request was sent.")
        self.sent = True


class _Body(httpx.SyncByteStream):
    """The answer's body, with httpcore's exceptions translated."""

    def __init__(
        self, answer: httpcore.Response, progress: _Progress, release: Callable[[], None]
    ) -> None:
        self._answer = answer
        self._progress = progress
        self._release = release

    def __iter__(self) -> Iterator[bytes]:
        """Yield the body as it comes."""
        with _translated(self._progress):
            yield from self._answer.iter_stream()

    def close(self) -> None:
        """Give the connection back, or close it if the body was not read to its end."""
        if _has_more(self._answer):
            self._answer.extensions["network_stream"].close()
        self._answer.close()
        self._release()


def _has_more(answer: httpcore.Response) -> bool:
    """Say whether bytes came after the answer's end: they would answer the next request.

    That request may be another user's (response queue poisoning), and httpcore looks for such
    bytes in the socket only, not among those it has read. Hence the reach into its insides; the
    version is locked, and a test fails if they move.
    """
    stream: Any = answer.stream
    stream = getattr(stream, "_stream", stream)  # the pool wraps it once more
    trailing, _ = stream._connection._h11_state.trailing_data  # noqa: SLF001 - see above
    return bool(trailing)


def _keep() -> None:
    """Leave the connection to its pool."""


def _answer(
    handle: Callable[[httpcore.Request], httpcore.Response],
    request: httpcore.Request,
    progress: _Progress,
    release: Callable[[], None],
) -> httpx.Response:
    try:
        with _translated(progress):
            answer = handle(request)
    except BaseException:
        release()
        raise
    body = _Body(answer, progress, release)
    return httpx.Response(status_code=answer.status, headers=answer.headers, stream=body)


@contextmanager
def _translated(progress: _Progress) -> Iterator[None]:
    """Turn httpcore's exceptions into ours; their texts may quote the other side: not chained."""
    try:
        yield
    except httpcore.TimeoutException:
        if not progress.sent:
            raise Unreached(
                Obstacle.DEADLINE, "The time was up before the request was sent."
            ) from None
        raise AnswerTimeout("The server did not answer in time.") from None
    except httpcore.LocalProtocolError:
        raise Unreached(Obstacle.REQUEST, "The request is not one that HTTP can carry.") from None
    except (httpcore.NetworkError, httpcore.ProtocolError):
        raise NoAnswer("The connection ended, or spoke no HTTP, before the answer did.") from None
