"""The answers of the door out: capped, timed, unpacked, streamed."""

import gzip
import zlib
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.errors import (
    AnswerTimeout,
    AnswerTooLarge,
    NoAnswer,
)
from tests.unit.test_outbound_door import URL, Script, answering, taking


def test_headers_that_come_too_late_are_a_timeout() -> None:
    with pytest.raises(AnswerTimeout):
        taking(11).send()


def test_a_body_that_drips_is_a_timeout_at_the_deadline() -> None:
    script = answering()

    def drip() -> Iterator[bytes]:
        while True:
            script.clock.pass_time(1)
            yield b"x"

    script.answer = lambda _: httpx.Response(200, content=drip())
    with pytest.raises(AnswerTimeout):
        script.send()
    assert script.clock.monotonic() == 1011.0


def test_a_body_that_breaks_off_is_no_answer() -> None:
    def broken() -> Iterator[bytes]:
        yield b"x"
        raise httpx.ReadError("secret")

    with pytest.raises(NoAnswer):
        Script(lambda _: httpx.Response(200, content=broken())).send()


def test_an_answer_of_exactly_the_cap_is_read() -> None:
    assert len(answering(content=b"x" * 1000).send(cap=1000).body) == 1000


def test_an_answer_over_the_cap_is_too_large() -> None:
    with pytest.raises(AnswerTooLarge):
        answering(content=b"x" * 1001).send(cap=1000)


def test_an_endless_answer_is_too_large() -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 100

    with pytest.raises(AnswerTooLarge):
        Script(lambda _: httpx.Response(200, content=endless())).send(cap=1000)


def test_a_length_over_the_cap_is_too_large_before_a_byte_is_read() -> None:
    def unread() -> Iterator[bytes]:
        pytest.fail("the body was read")
        yield b""

    answer = httpx.Response(200, headers={"Content-Length": "9" * 4400}, content=unread())
    with pytest.raises(AnswerTooLarge):
        Script(lambda _: answer).send(cap=1000)


def compressed(body: bytes, coding: str) -> httpx.Response:
    # As a stream: httpx would unpack content that it is given whole.
    return httpx.Response(200, headers={"Content-Encoding": coding}, content=iter([body]))


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(b"abc", mtime=0)),
        ("GZIP ", gzip.compress(b"abc", mtime=0)),
        ("x-gzip", gzip.compress(b"abc", mtime=0)),
        ("deflate", zlib.compress(b"abc")),
        ("identity", b"abc"),
        ("", b"abc"),
    ],
)
def test_an_answer_compressed_against_our_wish_is_still_read(coding: str, body: bytes) -> None:
    assert Script(lambda _: compressed(body, coding)).send().body == b"abc"


@given(st.binary(max_size=2000), st.integers(1, 50))
def test_a_compressed_answer_is_the_same_however_it_comes(body: bytes, size: int) -> None:
    packed = gzip.compress(body, mtime=0)
    pieces = [packed[at : at + size] for at in range(0, len(packed), size)]
    answer = httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=iter(pieces))
    assert Script(lambda _: answer).send(cap=5000).body == body


def test_a_decompression_bomb_is_too_large() -> None:
    bomb = gzip.compress(b"0" * 10_000_000, mtime=0)
    with pytest.raises(AnswerTooLarge):
        Script(lambda _: compressed(bomb, "gzip")).send(cap=20_000)


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("br", b"abc"),
        ("zstd", b"abc"),
        ("gzip, gzip", gzip.compress(gzip.compress(b"abc", mtime=0), mtime=0)),
        ("gzip", b"not gzip"),
        ("gzip", gzip.compress(b"abc" * 100, mtime=0)[:-12]),
    ],
)
def test_an_encoding_that_cannot_be_undone_is_no_answer(coding: str, body: bytes) -> None:
    with pytest.raises(NoAnswer):
        Script(lambda _: compressed(body, coding)).send()


def test_an_empty_body_needs_no_unpacking() -> None:
    assert Script(lambda _: compressed(b"", "gzip")).send().body == b""


def test_a_stream_is_read_piece_by_piece() -> None:
    script = Script(lambda _: httpx.Response(200, content=iter([b"a", b"bc"])))
    with script.door().stream("GET", URL, headers={}, deadline=1010.0, cap=10) as answer:
        assert list(answer.chunks()) == [b"a", b"bc"]


def test_a_stream_that_is_left_early_is_closed() -> None:
    closed = []

    class Watched(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            while True:
                yield b"x"

        def close(self) -> None:
            closed.append(True)

    script = Script(lambda _: httpx.Response(200, stream=Watched()))
    with script.door().stream("GET", URL, headers={}, deadline=1010.0, cap=10) as answer:
        next(answer.chunks())
    assert closed == [True]


def test_an_exception_of_the_reader_is_the_readers_own() -> None:
    def read() -> None:
        with answering().door().stream("GET", URL, headers={}, deadline=1010.0, cap=10):
            raise httpx.ReadError("the reader's own")

    with pytest.raises(httpx.ReadError):
        read()


def test_a_compressed_answer_that_unpacks_to_nothing_is_still_limited() -> None:
    def endless_name() -> Iterator[bytes]:
        yield b"\x1f\x8b\x08\x08" + b"\0" * 6  # RFC 1952 §2.3: a file name follows
        while True:
            yield b"x" * 100

    answer = httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=endless_name())
    with pytest.raises(AnswerTooLarge):
        Script(lambda _: answer).send(cap=1000)


def test_a_compressed_answer_is_unpacked_in_small_pieces() -> None:
    packed = gzip.compress(b"0" * 1_000_000, mtime=0)
    script = Script(lambda _: compressed(packed, "gzip"))
    with script.door().stream("GET", URL, headers={}, deadline=1010.0, cap=10**7) as answer:
        pieces = [len(piece) for piece in answer.chunks()]
    assert (sum(pieces), max(pieces)) == (1_000_000, 64 * 1024)
