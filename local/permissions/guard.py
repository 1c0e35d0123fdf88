"""Stands between the functions and moto: judges every request by the policy of who sent it.

Who that is, the access key id of the signature says; each function has one of its own. The same
place is where a test lets a service fail for one function.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

import httpx

from local.account import ACCOUNT, PARTITION
from local.loopback import LoopbackServer, Reply, Request
from local.permissions.asks import asks_of
from local.permissions.policies import Ask, Policy, Statement

_BODY_LIMIT = 1 << 23
_CREDENTIAL = re.compile(r"Credential=([^/\s]+)/")
_OF_THE_CONNECTION = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}


@dataclass(frozen=True, slots=True)
class Judged:
    """What one function asked for, and the statements that allow it: none, it was refused."""

    function: str
    ask: Ask
    by: tuple[Statement, ...]


type Fits = Callable[[str, Ask], bool]
"""Judges the function's logical id and what it asks for."""


@dataclass(slots=True)
class Interruption:
    """What happens as soon as something fitting is asked for, so many times."""

    fits: Fits
    act: Callable[[], Reply | None]
    """Returns the answer in the service's place, or None to let the request pass."""
    times: int

    def begins(self, function: str, asks: Iterable[Ask]) -> bool:
        """Return whether this request is one; it counts."""
        if self.times and any(self.fits(function, ask) for ask in asks):
            self.times -= 1
            return True
        return False


@dataclass
class Guard:
    """A proxy in front of moto; a context manager."""

    endpoint: str
    """Where moto is."""
    judged: list[Judged] = field(default_factory=list, repr=False)
    refusals: list[Judged] = field(default_factory=list, repr=False)
    """What was asked for and not allowed."""
    _interruptions: list[Interruption] = field(default_factory=list, repr=False)
    _policies: dict[str, Policy] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self._server = LoopbackServer(_BODY_LIMIT)
        # moto serves one request at a time: an idle connection would keep the others waiting.
        self._http = httpx.Client(
            trust_env=False, timeout=30, limits=httpx.Limits(max_keepalive_connections=0)
        )

    @property
    def address(self) -> str:
        """What AWS_ENDPOINT_URL says in a function's environment."""
        return f"http://127.0.0.1:{self._server.port}"

    def __enter__(self) -> Self:
        self._server.serve(self._answer)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()
        self._http.close()

    def admit(self, access_key_id: str, policy: Policy) -> None:
        """Hold whoever signs with this key to a policy."""
        self._policies[access_key_id] = policy

    @contextmanager
    def failing(self, fits: Fits, times: int = 1_000_000) -> Iterator[None]:
        """Let the service be away, for what fits alone."""
        with self._interrupted(Interruption(fits, lambda: _AWAY, times)):
            yield

    @contextmanager
    def meanwhile(self, fits: Fits, action: Callable[[], object]) -> Iterator[None]:
        """Do something right before the first request that fits; then let it pass."""

        def act() -> None:
            action()

        with self._interrupted(Interruption(fits, act, 1)):
            yield

    @contextmanager
    def _interrupted(self, interruption: Interruption) -> Iterator[None]:
        self._interruptions.append(interruption)
        try:
            yield
        finally:
            self._interruptions.remove(interruption)

    def _answer(self, request: Request) -> Reply:
        signed = _CREDENTIAL.search(request.header("authorization") or "")
        policy = self._policies.get(signed[1]) if signed else None
        if policy is None:
            self.refusals.append(Judged("?", Ask(request.header("x-amz-target") or "", "?"), ()))
            return _error(403, "UnrecognizedClientException", "Nobody here has this key.")
        target = request.header("x-amz-target") or ""
        try:
            asks = asks_of(target, json.loads(request.body))
        except (LookupError, ValueError):
            self.refusals.append(Judged(policy.function, Ask(target, "?"), ()))
            return _error(400, "UnknownOperationException", "This is not judged here.")
        if refused := self._refused(policy, asks):
            return _denied(policy.function, refused)
        for interruption in list(self._interruptions):
            if interruption.begins(policy.function, asks) and (reply := interruption.act()):
                return reply
        return self._passed_on(request)

    def _refused(self, policy: Policy, asks: list[Ask]) -> Ask | None:
        judged = [Judged(policy.function, ask, policy.allowing(ask)) for ask in asks]
        refusals = [each for each in judged if not each.by]
        self.judged += judged
        self.refusals += refusals
        return next((each.ask for each in refusals), None)

    def _passed_on(self, request: Request) -> Reply:
        kept = [(n, v) for n, v in request.headers if n.lower() not in _OF_THE_CONNECTION]
        url = f"{self.endpoint}{request.path}"
        answer = self._http.request(request.method, url, headers=kept, content=request.body)
        return Reply(answer.status_code, _kept(answer.headers), answer.content)


def _kept(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(n, v) for n, v in headers.items() if n.lower() not in _OF_THE_CONNECTION]


def _denied(function: str, ask: Ask) -> Reply:
    """Answer in AWS's words, so that a log says what is missing."""
    who = f"arn:{PARTITION}:sts::{ACCOUNT}:assumed-role/{function}Role/{function}"
    message = (
        f"User: {who} is not authorized to perform: {ask.action} on resource: {ask.resource} "
        "because no identity-based policy allows the action"
    )
    return _error(400, "AccessDeniedException", message)


def _error(status: int, code: str, message: str) -> Reply:
    body = json.dumps({"__type": code, "Message": message, "message": message})
    headers = [("Content-Type", "application/x-amz-json-1.0"), ("x-amzn-ErrorType", code)]
    return Reply(status, headers, body.encode())


_AWAY = _error(500, "InternalServerError", "The service is away.")
