"""Looks for secrets where none may lie: in tables, queues and log files, however they are written.

What it does not look into: the services' own memory.
"""

import base64
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from local.aws import Aws

_IN_URLS = {"code", "completion_code", "csrf", "state", "ticket"}
_SHORTEST = 12


@dataclass(frozen=True, slots=True)
class Swept:
    """What was looked at, and where a secret was found; never the secret."""

    places: int
    found: list[str]


def secrets_in(urls: Iterable[str]) -> set[str]:
    """Return the single-use values that browsers carried in these URLs."""
    pairs = [pair for url in urls for pair in parse_qsl(urlsplit(url).query)]
    values = {value for name, value in pairs if name in _IN_URLS}
    # A completion code names its row before the dot; what is secret comes after it.
    return values | {value.rpartition(".")[2] for value in values}


def sweep(secrets: Iterable[str], aws: Aws, logs: Path) -> Swept:
    """Look everywhere for every secret in every usual spelling."""
    spellings = [mark for secret in secrets if len(secret) >= _SHORTEST for mark in marks(secret)]
    places = [*_table_rows(aws), *_messages(aws), *_files(logs)]
    everything = b"\n".join(content for _, content in places)
    present = [mark for mark in spellings if mark in everything]
    found = [name for name, content in places if any(mark in content for mark in present)]
    return Swept(len(places), sorted(set(found)))


def marks(secret: str) -> set[bytes]:
    """Return how a secret may be written: as it is, url-encoded, in hex, in base64 anywhere."""
    raw = secret.encode()
    written = {raw, quote(secret, safe="").encode(), raw.hex().encode()}
    for before in range(3):
        # Of what base64 makes of a text, the ends depend on the neighbours: cut them off.
        encoded = base64.b64encode(bytes(before) + raw)
        inner = encoded[(before * 8 + 5) // 6 : (before + len(raw)) * 8 // 6]
        written |= {inner, inner.translate(bytes.maketrans(b"+/", b"-_"))}
    return written


def _table_rows(aws: Aws) -> Iterator[tuple[str, bytes]]:
    dynamodb = aws.client("dynamodb")
    for table in dynamodb.list_tables()["TableNames"]:
        for page in dynamodb.get_paginator("scan").paginate(TableName=table):
            for row in page["Items"]:
                yield f"table {table}", b"\n".join(_leaves(row))


def _messages(aws: Aws) -> Iterator[tuple[str, bytes]]:
    sqs = aws.client("sqs")
    for url in sqs.list_queues().get("QueueUrls", []):
        name = f"queue {url.rsplit('/', 1)[-1]}"
        waiting = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        yield name, b""
        for message in waiting.get("Messages", []):
            yield name, message["Body"].encode()


def _files(logs: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(logs.rglob("*")):
        if path.is_file():
            yield f"log {path.name}", path.read_bytes()


def _leaves(value: Any) -> Iterator[bytes]:
    """Yield every name and value of a row, binary ones as they are."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield name.encode()
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, bytes):
        yield value
        yield _unpacked(value)
    else:
        yield str(value).encode()


def _unpacked(value: bytes) -> bytes:
    """Return what a gzip stream, or its first part, holds: tool lists are stored so.

    Ciphertext and nonces may begin like one; they hold nothing that can be read.
    """
    if not value.startswith(b"\x1f\x8b"):
        return b""
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(value)
    except zlib.error:
        return b""
