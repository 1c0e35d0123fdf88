"""What a client may meet in place of an answer."""

import select
import socket
import time
from collections.abc import Iterator

from flask import Response

from .switches import Mode, Switches

HANG_SECONDS = 60.0
DRIP_SECONDS = 0.25
HUGE_CHUNKS = 1024
PAGE = "<!doctype html><title>Maintenance</title><h1>We will be back soon.</h1>"


def misbehave(mode: Mode, switches: Switches, connection: socket.socket) -> Response:
    """Return the odd answer of a mode; ``drip`` and ``normal`` are not among them."""
    match mode:
        case "hang":
            return Response(hang(connection), mimetype="application/json")
        case "close":
            return Response(hang_up(connection), mimetype="application/json")
        case "html":
            return Response(PAGE, mimetype="text/html")
        case "429":
            return Response("slow down", 429, {"Retry-After": switches.retry_after})
        case "huge":
            return Response(huge(), mimetype="application/json")
        case "nonsense":
            return Response(b'{"access_token": \xff\x00', mimetype="application/json")
        case "redirect":
            return Response("", 307, {"Location": switches.redirect_to})
        case _:
            return Response("Internal Server Error", 500, mimetype="text/plain")


def hang(connection: socket.socket) -> Iterator[bytes]:
    """Answer nothing until the client leaves, or a minute is over; then hang up."""
    select.select([connection], [], [], HANG_SECONDS)
    yield from hang_up(connection)


def hang_up(connection: socket.socket) -> Iterator[bytes]:
    """Close the connection before the first byte."""
    connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError
    yield b""


def huge() -> Iterator[bytes]:
    """Answer 64 MiB of good JSON, piece by piece."""
    yield b'{"token_type": "Bearer", "access_token": "'
    for _ in range(HUGE_CHUNKS):
        yield b"a" * 65_536
    yield b'"}'


def drip(response: Response) -> Response:
    """Send a good answer one byte at a time."""
    body = response.get_data()

    def bytes_slowly() -> Iterator[bytes]:
        for index in range(len(body)):
            yield body[index : index + 1]
            time.sleep(DRIP_SECONDS)

    headers = dict(response.headers) | {"Content-Length": str(len(body))}
    return Response(bytes_slowly(), response.status_code, headers)
