"""What watches the peers sees everything, and says so when something does not hold."""

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from local.loopback import LoopbackServer, Reply, Request
from tests.interop.client_features import Stay
from tests.interop.field import Field
from tests.interop.registry import CLIENTS, SERVERS
from tests.interop.run import attempt
from tests.interop.secrecy import kept_from_clients, kept_from_servers
from tests.interop.server_features import Visit
from tests.interop.table import FAILED, Seen
from tests.interop.tap import Exchange, Tap


@pytest.fixture
def behind() -> Iterator[LoopbackServer]:
    server = LoopbackServer(1 << 20)
    yield server
    server.close()


@pytest.fixture
def tap() -> Iterator[Tap]:
    with Tap() as made:
        yield made


def echo(request: Request) -> Reply:
    connection = request.header("connection") or ""
    return Reply(200, [("X-Connection", connection)], b"echo " + request.body)


def test_a_tap_passes_on_and_writes_down_both_ways(tap: Tap, behind: LoopbackServer) -> None:
    behind.serve(echo)
    tap.target = behind.port
    with httpx.Client(trust_env=False) as http:
        for _ in range(2):
            body = {"method": "tools/call"}
            headers = {"Authorization": "Bearer abc"}
            answer = http.post(f"{tap.origin}/mcp?x=1", json=body, headers=headers)
    assert answer.content == b'echo {"method":"tools/call"}'
    assert answer.headers["x-connection"] == "close"
    assert len(tap.exchanges) == 2
    [seen] = tap.since(1)
    assert (seen.method, seen.path, seen.status, seen.bearer) == ("POST", "/mcp?x=1", 200, "abc")
    assert seen.message == {"method": "tools/call"}
    assert bytes(seen.answer).endswith(b"\r\n\r\n" + answer.content)


def test_a_body_in_chunks_arrives_as_it_was_sent(tap: Tap, behind: LoopbackServer) -> None:
    behind.serve(echo)
    tap.target = behind.port
    with httpx.Client(trust_env=False) as http:
        answer = http.post(tap.origin, content=iter([b"0\r\n", b"x" * 70_000]))
    assert answer.content == b"echo 0\r\n" + b"x" * 70_000


def test_a_tap_before_nothing_says_so(tap: Tap) -> None:
    with httpx.Client(trust_env=False) as http:
        assert http.get(tap.origin).status_code == 503


def test_a_door_answers_in_the_servers_place(tap: Tap, behind: LoopbackServer) -> None:
    behind.serve(echo)
    tap.target = behind.port

    async def refuse(exchange: Exchange) -> bytes | None:
        return None if exchange.bearer else REFUSAL

    tap.door = refuse
    with httpx.Client(trust_env=False) as http:
        assert http.get(tap.origin).status_code == 401
        assert http.get(tap.origin, headers={"Authorization": "Bearer x"}).status_code == 200


REFUSAL = b"HTTP/1.1 401 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def exchange(path: str, bearer: str, body: bytes = b"", answer: bytes = b"") -> Exchange:
    headers = {"authorization": f"Bearer {bearer}"}
    head = f"POST {path} HTTP/1.1\r\nAuthorization: Bearer {bearer}\r\n\r\n".encode()
    return Exchange("POST", path, headers, head, body, bytearray(answer))


def field(at_server: Exchange, at_front: Exchange) -> Field:
    """Return a field on which one request reached the server, and one the product."""
    taps = {SERVERS[0].name: SimpleNamespace(exchanges=[at_server])}
    front = SimpleNamespace(exchanges=[at_front])
    return cast("Field", SimpleNamespace(front=front, taps=taps, bearers={"session"}))


SERVED = exchange("/mcp", "token")
ASKED = exchange("/mcp/crm", "session", answer=b"HTTP/1.1 200 OK\r\n\r\n{}")


def test_a_bearer_that_reaches_a_server_is_seen() -> None:
    kept_from_servers(Visit(field(SERVED, ASKED), SERVERS[0]))
    for leak in (exchange("/mcp", "session"), replace(SERVED, body=b'{"x": "session"}')):
        with pytest.raises(AssertionError):
            kept_from_servers(Visit(field(leak, ASKED), SERVERS[0]))


def test_a_token_that_reaches_a_client_is_seen() -> None:
    def stay(at_front: Exchange) -> Stay:
        return Stay(field(SERVED, at_front), CLIENTS[0], cast("Any", None), SERVERS[0])

    kept_from_clients(stay(ASKED))
    with pytest.raises(AssertionError):
        kept_from_clients(stay(replace(ASKED, answer=bytearray(b'{"x": "token"}'))))


def test_where_nothing_passed_nothing_is_said_to_have_been_kept() -> None:
    nobody = exchange("/mcp", "")
    with pytest.raises(AssertionError):
        kept_from_servers(Visit(field(nobody, ASKED), SERVERS[0]))
    with pytest.raises(AssertionError):
        kept_from_clients(Stay(field(nobody, ASKED), CLIENTS[0], cast("Any", None), SERVERS[0]))


def test_what_does_not_hold_is_noted_with_its_reason_and_the_rest_goes_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail() -> None:
        raise AssertionError("2 requests, not 1: POST /mcp")

    seen = Seen(SERVERS[:1], CLIENTS[:1])
    attempt(seen, "server", SERVERS[0], "first call", fail)
    attempt(seen, "server", SERVERS[0], "later calls", lambda: None)
    assert seen.marks["server", SERVERS[0].name, "first call"] == FAILED
    assert "first call: AssertionError: 2 requests, not 1" in capsys.readouterr().out
    assert seen.last_line() == "interop: 1 of 2 did not hold"
