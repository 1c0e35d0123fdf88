"""Stands before the authorization server's token endpoint: a test acts on what passes."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Self
from urllib.parse import parse_qsl

import httpx

from local.loopback import LoopbackServer, Reply, Request

_LIMIT = 1 << 16
_PASSED_ON = {"accept", "authorization", "content-type"}
_SECONDS = 70.0

type Form = Mapping[str, str]
type PassOn = Callable[[], Reply]
type Act = Callable[[PassOn], Reply]


@dataclass(slots=True)
class _Interruption:
    fits: Callable[[Form], bool]
    act: Act
    times: int


@dataclass
class TokenDoor:
    """Passes on what nobody interrupts; a context manager."""

    target: str = ""
    """The authorization server's origin, by address."""
    _interruptions: list[_Interruption] = field(default_factory=list, repr=False)
    _counting: Lock = field(default_factory=Lock, repr=False)

    def __post_init__(self) -> None:
        self._server = LoopbackServer(_LIMIT)

    @property
    def origin(self) -> str:
        """Where the product meets it."""
        return f"http://127.0.0.1:{self._server.port}"

    def __enter__(self) -> Self:
        self._server.serve(self._answer)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()

    @contextmanager
    def interrupted(self, client_id: str, act: Act, times: int = 1) -> Iterator[None]:
        """Act on so many refresh requests of a client; a ConnectionError is no answer at all."""

        def fits(form: Form) -> bool:
            asked = (form.get("client_id"), form.get("grant_type"))
            return asked == (client_id, "refresh_token")

        interruption = _Interruption(fits, act, times)
        self._interruptions.append(interruption)
        try:
            yield
        finally:
            self._interruptions.remove(interruption)

    def _answer(self, request: Request) -> Reply:
        form = dict(parse_qsl(request.body.decode("latin-1")))
        for interruption in list(self._interruptions):
            if self._begins(interruption, form):
                return interruption.act(lambda: self._passed_on(request))
        return self._passed_on(request)

    def _begins(self, interruption: _Interruption, form: Form) -> bool:
        with self._counting:
            if interruption.times and interruption.fits(form):
                interruption.times -= 1
                return True
            return False

    def _passed_on(self, request: Request) -> Reply:
        answer = httpx.request(
            request.method,
            f"{self.target}{request.path}",
            headers=[pair for pair in request.headers if pair[0].lower() in _PASSED_ON],
            content=request.body,
            trust_env=False,
            timeout=_SECONDS,
        )
        kept = ("content-type", "retry-after")
        headers = [pair for pair in answer.headers.multi_items() if pair[0] in kept]
        return Reply(answer.status_code, headers, answer.content)
