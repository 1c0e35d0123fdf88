"""Connections of the door out: to judged addresses only, kept for a moment or not at all."""

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx
import pytest

from broker.clock import Clock
from broker.errors import AddressBlocked, AnswerTimeout
from broker.outbound import GuardedTransport, Obstacle, Outbound, Unreached
from broker.outbound.names import system_lookup
from broker.outbound.urls import parse_origins
from tests.unit.test_outbound_loopback import (
    CHUNKED,
    NEVER,
    OK,
    SOON,
    Place,
    StillClock,
    answering,
    ask,
    door_to,
    persistent,
    serving,
)


@dataclass(frozen=True, slots=True)
class MovedClock(Clock):
    """The real clock, moved on request: the wall alone, or the monotonic one."""

    wall: list[float] = field(default_factory=lambda: [0.0])
    mono: list[float] = field(default_factory=lambda: [0.0])

    def now(self) -> datetime:
        return Clock.now(self) + timedelta(seconds=self.wall[0])

    def monotonic(self) -> float:
        return Clock.monotonic(self) + self.mono[0]


def test_a_refused_connection_is_not_sent() -> None:
    with serving(answering()) as place:
        pass
    with pytest.raises(Unreached) as failed:
        ask(place)
    assert failed.value.obstacle is Obstacle.CONNECTION


def test_a_deadline_that_passes_while_connecting_means_that_nothing_left() -> None:
    class Late(MovedClock):
        """Frozen and thawed once the connection stands, before the first byte."""

        def now(self) -> datetime:
            self.mono[0] = 1000.0  # the socket is first looked at when it is connected
            return MovedClock.now(self)

    clock = Late()
    with serving(answering(OK)) as place, door_to(place, clock) as door:
        deadline = Clock().monotonic() + NEVER
        with pytest.raises(Unreached) as failed:
            door.send("POST", place.url, headers={}, deadline=deadline, cap=10, fresh=True)
    assert failed.value.obstacle is Obstacle.DEADLINE
    assert not any(place.received)


def ask_twice(place: Place, *, fresh: bool, between: float = 0) -> None:
    clock = MovedClock()
    with door_to(place, clock) as door:
        for _ in range(2):
            deadline = clock.monotonic() + NEVER
            door.send("POST", place.url, headers={}, deadline=deadline, cap=10, fresh=fresh)
            clock.wall[0] += between


def test_a_connection_is_kept_for_the_next_request() -> None:
    with serving(persistent) as place:
        ask_twice(place, fresh=False)
    assert len(place.received) == 1


def test_a_fresh_request_has_a_connection_of_its_own() -> None:
    with serving(persistent) as place:
        ask_twice(place, fresh=True)
    assert len(place.received) == 2


def test_a_connection_from_before_a_freeze_is_not_used_again() -> None:
    with serving(persistent) as place:
        ask_twice(place, fresh=False, between=30)
    assert len(place.received) == 2


@pytest.mark.parametrize("pieces", [(OK + OK,), (CHUNKED + b"2\r\nok\r\n0\r\n\r\n" + OK,)])
def test_a_connection_with_an_answer_nobody_asked_for_is_not_used_again(
    pieces: tuple[bytes, ...],
) -> None:
    with serving(answering(*pieces, hang=True)) as place:
        ask_twice(place, fresh=False)
    assert len(place.received) == 2


def test_a_connection_the_server_closed_is_not_used_again() -> None:
    with serving(answering(OK)) as place, door_to(place) as door:
        for _ in range(2):
            place.closed.clear()
            deadline = time.monotonic() + NEVER
            door.send("POST", place.url, headers={}, deadline=deadline, cap=10)
            assert place.closed.wait(NEVER)
    assert len(place.received) == 2


BLOCKED = ["127.0.0.1", "::1", "169.254.169.254", "10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"]


@pytest.mark.parametrize("address", BLOCKED)
@pytest.mark.parametrize("others", [[], ["93.184.215.14"]])
def test_a_name_with_one_bad_address_is_never_connected(address: str, others: list[str]) -> None:
    with serving(answering(OK)) as tripwire:
        transport = GuardedTransport(Clock(), lookup=lambda _: [*others, address])
        door = Outbound(Clock(), transport)
        url = f"https://mcp.example.com:{tripwire.port}/"
        with pytest.raises(AddressBlocked) as blocked:
            door.send("GET", url, headers={}, deadline=Clock().monotonic() + 5, cap=10)
    assert tripwire.received == []
    assert address not in str(blocked.value)


def test_the_judged_address_is_the_connected_one(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([["93.184.215.14", "2606:4700::1111"], ["127.0.0.1"]])
    connected: list[tuple[str, int]] = []

    def connect(address: str, port: int, _seconds: float) -> socket.socket:
        connected.append((address, port))
        raise ConnectionRefusedError

    monkeypatch.setattr("broker.outbound.network._connect", connect)
    door = Outbound(Clock(), GuardedTransport(Clock(), lookup=lambda _: next(answers)))
    with pytest.raises(Unreached):
        door.send(
            "GET",
            "https://rebinding.example.com/",
            headers={},
            deadline=Clock().monotonic() + 5,
            cap=10,
        )
    assert connected == [("93.184.215.14", 443), ("2606:4700::1111", 443)]
    assert next(answers) == ["127.0.0.1"]  # the name was asked for once


def fail_to_resolve(_host: str) -> list[str]:
    raise socket.gaierror(socket.EAI_NONAME, "unknown")


@pytest.mark.parametrize("lookup", [fail_to_resolve, lambda _: []])
def test_a_name_without_an_address_is_not_sent(lookup: Callable[[str], list[str]]) -> None:
    door = Outbound(Clock(), GuardedTransport(Clock(), lookup=lookup))
    with pytest.raises(Unreached) as failed:
        door.send(
            "GET", "https://mcp.example.com/", headers={}, deadline=Clock().monotonic() + 5, cap=1
        )
    assert failed.value.obstacle is Obstacle.NAME


def test_a_resolver_that_hangs_does_not_outlive_the_deadline() -> None:
    over = threading.Event()

    def hang(_host: str) -> list[str]:
        over.wait()
        return []

    door = Outbound(Clock(), GuardedTransport(Clock(), lookup=hang))
    for _ in range(20):  # more often than look-ups may hang at once
        with pytest.raises(Unreached) as failed:
            door.send(
                "GET",
                "https://mcp.example.com/",
                headers={},
                deadline=Clock().monotonic() + 0.02,
                cap=1,
            )
        assert failed.value.obstacle in (Obstacle.NAME, Obstacle.DEADLINE)
    over.set()


def test_the_transport_itself_sends_plain_http_to_local_origins_only() -> None:
    with serving(answering(OK)) as place, serving(answering(OK)) as tripwire:
        transport = GuardedTransport(Clock(), parse_origins([place.origin]))
        request = httpx.Request(
            "GET", tripwire.url, extensions={"deadline": Clock().monotonic() + 5, "fresh": True}
        )
        with pytest.raises(AddressBlocked):
            transport.handle_request(request)
    assert tripwire.received == []


def test_another_port_of_a_local_host_is_judged_like_any_place() -> None:
    with serving(answering(OK)) as place, serving(answering(OK)) as tripwire:
        origins = parse_origins([place.origin])
        transport = GuardedTransport(Clock(), origins, lookup=lambda _: ["127.0.0.1"])
        url = tripwire.url.replace("http:", "https:")
        request = httpx.Request("GET", url, extensions={"deadline": Clock().monotonic() + 5})
        with pytest.raises(AddressBlocked):
            transport.handle_request(request)
    assert tripwire.received == []


def test_a_kept_connection_keeps_the_deadline_of_the_next_request() -> None:
    hangs_after_one = answering(OK, hang=True)
    with serving(hangs_after_one) as place, door_to(place, StillClock()) as door:
        door.send("GET", place.url, headers={}, deadline=NEVER, cap=10)
        with pytest.raises(AnswerTimeout):
            door.send("GET", place.url, headers={}, deadline=SOON, cap=10)
    assert len(place.received) == 1


def test_the_systems_resolver_is_given_the_name_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def getaddrinfo(host: object, *_: object, **__: object) -> list[tuple[object, ...]]:
        asked.append(host)
        return [(2, 1, 6, "", ("1.1.1.1", 0)), (10, 1, 6, "", ("::1", 0, 0, 0))] * 2

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    # As text it would be read by Python's IDNA codec, too.
    assert system_lookup("xn--bcher-kva.example") == ["1.1.1.1", "::1"]
    assert asked == [b"xn--bcher-kva.example"]
