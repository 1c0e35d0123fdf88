"""An authorization server that does what it is told to one request of one grant."""

import itertools
import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qsl

from tests.faults import wire
from tests.faults.families import Family, Misbehaviour, Presented, Rotation
from tests.faults.simulated import SharedTime

_JSON = ("Content-Type", "application/json")
_NONE = Misbehaviour()

type Judge = Callable[[Family], Misbehaviour | None]


def refusing(status: int, error: str, *headers: tuple[str, str]) -> wire.Message:
    """Return an error of RFC 6749 §5.2."""
    return wire.reply(status, json.dumps({"error": error}).encode(), _JSON, *headers)


@dataclass
class AuthorizationServer:
    """Token and revocation endpoint on a port of this machine; a context manager."""

    time: SharedTime
    families: dict[int, Family] = field(default_factory=dict, repr=False)
    everybody: Judge | None = None
    """What goes wrong for everybody whose grant has no script."""
    revoked: list[str] = field(default_factory=list)
    _codes: dict[str, Family] = field(default_factory=dict, repr=False)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self._listener = wire.Listener(self._serve)

    def __enter__(self) -> Self:
        self._listener.open()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    @property
    def origin(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._listener.port}"

    def goes_down(self) -> None:
        """Refuse connections."""
        self._listener.close()

    def comes_back(self) -> None:
        """Take connections again."""
        self._listener.open()

    def consent(self, user: str, rotation: Rotation, life: int) -> str:
        """Let a user have consented; return the authorization code."""
        with self._lock:
            family = Family(next(self._numbers), rotation, life, user)
            self._codes[code := f"code.{family.number}"] = family
        return code

    def of(self, user: str) -> Family:
        """Return the newest grant of a user."""
        return [each for each in list(self.families.values()) if each.user == user][-1]

    @property
    def requests(self) -> int:
        """How many refresh requests came in, of all grants."""
        return sum(family.requests for family in list(self.families.values()))

    def _serve(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            request = wire.read(stream)
        if request is None:
            return
        path = request.start.split(" ")[1]
        sent = dict(parse_qsl(request.body.decode()))
        if path == "/revoke":
            connection.sendall(self._revoke(sent["token"]).encoded())
        elif sent["grant_type"] == "authorization_code":
            connection.sendall(self._exchange(sent["code"]).encoded())
        else:
            self._refresh(connection, sent["refresh_token"])

    def _exchange(self, code: str) -> wire.Message:
        with self._lock:
            family = self._codes.pop(code)
            self.families[family.number] = family
        return _said(family.set_at(0))

    def _refresh(self, connection: socket.socket, token: str) -> None:
        _, number, place = token.split(".")
        family = self.families[int(number)]
        wrong = self._wrong(family)
        if wrong.before:
            wrong.before()
        answer = self._processed(family, int(place), wrong)
        if wrong.during:
            wrong.during()
        if wrong.silent:
            return
        whole = (wrong.answer or answer).encoded()
        connection.sendall(whole[: len(whole) - 25] if wrong.cut else whole)

    def _wrong(self, family: Family) -> Misbehaviour:
        with family.lock:
            if family.script:
                return family.script.popleft() or _NONE
        return (self.everybody and self.everybody(family)) or _NONE

    def _processed(self, family: Family, place: int, wrong: Misbehaviour) -> wire.Message:
        now = self.time.now()
        with family.lock:
            if not wrong.processes:
                family.log.append(Presented(now, place, "unprocessed"))
                return wire.reply(500, b"")
            issued, outcome = family.present(place, now)
            family.log.append(Presented(now, place, outcome))
            if issued is None:
                return refusing(400, "invalid_grant")
            family.losses += wrong.loses
            told = family.set_at(issued)
            told.pop(wrong.without, None)
            return _said(told)

    def _revoke(self, token: str) -> wire.Message:
        kind, number, _ = token.split(".")
        family = self.families[int(number)]
        with family.lock:
            self.revoked.append(token)
            if kind == "rt" and not family.ended:
                family.ended = "revoked"
        return wire.reply(200, b"")


def _said(told: dict[str, object]) -> wire.Message:
    return wire.reply(200, json.dumps(told).encode(), _JSON, ("Cache-Control", "no-store"))
