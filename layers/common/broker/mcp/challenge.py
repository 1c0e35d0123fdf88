"""WWW-Authenticate (RFC 9110 §11.6.1) as bearer servers use it (RFC 6750 §3, RFC 9728 §5.1)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import httpx

from .messages import NotJsonRpc, parse

# API Gateway renames the header of an integration's answer.
_HEADERS = ("www-authenticate", "x-amzn-remapped-www-authenticate")
# Each repetition is possessive: a header of blanks is read once, not once for each blank.
_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
_PARAMETER = re.compile(rf'({_TOKEN})[ \t]*+=[ \t]*+(?:"((?:[^"\\]++|\\.)*+)"|({_TOKEN}))')
_SCHEME = re.compile(rf"({_TOKEN})(?:[ \t]++(?!=)|(?=[ \t]*+(?:,|$)))")
_TOKEN68 = re.compile(r"[0-9A-Za-z\-._~+/]++=*+(?=[ \t]*+(?:,|$))")
_BETWEEN = re.compile(r"[ \t,]*+")
_ERRORS = frozenset({"invalid_request", "invalid_token", "insufficient_scope"})  # RFC 6750 §3.1
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,256}")  # RFC 6749 §3.3
_MOST_SCOPES = 64
_LONGEST = 8192


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a 401 or 403 asks for, reduced to what is known to be harmless.

    ``resource_metadata`` is the server's word: not judged here, and to be fetched only through
    the door.
    """

    error: str | None = None
    """One of RFC 6750 §3.1, else None."""
    scopes: tuple[str, ...] = ()
    resource_metadata: str | None = None

    @classmethod
    def read(cls, headers: httpx.Headers, body: bytes) -> Self:
        """Read the Bearer challenge; an OAuth-style body fills in what it does not say."""
        said = {**_read_body(body), **_read_headers(headers)}
        error = said.get("error")
        return cls(
            error if error in _ERRORS else None,
            _read_scopes(said.get("scope", "")),
            _read_url(said.get("resource_metadata")),
        )


def _read_headers(headers: httpx.Headers) -> Mapping[str, str]:
    for name in _HEADERS:
        for value in headers.get_list(name):
            for scheme, parameters in _challenges(value[:_LONGEST]):
                if scheme == "bearer":
                    return parameters
    return {}


def _challenges(text: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Split a header's value; stop where it is no longer one."""
    at = _skip(text, 0)
    while scheme := _SCHEME.match(text, at):
        parameters: dict[str, str] = {}
        at = scheme.end()
        if token68 := _TOKEN68.match(text, at):
            at = token68.end()
        while parameter := _PARAMETER.match(text, at):
            name, quoted, bare = parameter.groups()
            value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else bare
            parameters.setdefault(name.lower(), value)
            at = _skip(text, parameter.end())
        yield scheme[1].lower(), parameters
        at = _skip(text, at)


def _skip(text: str, at: int) -> int:
    found = _BETWEEN.match(text, at)
    return found.end() if found else at


def _read_body(body: bytes) -> Mapping[str, str]:
    try:
        said = parse(body)
    except NotJsonRpc:
        return {}
    if not isinstance(said, dict):
        return {}
    return {name: said[name] for name in ("error", "scope") if isinstance(said.get(name), str)}


def _read_scopes(text: str) -> tuple[str, ...]:
    names: Sequence[str] = list(dict.fromkeys(text.split(" ")))
    return tuple(name for name in names if _SCOPE.fullmatch(name))[:_MOST_SCOPES]


def _read_url(text: str | None) -> str | None:
    return text if text and len(text) <= 2048 and text.startswith(("https://", "http://")) else None
