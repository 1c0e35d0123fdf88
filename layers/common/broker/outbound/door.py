"""Outbound: one request, one whole answer, before a deadline."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from broker.clock import Clock
from broker.errors import AnswerTimeout, AnswerTooLarge, NoAnswer

from .coding import decoded
from .failures import Obstacle, Unreached
from .urls import Url, parse_origins
from .watching import noted

USER_AGENT = "consumer-oauth-broker"
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110 §5.1
_VALUE = re.compile(r"[\t\x20-\x7e]*")  # RFC 9110 §5.5, without obs-text
# Framing, routing and hop-by-hop: ours to set, whatever header a builder names for the token.
_OURS = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, read."""

    status: int
    headers: httpx.Headers = field(repr=False)
    body: bytes = field(repr=False)
    elapsed: float
    """Seconds, for evidence."""


@dataclass(frozen=True, slots=True)
class AnswerStream:
    """An answer whose body is still coming; deadline and cap hold for every piece of it."""

    status: int
    headers: httpx.Headers = field(repr=False)
    _pieces: Iterator[bytes] = field(repr=False)

    def chunks(self) -> Iterator[bytes]:
        """Yield the body as it comes; raise NoAnswer, AnswerTimeout, AnswerTooLarge."""
        return self._pieces

    def read(self) -> bytes:
        """Return the rest of the body; raises as chunks()."""
        whole = bytearray()  # a list of one-byte pieces would take forty times the cap
        for piece in self._pieces:
            whole += piece
        return bytes(whole)


class Outbound:
    """The one door out.

    ``transport`` is ``guarded_transport(clock, local_origins)`` in the product and an
    ``httpx.MockTransport`` in tests; it is called directly, for an ``httpx.Client`` would bring
    redirects, cookies, proxies and log lines along. ``local_origins`` are the exact origins
    (``scheme://host:port``) that may be plain http, loopback or an address: a local stack's.
    """

    def __init__(
        self,
        clock: Clock,
        transport: httpx.BaseTransport,
        local_origins: frozenset[str] = frozenset(),
    ) -> None:
        self._clock = clock
        self._transport = transport
        self._local_origins = parse_origins(local_origins)

    def check_url(self, url: str) -> None:
        """Judge a URL without resolving it; raise AddressBlocked with a public reason.

        Does NOT check where the name leads: that is judged at each connection.
        """
        Url.parse(url).judge(self._local_origins)

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes | None = None,
        deadline: float,
        cap: int,
        fresh: bool = False,
    ) -> Answer:
        """Send one request, read the whole answer; never follow, never retry.

        Args:
            method: The HTTP method.
            url: As check_url() takes it.
            headers: Without framing and Host, which are ours.
            content: The body.
            deadline: In ``Clock.monotonic()`` seconds, for everything together: name,
                connection, TLS, writing, and every read.
            cap: Bytes of body, as received and as unpacked.
            fresh: On a connection of its own, closed afterwards. An idle one may be dead after
                a freeze of the container, and then nobody knows whether the request was
                processed.

        Raises:
            AddressBlocked, NotSent: Not one byte of the request left.
            NoAnswer, AnswerTimeout, AnswerTooLarge: It may have had its effect.
        """
        started = self._clock.monotonic()
        with self.stream(
            method,
            url,
            headers=headers,
            content=content,
            deadline=deadline,
            cap=cap,
            fresh=fresh,
        ) as answer:
            body = answer.read()
        return Answer(answer.status, answer.headers, body, self._clock.monotonic() - started)

    @contextmanager
    def stream(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes | None = None,
        deadline: float,
        cap: int,
        fresh: bool = False,
    ) -> Iterator[AnswerStream]:
        """As send(), but the body is read piece by piece; the answer is let go on exit.

        A connection whose answer was not read to its end is closed.
        """
        with noted(self._clock, method, url) as note:
            request = self._request(method, url, headers, content, deadline=deadline, fresh=fresh)
            if self._clock.monotonic() >= deadline:
                raise Unreached(Obstacle.DEADLINE, "The time was up before the request was sent.")
            with _translated():
                response = self._transport.handle_request(request)
            note(response)
            try:
                self._check_time(deadline)
                if _declared_length(response) > cap:
                    raise AnswerTooLarge(f"The answer is larger than {cap:,} bytes.")
                pieces = self._pieces(response, deadline, cap)
                yield AnswerStream(response.status_code, response.headers, pieces)
            finally:
                response.close()

    def _request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes | None,
        *,
        deadline: float,
        fresh: bool,
    ) -> httpx.Request:
        parsed = Url.parse(url)
        parsed.judge(self._local_origins)
        _check_headers(headers)
        sent = httpx.Headers({"User-Agent": USER_AGENT, "Accept": "*/*"})
        sent.update(headers)
        sent["Accept-Encoding"] = "identity"
        if fresh:
            sent["Connection"] = "close"
        return httpx.Request(
            method,
            parsed.for_httpx(),
            headers=sent,
            content=content,
            extensions={"deadline": deadline, "fresh": fresh},
        )

    def _pieces(self, response: httpx.Response, deadline: float, cap: int) -> Iterator[bytes]:
        received = _within(cap, _received(response, lambda: self._check_time(deadline)))
        unpacked = decoded(received, response.headers.get("content-encoding", ""))
        return _within(cap, unpacked)

    def _check_time(self, deadline: float) -> None:
        if self._clock.monotonic() > deadline:
            raise AnswerTimeout("The server did not answer in time.")


def _check_headers(headers: Mapping[str, str]) -> None:
    names = {name.lower() for name in headers}
    well_formed = all(
        _NAME.fullmatch(name) and _VALUE.fullmatch(value) and value == value.strip()
        for name, value in headers.items()
    )
    if not well_formed or names & _OURS or len(names) < len(headers):
        # Neither name nor value is quoted: the value may be a token.
        raise Unreached(
            Obstacle.REQUEST,
            "A header of the request is ours to set, is there twice, or is not one of HTTP.",
        )


def _declared_length(response: httpx.Response) -> int:
    declared = response.headers.get("content-length", "")
    return int(declared[:20]) if declared.isascii() and declared.isdigit() else 0


def _received(response: httpx.Response, check_time: Callable[[], None]) -> Iterator[bytes]:
    # The stream itself: httpx's iterators would unpack the body, without a limit.
    stream = response.stream
    if not isinstance(stream, httpx.SyncByteStream):
        raise TypeError("the transport is not a synchronous one")
    with _translated():
        for piece in stream:
            check_time()
            yield piece
        check_time()


def _within(cap: int, pieces: Iterable[bytes]) -> Iterator[bytes]:
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > cap:
            raise AnswerTooLarge(f"The answer is larger than {cap:,} bytes.")
        yield piece


@contextmanager
def _translated() -> Iterator[None]:
    """Turn a transport's exceptions into ours; their texts may quote the other side."""
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
        raise Unreached(Obstacle.CONNECTION, "The server could not be reached.") from None
    except httpx.TimeoutException:
        raise AnswerTimeout("The server did not answer in time.") from None
    except httpx.TransportError:
        raise NoAnswer("The connection ended before the answer did.") from None
