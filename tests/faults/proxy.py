"""Stands between the workers and the AWS services: what fails here, fails before or after.

Each connection of a worker has one of its own to the services: nothing is serialised.
"""

import contextlib
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import cached_property
from typing import IO, Any, Self

from tests.faults import wire
from tests.faults.simulated import SharedTime

CONNECTIONS = "ConnectionsTable"
_CREDENTIAL = re.compile(r"Credential=([^/\s]+)/")


class Cut:
    """What an act returns to have the connection closed without an answer."""


CUT = Cut()


@dataclass(frozen=True)
class Asked:
    """One request: who asks for what."""

    worker: str
    operation: str
    body: dict[str, Any] = field(repr=False)

    @property
    def table(self) -> str:
        """The table, empty where it is none."""
        return str(self.body.get("TableName", ""))

    @property
    def user(self) -> str:
        """The user of the row that is asked for, empty where there is none."""
        key = self.body.get("Key") or self.body.get("Item") or {}
        return str(key.get("user_id", {}).get("S", ""))

    @cached_property
    def write(self) -> str:
        """What it writes to a connection: ``lease``, ``set``, ``release``, ``flag``, or nothing."""
        if self.operation != "UpdateItem" or self.table != CONNECTIONS:
            return ""
        changed = self._changed()
        if "generation" in changed:
            return "set"
        if {"status", "reason"} <= changed:
            return "flag"
        if "attempts" in changed:
            return "release"
        return "lease" if "lease_id" in changed else ""

    def _changed(self) -> set[str]:
        names = self.body.get("ExpressionAttributeNames", {})
        marks = re.findall(r"#\w+", self.body.get("UpdateExpression", ""))
        return {names[mark] for mark in marks if mark in names}


type Fits = Callable[[Asked], bool]
type Act = Callable[[Asked], wire.Message | Cut | None]
"""Returns the answer in the service's place, CUT, or None to let things go on."""


@dataclass(slots=True)
class Rule:
    """What happens before or after what fits, so many times."""

    fits: Fits
    before: Act | None
    after: Act | None
    times: int
    met: int = 0
    """How many did fit."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A line of the proxy's log."""

    worker: str
    operation: str
    table: str
    user: str
    refused: bool
    """The condition of the write did not hold."""


@dataclass
class Proxy:
    """The way to the services; a context manager."""

    upstream: int
    """The services' port."""
    time: SharedTime
    log: list[Seen] = field(default_factory=list, repr=False)
    holders: dict[str, str] = field(default_factory=dict, repr=False)
    """Which worker holds the lease of a user's connection."""
    _rules: list[Rule] = field(default_factory=list, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self._listener = wire.Listener(self._serve)

    def __enter__(self) -> Self:
        self._listener.open()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    @property
    def url(self) -> str:
        """What AWS_ENDPOINT_URL says in a worker's environment."""
        return f"http://127.0.0.1:{self._listener.port}"

    @contextmanager
    def rule(
        self,
        fits: Fits,
        *,
        before: Act | None = None,
        after: Act | None = None,
        times: int = 1_000_000,
        required: bool = True,
    ) -> Iterator[Rule]:
        """Let something happen to the next requests that fit; raise where a required none came."""
        rule = Rule(fits, before, after, times)
        self._rules.append(rule)
        try:
            yield rule
        finally:
            self._rules.remove(rule)
        assert rule.met or not required, "nothing that fits was asked for"

    def _serve(self, connection: socket.socket) -> None:
        upstream = _Upstream(self.upstream)
        stream = connection.makefile("rb")
        with stream, contextlib.closing(upstream):
            while (request := wire.read(stream)) is not None:
                answer = self._answer(request, upstream)
                if isinstance(answer, Cut):
                    return
                connection.sendall(answer.encoded())

    def _answer(self, request: wire.Message, upstream: "_Upstream") -> wire.Message | Cut:
        asked = _asked(request)
        rules = self._met(asked)
        for rule in rules:
            if rule.before and (said := rule.before(asked)) is not None:
                self._note(asked, refused=False)
                return said
        answer = upstream.exchange(request)
        self._note(asked, refused=b"ConditionalCheckFailedException" in answer.body[:400])
        if answer.start.split(" ")[1] == "200":
            self._applied(asked)
        for rule in rules:
            if rule.after and (said := rule.after(asked)) is not None:
                return said
        return self._dated(answer)

    def _met(self, asked: Asked) -> list[Rule]:
        met = [rule for rule in list(self._rules) if rule.fits(asked)]
        with self._lock:
            met = [rule for rule in met if rule.times > 0]
            for rule in met:
                rule.times -= 1
                rule.met += 1
        return met

    def _note(self, asked: Asked, *, refused: bool) -> None:
        seen = Seen(asked.worker, asked.operation, asked.table, asked.user, refused)
        self.log.append(seen)

    def _applied(self, asked: Asked) -> None:
        if asked.write == "lease":
            self.holders[asked.user] = asked.worker
        elif asked.write:
            self.holders.pop(asked.user, None)

    def _dated(self, answer: wire.Message) -> wire.Message:
        """Say the simulated time: the table's."""
        date = formatdate(self.time.now(), usegmt=True)
        kept = tuple(each for each in answer.headers if each[0].lower() != "date")
        return wire.Message(answer.start, (*kept, ("Date", date)), answer.body)


class _Upstream:
    """A connection to the services, made again where it was closed in between."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None
        self._stream: IO[bytes] | None = None

    def exchange(self, request: wire.Message) -> wire.Message:
        """Send and read; a connection that ended while it was idle has processed nothing."""
        idle = self._socket is not None
        answer = self._once(request)
        if answer is None and idle:
            answer = self._once(request)
        if answer is None:
            raise ConnectionError("the services are gone")
        return answer

    def _once(self, request: wire.Message) -> wire.Message | None:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port))
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._stream = self._socket.makefile("rb")
        assert self._stream
        with contextlib.suppress(ConnectionError):
            self._socket.sendall(request.encoded())
            if (answer := wire.read(self._stream)) is not None:
                return answer
        self.close()
        return None

    def close(self) -> None:
        """End the connection."""
        if self._stream and self._socket:
            self._stream.close()
            self._socket.close()
        self._socket = self._stream = None


def _asked(request: wire.Message) -> Asked:
    signed = _CREDENTIAL.search(request.header("authorization"))
    operation = request.header("x-amz-target").rpartition(".")[2]
    body = json.loads(request.body) if request.body[:1] == b"{" else {}
    return Asked(signed[1] if signed else "", operation, body)
