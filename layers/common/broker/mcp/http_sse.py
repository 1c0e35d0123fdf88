"""HTTP+SSE (2024-11-05, Transports): one GET whose stream carries the answers to every POST."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from urllib.parse import urljoin

from broker.errors import AddressBlocked, McpServerError, NoAnswer, OutboundError
from broker.outbound import Url

from .event_reader import EventReader
from .exchange import Exchange, Reply, beginning, is_stream
from .failures import unanswered
from .messages import Request, encode
from .weight import CAP

_GET = Request("GET", {})


@dataclass(slots=True)
class Channel:
    """An open stream, and the endpoint that it named; closed with the stack it was opened on."""

    exchange: Exchange
    stream: Reply
    """The GET's own answer, without a body."""
    endpoint: str = field(default="", repr=False)  # it names the session
    reader: EventReader = field(init=False)
    chunks: Iterator[bytes] = field(init=False, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)

    def ask(self, request: Request) -> Reply:
        """Send a request once, and wait for its answer on the stream; raises as Exchange.post."""
        before = self.reader.size
        try:
            refusal = self._post(request)
            if refusal is not None:
                return refusal
            response = self.reader.find(self.chunks, request)
            if response is None:
                raise NoAnswer("the stream ended")
        except OutboundError as exc:
            raise unanswered(exc, request.method) from exc
        size = self.reader.size - before
        return Reply(self.stream.status, self.stream.headers, response, size)

    def tell(self, message: Mapping[str, object]) -> None:
        """Post what has no answer; raise OutboundError if it could not be told."""
        with self.exchange.opened(
            "POST", self.endpoint, self.headers, encode(message), CAP
        ) as answer:
            beginning(answer)

    def _post(self, request: Request) -> Reply | None:
        with self.exchange.opened(
            "POST", self.endpoint, self.headers, request.encode(), CAP
        ) as answer:
            if answer.status >= 300:
                return self.exchange.read_refusal(answer, request)
            beginning(answer)  # "Accepted", as a rule: the answer comes on the stream
            return None

    def tell_quietly(self, message: Mapping[str, object]) -> None:
        """Send a message that nobody waits for; one that cannot be sent is let go."""
        with suppress(OutboundError):
            self.tell(message)


def open_channel(exchange: Exchange, stack: ExitStack) -> Channel | Reply:
    """GET the server's URL and wait for the endpoint that it names first.

    Returns the answer itself, where it is a refusal or no stream of that kind.

    Raises:
        Unauthorized, InsufficientScope, TooManyRequests: As Exchange.post.
        McpServerTimeout, McpServerError: No endpoint came, or one of another origin, where the
            user's token has no business.
    """
    try:
        answer = stack.enter_context(exchange.opened("GET", exchange.url, {}, None, CAP))
        if answer.status >= 400:
            return exchange.read_refusal(answer, _GET)
        reply = Reply(answer.status, answer.headers, None, 0)
        if not is_stream(answer):
            return reply
        channel = Channel(exchange, reply)
        channel.reader = EventReader(exchange.ear, channel.tell_quietly)
        channel.chunks = answer.chunks()
        for event in channel.reader.events(channel.chunks):
            if event.type != "endpoint":
                return reply  # it must come first
            channel.endpoint = _same_origin(exchange.url, event.data)
            return channel
    except OutboundError as exc:
        raise unanswered(exc, "GET") from exc
    return reply


def _same_origin(url: str, endpoint: str) -> str:
    """Resolve the endpoint's URI; raise McpServerError unless it has the origin of ``url``."""
    try:
        resolved = urljoin(url, endpoint)
        if Url.parse(resolved).origin == Url.parse(url).origin:
            return resolved
    except (AddressBlocked, ValueError):
        pass
    raise McpServerError(
        "The MCP server names an endpoint of another origin.",
        details={"reason": "foreign_endpoint"},
    )
