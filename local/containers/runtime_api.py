"""The Lambda Runtime API (version 2018-06-01) of one container."""

import json
import queue
import re
import secrets
import threading
import time
import uuid
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from local.containers.answer import PAYLOAD_LIMIT, Answer
from local.loopback import LoopbackServer, Reply, Request

_INVOCATION = re.compile(r"/2018-06-01/runtime/invocation/([^/]+)/(response|error)")
_ACCEPTED = Reply(202, [("Content-Type", "application/json")], b'{"status":"OK"}')
_GONE = Reply(410)


@dataclass(eq=False)
class Invocation:
    """One event on its way through a container."""

    payload: bytes = field(repr=False)
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    answer: Future[Answer] = field(default_factory=Future)
    taken: threading.Event = field(default_factory=threading.Event)
    """Set once the container has it, or never will."""
    delivered: bool = False

    def settle(self, answer: Answer) -> None:
        """Give the answer, unless there is one already."""
        with suppress(InvalidStateError):
            self.answer.set_result(answer)
        self.taken.set()

    def fail(self, error: str, message: str) -> None:
        """Settle with a failure in Lambda's words."""
        self.settle(Answer.failed(error, f"RequestId: {self.request_id} Error: {message}"))


class RuntimeApi:
    """Hands one event at a time to the runtime loop, and takes what it answers."""

    def __init__(self, function_arn: str, timeout: float) -> None:
        self._arn = function_arn
        self._timeout = timeout
        self._events: queue.SimpleQueue[Invocation | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._current: Invocation | None = None
        self._init_error: Answer | None = None
        self._end: tuple[str, str] | None = None
        self._server = LoopbackServer(PAYLOAD_LIMIT)
        self._server.serve(self._answer)

    @property
    def address(self) -> str:
        """What AWS_LAMBDA_RUNTIME_API says."""
        return f"127.0.0.1:{self._server.port}"

    def offer(self, invocation: Invocation) -> None:
        """Leave an event for the container's next request."""
        with self._lock:
            if self._end:
                return invocation.fail(*self._end)
            self._current = invocation
            return self._events.put(invocation)

    def end(self, error: str, message: str) -> None:
        """Settle what is under way, since the container is gone, and stop listening."""
        with self._lock:
            self._end = (error, message)
            if self._current and self._init_error:
                self._current.settle(self._init_error)
            elif self._current:
                self._current.fail(error, message)
        self._events.put(None)
        self._server.close()

    def _answer(self, request: Request) -> Reply:
        if request.path == "/2018-06-01/runtime/invocation/next":
            return self._next()
        if request.path == "/2018-06-01/runtime/init/error":
            self._init_error = _function_error(request.body)
            return _ACCEPTED
        if match := _INVOCATION.fullmatch(request.path):
            return self._finish(match[1], match[2], request)
        return Reply(404)

    def _next(self) -> Reply:
        invocation = self._events.get()
        if invocation is None:
            return _GONE
        invocation.delivered = True
        invocation.taken.set()
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + self._timeout) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": self._arn,
            "Lambda-Runtime-Trace-Id": _trace_id(),
        }
        return Reply(200, list(headers.items()), invocation.payload)

    def _finish(self, request_id: str, outcome: str, request: Request) -> Reply:
        invocation = self._current
        if invocation is None or invocation.request_id != request_id:
            return _error(400, "InvalidRequestID", "Invalid request ID")
        if request.oversize:
            message = "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
            invocation.settle(Answer.failed("Function.ResponseSizeTooLarge", message))
            return _error(413, "RequestEntityTooLarge", message)
        body = request.body
        invocation.settle(Answer(body) if outcome == "response" else _function_error(body))
        return _ACCEPTED


def _function_error(body: bytes) -> Answer:
    """Read what the runtime loop reports of an exception."""
    error: Any = json.loads(body or b"{}")
    return Answer(body, str(error.get("errorType") or "Unhandled"))


def _error(status: int, kind: str, message: str) -> Reply:
    body = {"errorType": kind, "errorMessage": message}
    return Reply(status, [("Content-Type", "application/json")], json.dumps(body).encode())


def _trace_id() -> str:
    root = f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"
    return f"Root={root};Parent={secrets.token_hex(8)};Sampled=0"
