"""The gateway's server: routes a request, checks who calls, asks the function, answers."""

import json
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from local.containers import ContainerPool, LambdaFunction, RequestTooLargeError
from local.gateway.answers import MalformedAnswerError, reply_to
from local.gateway.callers import Caller, Callers
from local.gateway.events import event_of
from local.gateway.routing import Match, Throttles, match
from local.loopback import LoopbackServer, Reply, Request
from local.template import Route

_PAYLOAD_LIMIT = 10 * 1024 * 1024


def _own(status: int, message: str) -> Reply:
    """Return an answer of the gateway itself."""
    body = json.dumps({"message": message}).encode()
    return Reply(status, [("Content-Type", "application/json")], body)


_FORBIDDEN = _own(403, "Forbidden")
_NOT_FOUND = _own(404, "Not Found")
_TOO_LARGE = _own(413, "Request Entity Too Large")
_TOO_MANY = _own(429, "Too Many Requests")
_BROKEN = _own(500, "Internal Server Error")
_UNAVAILABLE = _own(503, "Service Unavailable")


class Gateway:
    """Bound to its port when made, since others are told it; answers once it is open."""

    def __init__(self, pool: ContainerPool, access_log: Path) -> None:
        self._pool = pool
        self._access_log = access_log
        self._log_lock = threading.Lock()
        self._throttles = Throttles()
        self._server = LoopbackServer(_PAYLOAD_LIMIT)
        self._routes: Sequence[Route] = ()
        self._functions: Mapping[str, LambdaFunction] = {}
        self._callers = Callers({})
        self._seconds = 0.0

    @property
    def port(self) -> int:
        """The port on 127.0.0.1."""
        return self._server.port

    def open(
        self,
        routes: Sequence[Route],
        functions: Mapping[str, LambdaFunction],
        callers: Callers,
        seconds: float,
    ) -> None:
        """Begin to answer, waiting at most so many seconds for a function."""
        self._routes, self._functions, self._callers = routes, functions, callers
        self._seconds = seconds
        self._server.serve(self._serve)

    def close(self) -> None:
        """Stop answering."""
        self._server.close()

    def _serve(self, request: Request) -> Reply:
        began = time.monotonic()
        found = match(self._routes, request.method, request.path)
        reply = self._handle(request, found) if found else _NOT_FOUND
        self._log(request, found, reply.status, time.monotonic() - began)
        return reply

    def _handle(self, request: Request, found: Match) -> Reply:
        if request.oversize:
            return _TOO_LARGE
        if not self._admits(found.route):
            return _TOO_MANY
        if not found.route.signed:
            return self._invoke(request, found, None)
        caller = self._callers.authenticate(request)
        if caller is None or not caller.may_invoke(request.method, request.path):
            return _FORBIDDEN
        return self._invoke(request, found, caller)

    def _admits(self, route: Route) -> bool:
        return route.throttle is None or self._throttles.admits(route.key, route.throttle)

    def _invoke(self, request: Request, found: Match, caller: Caller | None) -> Reply:
        event = event_of(request, found, caller.identity() if caller else None)
        payload = json.dumps(event, ensure_ascii=False).encode()
        invocation = self._pool.submit(self._functions[found.route.function], payload)
        try:
            answer = invocation.result(timeout=self._seconds)
            return _BROKEN if answer.error else reply_to(answer.payload)
        except RequestTooLargeError:
            return _TOO_LARGE
        except TimeoutError:
            return _UNAVAILABLE
        except MalformedAnswerError:
            return _BROKEN

    def _log(self, request: Request, found: Match | None, status: int, seconds: float) -> None:
        """Write one line, without the query: it may carry tickets and codes."""
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "method": request.method,
            "path": request.path,
            "route": found.route.key if found else None,
            "status": status,
            "milliseconds": round(seconds * 1000, 1),
        }
        with self._log_lock, self._access_log.open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
