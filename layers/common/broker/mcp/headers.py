"""The headers that mirror a request's body (2026-07-28, Streamable HTTP, Request Metadata)."""

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110 §5.6.2
_PLAIN = re.compile(r"[\x20-\x7e]*")
_MOST_BITS = 14_000
"""Of an integer: Python writes and reads no more than 4,300 digits."""
_INTEGER = re.compile(r"(-?[0-9]{1,400})(?:\.0+)?")
_TYPES = frozenset({"string", "integer", "boolean"})
# JSON Schema 2020-12 keywords under which further schemas lie, other than `properties`.
_ONE = frozenset(
    {
        "additionalProperties",
        "contains",
        "contentSchema",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
_SEVERAL = frozenset({"allOf", "anyOf", "items", "oneOf", "prefixItems"})
_NAMED = frozenset({"$defs", "definitions", "dependentSchemas", "patternProperties"})

type Path = tuple[str, ...]


def encode_value(text: str) -> str:
    """Make a text a header's value: as it is, or ``=?base64?…?=`` where it would not survive.

    Raise ValueError for a text that is not one (a lone surrogate).
    """
    is_sentinel = text.startswith("=?base64?") and text.endswith("?=")
    if _PLAIN.fullmatch(text) and text == text.strip() and not is_sentinel:
        return text
    return f"=?base64?{base64.b64encode(text.encode()).decode('ascii')}?="


def param_headers(schema: object, arguments: Mapping[str, object]) -> dict[str, str]:
    """Return the ``Mcp-Param-…`` headers that a tool's inputSchema asks for (x-mcp-header)."""
    headers = {}
    for path, name in (annotations(schema) or {}).items():
        text = _written(_value_at(arguments, path))
        if text is not None:
            headers[f"Mcp-Param-{name}"] = encode_value(text)
    return headers


def disagreeing(
    schema: object, arguments: Mapping[str, object], given: Mapping[str, str | None]
) -> str | None:
    """Name the first ``Mcp-Param-…`` header that says something else than its argument.

    They are there together and equal, or absent together (2026-07-28, Custom Headers from Tool
    Parameters, Server Behavior); integers are equal as numbers. ``given``: decoded values by the
    rest of the headers' names, in lower case. An invalid annotation asks for nothing.
    """
    for path, name in (annotations(schema) or {}).items():
        text, said = _written(_value_at(arguments, path)), given.get(name.lower())
        is_there = name.lower() in given
        if is_there is (text is None) or not (text == said or _same_integer(text, said)):
            return f"Mcp-Param-{name}"
    return None


def annotations(schema: object) -> Mapping[Path, str] | None:
    """Return header names by property path; None if any annotation is invalid.

    A client must leave a tool with an invalid annotation out of its list.
    """
    found: dict[Path, str] = {}
    for path, part in _schemas(schema):
        if "x-mcp-header" not in part:
            continue
        name, kind = part["x-mcp-header"], part.get("type")
        if not (path and isinstance(name, str) and isinstance(kind, str)):
            return None
        if not _TOKEN.fullmatch(name) or kind not in _TYPES:
            return None
        found[path] = name
    unique = {name.lower() for name in found.values()}
    return found if len(unique) == len(found) else None


def only_mirrored(schema: object) -> tuple[Mapping[str, object], int] | None:
    """Return a schema that asks for the same headers and for nothing else, and its size.

    The size is in characters of the names in it. None: it asks for none, or is invalid.
    """
    found, size = annotations(schema), 0
    if not found:
        return None
    root: dict[str, Any] = {}
    for path, name in found.items():
        part = root
        for step in path:
            part = part.setdefault("properties", {}).setdefault(step, {})
        part |= {"type": "string", "x-mcp-header": name}  # any type that is allowed will do
        size += len(name) + sum(map(len, path)) + len(path)
    return root, size


def _schemas(root: object) -> Iterator[tuple[Path | None, Mapping[str, object]]]:
    """Walk every schema; the path is None off the chain of ``properties``."""
    waiting: list[tuple[Path | None, object]] = [((), root)]
    while waiting:
        path, part = waiting.pop()
        if not isinstance(part, dict):
            continue
        yield path, part
        for keyword, value in part.items():
            if keyword == "properties" and isinstance(value, dict):
                waiting.extend(
                    (None if path is None else (*path, name), inner)
                    for name, inner in value.items()
                )
            else:
                waiting.extend((None, inner) for inner in _inner(keyword, value))


def _inner(keyword: str, value: object) -> list[object]:
    if keyword in _NAMED and isinstance(value, dict):
        return list(value.values())
    if keyword in _SEVERAL and isinstance(value, list):
        return value
    return [value] if keyword in _ONE else []


def _value_at(arguments: Mapping[str, object], path: Path) -> object:
    value: object = arguments
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def _written(value: object) -> str | None:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int() if value.bit_length() < _MOST_BITS:
            return str(value)
        case float():
            return str(int(value)) if value.is_integer() else str(value)
        case _:
            return None


def _same_integer(*texts: str | None) -> bool:
    found = [_INTEGER.fullmatch(text or "") for text in texts]
    return all(found) and len({int(match[1]) for match in found if match}) == 1
