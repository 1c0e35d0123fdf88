"""JSON-RPC 2.0 on the wire: requests built, answers read strictly."""

import json
import math
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

VERSION = "0.1.0"
CLIENT_INFO = {"name": "consumer-oauth-broker", "version": VERSION}
_DEEPEST = 100
_LARGEST_CODE = 2**53
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile("[\ud800-\udfff]")


class NotJsonRpc(Exception):
    """What came is not JSON, or not a JSON-RPC response; its text is never quoted."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request; every one that is sent has an id of its own.

    The id is random, so that no answer but the one to this request can carry it, and begins with
    a letter, for there are servers that take "12" for 12.
    """

    method: str
    params: Mapping[str, object] = field(repr=False)
    id: str = field(default_factory=lambda: "r" + secrets.token_hex(12))

    def encode(self) -> bytes:
        """Write it as JSON."""
        return encode(
            {"jsonrpc": "2.0", "id": self.id, "method": self.method, "params": self.params}
        )


@dataclass(frozen=True, slots=True)
class RpcError:
    """A JSON-RPC error (§5.1): its text and data are the server's, and not for our users."""

    code: int
    message: str = field(repr=False)
    data: object = field(repr=False)
    echoed: bool
    """It carried the request's id; without one the request may not have been read at all."""


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to one request: a result or an error, never both."""

    result: Mapping[str, object] | None = field(repr=False)
    error: RpcError | None = None


def encode(message: Mapping[str, object]) -> bytes:
    """Write a message as JSON; raise ValueError for what JSON does not have."""
    return json.dumps(message, allow_nan=False, separators=(",", ":")).encode()


def parse(text: str | bytes) -> object:
    """Read JSON; raise NotJsonRpc for NaN, infinities, depths, and what is not UTF-8.

    A lone surrogate (half an emoji, cut off by the server) becomes U+FFFD: it could not be
    written as UTF-8 again.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8-sig")
        value = json.loads(text, parse_float=_finite, parse_constant=_no_number)
        escaped = _SURROGATE_ESCAPE.search(text) is not None
        del text  # of 4 MB with one emoji in it Python makes 16
        if escaped:
            value = _without_surrogates(value)
    except (ValueError, RecursionError):
        raise NotJsonRpc from None
    if not _is_shallow(value):
        raise NotJsonRpc
    return value


def find_response(message: object, request_id: str) -> Response | None:
    """Return the response to a request, if the message (or 2025-03-26 batch) holds it.

    An error without an id counts too: on this connection nothing else was asked. Raise NotJsonRpc
    if there is more than one, or if it is malformed.
    """
    found = [item for item in items(message) if _answers(item, request_id)]
    if not found:
        return None
    if len(found) > 1:
        raise NotJsonRpc
    return _read_response(found[0], request_id)


def items(message: object) -> list[Mapping[str, object]]:
    """Return the message's JSON-RPC objects: one, or those of a batch."""
    candidates = message if isinstance(message, list) else [message]
    return [item for item in candidates if isinstance(item, dict) and item.get("jsonrpc") == "2.0"]


def _answers(item: Mapping[str, object], request_id: str) -> bool:
    if "method" in item or not ("result" in item or "error" in item):
        return False
    return item.get("id") == request_id or (item.get("id") is None and "error" in item)


def _read_response(item: Mapping[str, object], request_id: str) -> Response:
    result, error = item.get("result"), item.get("error")
    if (result is None) == (error is None):
        raise NotJsonRpc
    if error is not None:
        return Response(None, _read_error(error, echoed=item.get("id") == request_id))
    if not isinstance(result, dict):
        raise NotJsonRpc
    return Response(result)


def _read_error(error: object, *, echoed: bool) -> RpcError:
    if not isinstance(error, dict):
        raise NotJsonRpc
    code, message = error.get("code"), error.get("message")
    if not isinstance(code, int) or isinstance(code, bool) or abs(code) > _LARGEST_CODE:
        raise NotJsonRpc
    return RpcError(code, message if isinstance(message, str) else "", error.get("data"), echoed)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("not a finite number")
    return value


def _no_number(_name: str) -> NoReturn:
    raise ValueError("not a number of JSON")


def _without_surrogates(value: object) -> object:
    match value:
        case str() if _SURROGATE.search(value):
            return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        case dict():
            return {
                _without_surrogates(key): _without_surrogates(value.pop(key)) for key in [*value]
            }
        case list():
            for place, inner in enumerate(value):
                value[place] = _without_surrogates(inner)
    return value


def _is_shallow(value: object) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        level = [child for node in level for child in _children(node)]
        if not level:
            return True
    return False


def _children(node: object) -> list[object]:
    inside = node.values() if isinstance(node, dict) else node
    if not isinstance(inside, Iterable) or isinstance(inside, str):
        return []
    return [child for child in inside if isinstance(child, dict | list)]
