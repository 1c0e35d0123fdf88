"""Stands between the functions and moto: judges every request by the policy of who sent it.

Who that is, the access key id of the signature says; each function has one of its own. The same
place is where a test lets a service fail for one function.
"""

import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
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
type PassOn = Callable[[], Reply]
"""Has the service carry the request out, and returns its answer."""
type Act = Callable[[Ask, PassOn], Reply]
"""Answers in the service's place: before it, after it, or without it."""


@dataclass(slots=True)
class Interruption:
    """What happens as soon as something fitting is asked for, so many times."""

    fits: Fits
    act: Act
    times: int
    _counting: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def begins(self, function: str, asks: Iterable[Ask]) -> Ask | None:
        """Return what fits of a request, if it is one; it counts."""
        with self._counting:
            found = next((ask for ask in asks if self.times and self.fits(function, ask)), None)
            self.times -= found is not None
            return found


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
        with self.interrupted(fits, lambda *_: AWAY, times):
            yield

    @contextmanager
    def meanwhile(self, fits: Fits, action: Callable[[], object]) -> Iterator[None]:
        """Do something right before the first request that fits; then let it pass."""

        def act(_: Ask, pass_on: PassOn) -> Reply:
            action()
            return pass_on()

        with self.interrupted(fits, act):
            yield

    @contextmanager
    def interrupted(self, fits: Fits, act: Act, times: int = 1) -> Iterator[None]:
        """Let something act in the service's place; a ConnectionError is no answer at all."""
        interruption = Interruption(fits, act, times)
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
            return failure(403, "UnrecognizedClientException", "Nobody here has this key.")
        target = request.header("x-amz-target") or ""
        try:
            asks = asks_of(target, json.loads(request.body))
        except (LookupError, ValueError):
            self.refusals.append(Judged(policy.function, Ask(target, "?"), ()))
            return failure(400, "UnknownOperationException", "This is not judged here.")
        if refused := self._refused(policy, asks):
            return _denied(policy.function, refused)
        return self._through(list(self._interruptions), policy.function, asks, request)

    def _through(
        self, left: list[Interruption], function: str, asks: list[Ask], request: Request
    ) -> Reply:
        """Let those that it fits act, each around the next; then the service."""
        for number, interruption in enumerate(left, 1):
            if ask := interruption.begins(function, asks):
                rest = left[number:]
                return interruption.act(ask, partial(self._through, rest, function, asks, request))
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
    return failure(400, "AccessDeniedException", message)


def failure(status: int, code: str, message: str) -> Reply:
    """Return an error as AWS's JSON services answer one."""
    body = json.dumps({"__type": code, "Message": message, "message": message})
    headers = [("Content-Type", "application/x-amz-json-1.0"), ("x-amzn-ErrorType", code)]
    return Reply(status, headers, body.encode())


AWAY = failure(500, "InternalServerError", "The service is away.")
