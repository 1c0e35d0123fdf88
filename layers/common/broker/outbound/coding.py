"""Compressed answers, although identity was asked for: unpacked within the same cap.

Refusing them would be simpler, but an authorization server's answer that is refused is a lost
refresh token. So gzip and deflate are unpacked, piece by piece; whatever else is unusable.
"""

import zlib
from collections.abc import Iterable, Iterator

from broker.errors import NoAnswer

_PIECE = 64 * 1024
_EITHER_HEADER = 47  # zlib.h, inflateInit2: 15 window bits, + 32 detects gzip or zlib


def decoded(pieces: Iterable[bytes], coding: str) -> Iterator[bytes]:
    """Undo a Content-Encoding (RFC 9110 §8.4.1); yields at most 64 KB at a time."""
    match coding.strip().lower():
        case "" | "identity":
            return iter(pieces)
        case "gzip" | "x-gzip" | "deflate":
            return _inflated(pieces)
        case _:
            raise NoAnswer("The answer is in an encoding that was not asked for.")


def _inflated(pieces: Iterable[bytes]) -> Iterator[bytes]:
    inflater = zlib.decompressobj(wbits=_EITHER_HEADER)
    empty = True
    try:
        for piece in pieces:
            waiting, empty = piece, empty and not piece
            while waiting and not inflater.eof:
                yield inflater.decompress(waiting, _PIECE)
                waiting = inflater.unconsumed_tail
    except zlib.error as exc:
        raise NoAnswer("The answer's encoding is broken.") from exc
    if not inflater.eof and not empty:
        raise NoAnswer("The answer's encoding ends too early.")
