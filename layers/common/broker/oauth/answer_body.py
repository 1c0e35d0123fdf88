"""The body of an answer → its members, whatever it says of itself (RFC 6749 §5.1, App. B)."""

import json
import math
from collections.abc import Iterable, Mapping
from typing import cast
from urllib.parse import parse_qsl

type Members = Mapping[str, object]

_DEEPEST = 20
_LONGEST_INTEGER = 30
_MOST_FIELDS = 500
# A second, different value of one of these would leave open which was meant.
_ONCE = frozenset({"access_token", "refresh_token", "id_token", "token_type", "error"})


class NotMembers(Exception):
    """The body is neither a JSON object nor a form."""


def read_members(body: bytes) -> Members:
    """Read a JSON object or a form-encoded body, judged by content, not by Content-Type.

    Numbers that are not finite become None (NaN, Infinity) or stay text, and so do integers of
    more than 30 digits. Raises NotMembers for anything else, for nesting deeper than 20, and for
    a decisive member that comes twice with different values (RFC 6749 §3.2).
    """
    text = _text(body)
    if "=" in text and not text.startswith(("{", "<", "[", '"')):
        return _form(text)
    return _json(text)


def read_object(body: bytes) -> Members:
    """Read a JSON object, guarded as in read_members()."""
    return _json(_text(body))


def value_at(members: Members, path: str) -> object:
    """Return what lies at a dotted path such as ``data.user.id``; None: nothing.

    A list of one counts as its item.
    """
    value: object = members
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
        value = value[0] if isinstance(value, list) and len(value) == 1 else value
    return value


def _text(body: bytes) -> str:
    # Tokens are ASCII: a name in some other charset beside them is no reason to lose them.
    return body.decode("utf-8-sig", errors="replace").strip()


def _json(text: str) -> Members:
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unambiguous,
            parse_constant=lambda _: None,
            parse_float=_finite,
            parse_int=_bounded,
        )
    except (ValueError, RecursionError):
        raise NotMembers("not JSON") from None
    if not isinstance(value, dict) or _depth(value) > _DEEPEST:
        raise NotMembers("not a JSON object, or nested too deeply")
    return cast("Members", value)


def _form(text: str) -> Members:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise NotMembers("not a form") from None
    return _unambiguous(pairs)


def _unambiguous(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    members: dict[str, object] = {}
    for name, value in pairs:
        if name in _ONCE and members.get(name, value) != value:
            raise NotMembers(f"{name} comes twice")
        members[name] = value
    return members


def _finite(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text


def _bounded(text: str) -> int | str:
    return int(text) if len(text) <= _LONGEST_INTEGER else text


def _depth(value: object) -> int:
    """Measure nesting without recursion."""
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        item, depth = waiting.pop()
        inner = list(item.values()) if isinstance(item, dict) else item
        if isinstance(inner, list):
            deepest = max(deepest, depth)
            waiting.extend((part, depth + 1) for part in inner)
    return deepest
