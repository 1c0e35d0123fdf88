"""Server-sent events (WHATWG HTML §9.2.6)."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.mcp.sse import Event, EventParser


def read(*chunks: bytes) -> list[tuple[str, str, str]]:
    parser = EventParser()
    events = [event for chunk in chunks for event in parser.feed(chunk)]
    return [(event.type, event.data, event.id) for event in events]


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        # the examples of the standard
        (b"data: YHOO\ndata: +2\ndata: 10\n\n", [("message", "YHOO\n+2\n10", "")]),
        (
            (
                b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\n"
                b"data:  third event\n\n"
            ),
            [
                ("message", "first event", "1"),
                ("message", "second event", ""),
                ("message", " third event", ""),
            ],
        ),
        (b"data\n\ndata\ndata\n\ndata:", [("message", "", ""), ("message", "\n", "")]),
        (b"data:test\n\ndata: test\n\n", [("message", "test", ""), ("message", "test", "")]),
        (b"event: add\ndata: 73857293\n\n", [("add", "73857293", "")]),
        # line ends
        (b"data: a\r\ndata: b\r\n\r\n", [("message", "a\nb", "")]),
        (b"data: a\rdata: b\r\r", [("message", "a\nb", "")]),
        (b"data: a\r\n\ndata: b\n\r\n", [("message", "a", ""), ("message", "b", "")]),
        ("data: a\u2028b\x0bc\x85d\n\n".encode(), [("message", "a\u2028b\x0bc\x85d", "")]),
        # the byte order mark: one, and only at the start
        (b"\xef\xbb\xbfdata: a\n\n", [("message", "a", "")]),
        (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", []),
        (b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [("message", "a", "")]),
        # fields
        (b"id: 7\ndata:\n\n", [("message", "", "7")]),
        (b"id: 7\n\ndata: a\n\n", [("message", "a", "7")]),
        (b"id: a\0b\ndata: a\n\n", [("message", "a", "")]),
        (b"event: x\n\ndata: a\n\n", [("message", "a", "")]),
        (b"Data: a\nunknown: b\ndata : c\n\n", []),
        (b"data: \xff\xfe\n\n", [("message", "\ufffd\ufffd", "")]),
        (b"data: unfinished\n", []),
        (b"", []),
    ],
)
def test_a_stream_is_read_as_the_standard_says(
    stream: bytes, events: list[tuple[str, str, str]]
) -> None:
    assert read(stream) == events


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"retry: 3000", 3000),
        (b"retry: 0", 0),
        (b"retry: -1", None),
        (b"retry: 1.5", None),
        ("retry: ٣".encode(), None),
        (b"retry:", None),
        (b"retry: " + b"9" * 5000, None),
    ],
)
def test_the_time_to_wait_is_a_number_of_digits(line: bytes, expected: int | None) -> None:
    parser = EventParser()
    parser.feed(line + b"\n")
    assert parser.retry_ms == expected


def test_the_data_of_an_event_is_not_in_its_repr() -> None:
    assert "secret" not in repr(Event("message", "secret", "1"))


STREAM = st.lists(
    st.sampled_from(
        [
            b"data",
            b":",
            b" ",
            b"\r",
            b"\n",
            b"\r\n",
            b"id",
            b"event",
            b"a",
            b"\xef\xbb\xbf",
            b"\xe2\x82\xac",
            b"\xf0\x9f\x98\x80",
            b"\xff",
            b"\0",
            b"retry: 12",
        ]
    ),
    max_size=40,
).map(b"".join)


def naive(stream: bytes) -> list[tuple[str, str, str]]:
    """Read a whole stream at once, as the standard's prose goes."""
    events, data, type_, last = [], "", "", ""
    text = stream.decode("utf-8", "replace").removeprefix("\ufeff")
    *lines, _unfinished = re.sub("\r\n|\r", "\n", text).split("\n")
    for line in lines:
        if not line:
            if data:
                events.append((type_ or "message", data.removesuffix("\n"), last))
            data, type_ = "", ""
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            data += value + "\n"
        elif field == "event":
            type_ = value
        elif field == "id" and "\0" not in value:
            last = value
    return events


@given(STREAM)
def test_any_stream_is_read_as_the_naive_reading_does(stream: bytes) -> None:
    # A last line without its end is cut off in both; a last CR ends a line in both.
    assert read(stream) == naive(stream)


@given(STREAM, st.lists(st.integers(0, 200), max_size=12))
def test_it_does_not_matter_how_a_stream_is_cut(stream: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    pieces = [stream[a:b] for a, b in itertools.pairwise(edges)]
    assert read(*pieces) == read(stream)


@given(STREAM)
def test_a_stream_may_come_byte_by_byte(stream: bytes) -> None:
    assert read(*(bytes([byte]) for byte in stream)) == read(stream)
