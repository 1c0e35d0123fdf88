"""One stream of a server's messages, over every connection that carries it."""

import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping

from .messages import NotJsonRpc, Request, Response, find_response, items, parse
from .notices import Ear
from .sse import Event, EventParser
from .weight import weigh

_MOST_QUESTIONS = 20
_HEADER = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,1022}[\x21-\x7e])?")
_METHOD_NOT_FOUND = {"code": -32601, "message": "Method not found"}

type Tell = Callable[[Mapping[str, object]], None]


class EventReader:
    """Reads server-sent events until an answer comes; notifications go to the ear.

    ``tell``: this server may ask back, as servers of before 2026-07-28 do. It is told that a ping
    is heard and that nothing else is known; the first 20 times. None: it may not.
    """

    def __init__(self, ear: Ear, tell: Tell | None) -> None:
        self.size = 0
        self._ear = ear
        self._tell = tell
        self._asked = 0
        self._parser = EventParser()
        self._waiting: deque[Event] = deque()

    @property
    def last_id(self) -> str | None:
        """The last event's id, as Last-Event-ID takes it; None: there is none to resume from."""
        return self._parser.last_id if _HEADER.fullmatch(self._parser.last_id) else None

    @property
    def retry_ms(self) -> int | None:
        """How long to wait before a connection is made again, if the server said."""
        return self._parser.retry_ms

    def reconnected(self) -> None:
        """Begin with a new connection: half a line of the old one is no part of it."""
        self._parser = EventParser(self._parser.last_id, self._parser.retry_ms)

    def events(self, chunks: Iterable[bytes]) -> Iterable[Event]:
        """Yield event by event; what one piece brought too many is kept for the next time."""
        while self._waiting:
            yield self._waiting.popleft()
        for chunk in chunks:
            self.size += len(chunk)
            self._waiting.extend(self._parser.feed(chunk))
            while self._waiting:
                yield self._waiting.popleft()

    def find(self, chunks: Iterable[bytes], request: Request) -> Response | None:
        """Return the answer to a request; None: the connection ended without it."""
        for event in self.events(chunks):
            message = self._read(event)
            if response := read_response(message, request):
                return response
            self._ear.hear(message)
            self._answer_questions(message)
        return None

    def _read(self, event: Event) -> object:
        if event.type != "message":
            return None
        self.size += weigh(event.data) - len(event.data)
        return read_message(event.data)

    def _answer_questions(self, message: object) -> None:
        if self._tell is None:
            return
        for question in _questions(message):
            self._asked += 1
            if self._asked > _MOST_QUESTIONS:
                return
            known = question["method"] == "ping"
            outcome = {"result": {}} if known else {"error": _METHOD_NOT_FOUND}
            self._tell({"jsonrpc": "2.0", "id": question["id"], **outcome})


def read_message(text: str | bytes) -> object:
    """Read a message; None where it is none: a keep-alive, a page of HTML."""
    try:
        return parse(text)
    except NotJsonRpc:
        return None


def read_response(message: object, request: Request) -> Response | None:
    """Return the response to a request; None where there is none, or no one can say which."""
    try:
        return find_response(message, request.id)
    except NotJsonRpc:
        return None


def _questions(message: object) -> list[Mapping[str, object]]:
    return [
        item
        for item in items(message)
        if isinstance(item.get("method"), str) and _is_id(item.get("id"))
    ]


def _is_id(value: object) -> bool:
    match value:
        case bool():
            return False
        case int():
            return value.bit_length() <= 64
        case str():
            return len(value) <= 256
        case _:
            return False
