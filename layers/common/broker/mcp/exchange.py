"""One POST to an MCP server, and its answer: JSON, or a stream of server-sent events."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from broker.clock import Clock
from broker.errors import NoAnswer, OutboundError
from broker.outbound import AnswerStream, Outbound

from .challenge import Challenge
from .failures import InsufficientScope, Unauthorized, slow_down, unanswered
from .messages import NotJsonRpc, Request, Response, encode, find_response, items, parse
from .sse import EventParser

CAP = 4 * 1024 * 1024
"""Bytes of an answer, as received."""
_REFUSAL_CAP = 64 * 1024
_MOST_QUESTIONS = 20
_REPLY_SECONDS = 5.0
_METHOD_NOT_FOUND = {"code": -32601, "message": "Method not found"}


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that came whole: ``response`` is None where it holds no JSON-RPC response."""

    status: int
    headers: httpx.Headers = field(repr=False)
    response: Response | None
    size: int
    """Bytes of its body, as far as it was read."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """Posts to one server, with one user's credentials, until one deadline."""

    outbound: Outbound
    clock: Clock
    url: str
    credentials: Mapping[str, str] = field(repr=False)
    deadline: float

    def post(
        self, request: Request, headers: Mapping[str, str], *, cap: int, questions: bool
    ) -> Reply:
        """Send a request and read its answer; any status but those below is for the caller.

        ``questions``: this server may ask back inside a stream, as servers of before 2026 do; it
        is told that a ping is heard, and that nothing else is known.

        Raises:
            Unauthorized, InsufficientScope: 401, and 403 for want of scopes.
            TooManyRequests: 429.
            McpServerTimeout, McpResultTooLarge, McpServerError: No whole answer came.
        """
        try:
            with self.outbound.stream(
                "POST",
                self.url,
                headers=self._headers(headers),
                content=request.encode(),
                deadline=self.deadline,
                cap=cap,
            ) as answer:
                if answer.status >= 400:
                    return self._read_refusal(answer, request)
                if 200 <= answer.status < 300 and _is_stream(answer.headers):
                    return self._read_stream(answer, request, headers if questions else None)
                return _reply(answer, answer.read(), request)
        except OutboundError as exc:
            raise unanswered(exc, request.method) from exc

    def notify(self, message: Mapping[str, object], headers: Mapping[str, str]) -> None:
        """Post what has no answer; raise OutboundError if it could not be told."""
        with self.outbound.stream(
            "POST",
            self.url,
            headers=self._headers(headers),
            content=encode(message),
            deadline=min(self.deadline, self.clock.monotonic() + _REPLY_SECONDS),
            cap=_REFUSAL_CAP,
        ) as answer:
            if not _is_stream(answer.headers):
                answer.read()  # so that the connection can be used again

    def _headers(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        return {
            **self.credentials,
            "Accept": "application/json, text/event-stream",
            "Content-Type": "application/json",
            **headers,
        }

    def _read_refusal(self, answer: AnswerStream, request: Request) -> Reply:
        body = _beginning(answer)
        if answer.status == 401:
            raise Unauthorized(Challenge.read(answer.headers, body))
        if answer.status == 403:
            challenge = Challenge.read(answer.headers, body)
            if challenge.error == "insufficient_scope":
                raise InsufficientScope(challenge)
        if answer.status == 429:
            raise slow_down(answer.headers.get("retry-after"), self.clock.now())
        return _reply(answer, body, request)

    def _read_stream(
        self, answer: AnswerStream, request: Request, ask_back: Mapping[str, str] | None
    ) -> Reply:
        parser, size, questions = EventParser(), 0, 0
        for chunk in answer.chunks():
            size += len(chunk)
            for event in parser.feed(chunk):
                message = _message(event.data) if event.type == "message" else None
                if response := _response(message, request):
                    return Reply(answer.status, answer.headers, response, size)
                asked = [] if ask_back is None else _questions(message)
                questions += len(asked)
                if ask_back is not None and questions <= _MOST_QUESTIONS:
                    self._answer_all(asked, ask_back)
        # Not repeated, whatever its Last-Event-ID: the request arrived.
        raise unanswered(NoAnswer("the stream ended"), request.method)

    def _answer_all(
        self, questions: list[Mapping[str, object]], headers: Mapping[str, str]
    ) -> None:
        for question in questions:
            known = question["method"] == "ping"
            outcome = {"result": {}} if known else {"error": _METHOD_NOT_FOUND}
            try:
                self.notify({"jsonrpc": "2.0", "id": question["id"], **outcome}, headers)
            except OutboundError:
                return  # a server that takes no answer may still give one


def _is_stream(headers: httpx.Headers) -> bool:
    media_type = headers.get("content-type", "").partition(";")[0]
    return bool(media_type.strip().lower() == "text/event-stream")


def _beginning(answer: AnswerStream) -> bytes:
    """Read as much of a refusal as may say why; a body that breaks off changes nothing."""
    body = bytearray()
    try:
        for chunk in answer.chunks():
            body += chunk
            if len(body) > _REFUSAL_CAP:
                break
    except OutboundError:
        pass
    return bytes(body[:_REFUSAL_CAP])


def _reply(answer: AnswerStream, body: bytes, request: Request) -> Reply:
    response = _response(_message(body), request)
    return Reply(answer.status, answer.headers, response, len(body))


def _message(text: str | bytes) -> object:
    """Read a message; None where it is none: a keep-alive, a page of HTML."""
    try:
        return parse(text)
    except NotJsonRpc:
        return None


def _response(message: object, request: Request) -> Response | None:
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
