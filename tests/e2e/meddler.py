"""Stands between a caller and the API, and meddles with the requests that a test names."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from local.loopback import LoopbackServer, Reply, Request

_LIMIT = 1 << 20
_LEFT_OUT = {"content-length", "connection", "transfer-encoding", "content-encoding"}

type PassOn = Callable[[], Reply]
type Meddling = Callable[[PassOn], Reply]


class CutOffError(ConnectionError):
    """Raised by what meddles: the connection ends without an answer."""


@dataclass
class Meddler:
    """Passes on what nobody meddles with."""

    target: str
    meddling: dict[str, Meddling] = field(default_factory=dict)
    """By the request line's beginning, such as `PUT /v1/servers/`."""
    seen: list[str] = field(default_factory=list)
    """Method and path of each request, in order."""
    tokens: set[str] = field(default_factory=set)
    """The session tokens that came along."""
    _server: LoopbackServer = field(default_factory=lambda: LoopbackServer(_LIMIT), repr=False)

    @property
    def origin(self) -> str:
        """Where callers meet it; what they sign names it, and is passed on as it is."""
        return f"http://127.0.0.1:{self._server.port}"

    def answer(self, request: Request) -> Reply:
        """Answer as the API does, or as the test wants."""
        line = f"{request.method} {request.path}"
        self.seen.append(line)
        if token := request.header("x-amz-security-token"):
            self.tokens.add(token)
        for beginning, meddle in self.meddling.items():
            if line.startswith(beginning):
                return meddle(lambda: self._passed_on(request))
        return self._passed_on(request)

    def _passed_on(self, request: Request) -> Reply:
        query = f"?{request.query}" if request.query else ""
        answer = httpx.request(
            request.method,
            f"{self.target}{request.path}{query}",
            headers=request.headers,
            content=request.body,
            trust_env=False,
            timeout=35,
        )
        headers = [pair for pair in answer.headers.multi_items() if pair[0] not in _LEFT_OUT]
        return Reply(answer.status_code, headers, answer.content)


@contextmanager
def meddling_with(target: str) -> Iterator[Meddler]:
    """Start one before a deployment's address."""
    meddler = Meddler(target)
    meddler._server.serve(meddler.answer)
    try:
        yield meddler
    finally:
        meddler._server.close()
