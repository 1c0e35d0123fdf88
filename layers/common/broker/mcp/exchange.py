"""One request to an MCP server, and its answer: JSON, or a stream of server-sent events."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import httpx

from broker.clock import Clock
from broker.errors import AnswerTimeout, AnswerTooLarge, NoAnswer, NotSent, OutboundError
from broker.outbound import AnswerStream, Outbound

from .challenge import Challenge
from .event_reader import EventReader, Tell, read_message, read_response
from .failures import InsufficientScope, Unauthorized, slow_down, unanswered
from .messages import Request, Response, encode
from .notices import Ear
from .weight import weigh

_REFUSAL_CAP = 64 * 1024
_REPLY_SECONDS = 5.0
_RETRY_DEFAULT, _RETRY_SHORTEST = 1000, 100
"""Milliseconds before a stream is taken up again; the standard leaves the default to us."""
SESSION_ID = re.compile(r"[\x21-\x7e]{1,4096}")  # 2025-11-25, Session Management
_MOST_RESUMPTIONS, _MOST_FAILURES = 100, 3


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that came whole: ``response`` is None where it holds no JSON-RPC response."""

    status: int
    headers: httpx.Headers = field(repr=False)
    response: Response | None
    size: int
    """What its body weighs, as far as it was read (``weight``)."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """Speaks to one server, with one user's credentials, until one deadline."""

    outbound: Outbound
    clock: Clock
    url: str
    credentials: Mapping[str, str] = field(repr=False)
    deadline: float
    ear: Ear = field(default_factory=Ear)

    def post(self, request: Request, headers: Mapping[str, str], *, cap: int, older: bool) -> Reply:
        """Send a request and read its answer; any status but those below is for the caller.

        ``older``: as servers of before 2026-07-28 may, this one may ask back inside a stream, and
        break it off to be asked for the rest (2025-11-25, Resumability and Redelivery). So may
        one that shows its age by a session id, which no later one gives. The request itself is
        sent once.

        Raises:
            Unauthorized, InsufficientScope: 401, and 403 for want of scopes.
            TooManyRequests: 429.
            McpServerTimeout, McpResultTooLarge, McpServerError: No whole answer came.
        """
        reader = EventReader(self.ear, self._tell(headers) if older else None)
        try:
            with self.opened("POST", self.url, headers, request.encode(), cap) as answer:
                if answer.status >= 400:
                    return self.read_refusal(answer, request)
                if not is_stream(answer):
                    return self._read_whole(answer, request, cap)
                status, said = answer.status, answer.headers
                again = headers if older else _in_its_session(headers, said)
                response = _find(reader, answer, request, resumable=again is not None)
            if response is None and again is not None:
                response = self._resume(reader, request, again, cap)
            if response is None:
                raise NoAnswer("the stream ended")
        except OutboundError as exc:
            raise unanswered(exc, request.method) from exc
        return Reply(status, said, response, reader.size)

    def notify(self, message: Mapping[str, object], headers: Mapping[str, str]) -> None:
        """Post what has no answer; raise OutboundError if it could not be told."""
        with self.outbound.stream(
            "POST",
            self.url,
            headers={**self._credentials(), **headers},
            content=encode(message),
            deadline=min(self.deadline, self.clock.monotonic() + _REPLY_SECONDS),
            cap=_REFUSAL_CAP,
        ) as answer:
            if not is_stream(answer):
                answer.read()  # so that the connection can be used again

    @contextmanager
    def opened(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes | None,
        cap: int,
    ) -> Iterator[AnswerStream]:
        """Send and let the answer be read piece by piece; raise OutboundError."""
        sent = {**self._credentials(), **headers}
        if content is None:
            sent |= {"Accept": "text/event-stream"}
            del sent["Content-Type"]
        with self.outbound.stream(
            method, url, headers=sent, content=content, deadline=self.deadline, cap=cap
        ) as answer:
            yield answer

    def read_refusal(self, answer: AnswerStream, request: Request) -> Reply:
        """Read an answer of 400 and up; raises as post()."""
        body = beginning(answer)
        if answer.status == 401:
            raise Unauthorized(Challenge.read(answer.headers, body))
        if answer.status == 403:
            challenge = Challenge.read(answer.headers, body)
            if challenge.error == "insufficient_scope":
                raise InsufficientScope(challenge)
        if answer.status == 429:
            raise slow_down(answer.headers.get("retry-after"), self.clock.now())
        return _reply(answer, body, request)

    def _credentials(self) -> dict[str, str]:
        return {
            **self.credentials,
            "Accept": "application/json, text/event-stream",
            "Content-Type": "application/json",
        }

    def _read_whole(self, answer: AnswerStream, request: Request, cap: int) -> Reply:
        body = answer.read()
        size = weigh(body.decode("latin-1"), cap)  # a character a byte, whatever it stands for
        message = read_message(body)
        self.ear.hear(message)
        return Reply(answer.status, answer.headers, read_response(message, request), size)

    def _resume(
        self, reader: EventReader, request: Request, headers: Mapping[str, str], cap: int
    ) -> Response | None:
        """Ask for the rest of a stream until the answer comes (GET with Last-Event-ID).

        Whatever is refused here, 401 included, says nothing of the request, which arrived: it
        only means that its answer is lost (None).
        """
        failures = 0
        for _ in range(_MOST_RESUMPTIONS):
            last_id = reader.last_id
            if last_id is None:
                return None
            self._wait(reader.retry_ms)
            reader.reconnected()
            asked = {**headers, "Last-Event-ID": last_id}
            try:
                with self.opened("GET", self.url, asked, None, cap - reader.size) as answer:
                    if not is_stream(answer):
                        return None
                    if response := _find(reader, answer, request, resumable=True):
                        return response
            except NotSent:
                failures += 1
                if failures == _MOST_FAILURES:
                    raise NoAnswer("the stream could not be taken up again") from None
        return None

    def _wait(self, retry_ms: int | None) -> None:
        wait = max(_RETRY_DEFAULT if retry_ms is None else retry_ms, _RETRY_SHORTEST) / 1000
        if self.clock.monotonic() + wait >= self.deadline:
            raise AnswerTimeout("The server wants to be asked again after the deadline.")
        self.clock.sleep(wait)

    def _tell(self, headers: Mapping[str, str]) -> Tell:
        def tell(message: Mapping[str, object]) -> None:
            # A server that takes no answer may still give one.
            with suppress(OutboundError):
                self.notify(message, headers)

        return tell


def is_stream(answer: AnswerStream) -> bool:
    """Say whether an answer is a success that comes as server-sent events."""
    media_type = answer.headers.get("content-type", "").partition(";")[0]
    is_events = bool(media_type.strip().lower() == "text/event-stream")
    return is_events and 200 <= answer.status < 300


def beginning(answer: AnswerStream) -> bytes:
    """Read as much of an answer as may say why; a body that breaks off changes nothing."""
    body = bytearray()
    try:
        for chunk in answer.chunks():
            body += chunk
            if len(body) > _REFUSAL_CAP:
                break
    except OutboundError:
        pass
    return bytes(body[:_REFUSAL_CAP])


def _in_its_session(
    headers: Mapping[str, str], answered: httpx.Headers
) -> Mapping[str, str] | None:
    """Return a request's headers with the session that the answer names; None: it names none.

    There are servers of 2025 that answer a 2026-07-28 request as if it were one of theirs.
    """
    session = answered.get("mcp-session-id", "")
    if not SESSION_ID.fullmatch(session):
        return None
    kept = {name: value for name, value in headers.items() if not name.startswith("Mcp-")}
    return {**kept, "Mcp-Session-Id": session}


def _find(
    reader: EventReader, answer: AnswerStream, request: Request, *, resumable: bool
) -> Response | None:
    """Read until the answer; None where the connection ended and another may go on with it."""
    try:
        return reader.find(answer.chunks(), request)
    except (AnswerTimeout, AnswerTooLarge):
        raise
    except NoAnswer:
        if not resumable or reader.last_id is None:
            raise
        return None


def _reply(answer: AnswerStream, body: bytes, request: Request) -> Reply:
    response = read_response(read_message(body), request)
    return Reply(answer.status, answer.headers, response, len(body))
