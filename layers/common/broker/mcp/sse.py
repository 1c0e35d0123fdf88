"""Server-sent events, read as they come (WHATWG HTML §9.2)."""

import codecs
import re
from dataclasses import dataclass, field

_LINE_END = re.compile(r"\r\n|\r|\n")  # and no other: str.splitlines knows seven more


@dataclass(frozen=True, slots=True)
class Event:
    """One event; ``type`` is ``message`` unless the stream named another."""

    type: str
    data: str = field(repr=False)
    id: str
    """The last event id so far, for Last-Event-ID."""


class EventParser:
    """Turns bytes into events, however they are cut; keeps ``retry_ms`` as last told.

    ``last_id`` is that of the last event that came whole: from there a broken stream is resumed,
    with a parser that is told it (and ``retry_ms``). It does NOT limit sizes: the door's cap on
    the body bounds what can pile up in here.
    """

    def __init__(self, last_id: str = "", retry_ms: int | None = None) -> None:
        self.last_id = last_id
        self.retry_ms = retry_ms
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._at_start = True
        self._after_cr = False
        self._line: list[str] = []  # a huge line comes in many pieces: joined once
        self._type = ""
        self._data: list[str] = []
        self._id = last_id

    def feed(self, chunk: bytes) -> list[Event]:
        """Return the events that this piece of the stream completes."""
        text = self._decoder.decode(chunk)
        if not text:
            return []
        if self._at_start:
            self._at_start = False
            text = text.removeprefix("\ufeff")
        if self._after_cr:
            text = text.removeprefix("\n")
            self._after_cr = False
        self._after_cr = text.endswith("\r")
        first, *rest = _LINE_END.split(text)
        self._line.append(first)
        events = []
        for piece in rest:
            if event := self._read("".join(self._line)):
                events.append(event)
            self._line = [piece]
        return events

    def _read(self, line: str) -> Event | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(":")
        self._set(name, value.removeprefix(" "))
        return None

    def _set(self, name: str, value: str) -> None:
        match name:
            case "data":
                self._data.append(value)
            case "event":
                self._type = value
            case "id" if "\0" not in value:
                self._id = value
            case "retry" if value.isascii() and value.isdigit() and len(value) < 10:
                self.retry_ms = int(value)
            case _:  # a comment, or a field of the future
                pass

    def _dispatch(self) -> Event | None:
        data, self._data = self._data, []
        type_, self._type = self._type, ""
        self.last_id = self._id
        return Event(type_ or "message", "\n".join(data), self._id) if data else None
