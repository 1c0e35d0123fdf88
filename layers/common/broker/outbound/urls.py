"""One strict reading of a URL: what is judged here is what is connected to.

Two parsers that disagree about one text are how such guards are passed (CVE-2026-45400). So only
one spelling of a URL is taken at all, and the parts read here are handed on, never the text.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import httpx

from broker.errors import AddressBlocked

_LONGEST = 8192
"""Configured URLs are shorter; this leaves room for a token, where a service wants it there."""
_DEFAULT_PORTS = {"http": 80, "https": 443}
# RFC 3986 §2: the characters of a URI. No blank, control, backslash or non-ASCII among them.
_CHARACTERS = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*")
_PARTS = re.compile(r"(?P<scheme>[A-Za-z]+)://(?P<authority>[^/?#]*)(?P<target>[^#]*)(?P<rest>.*)")
_AUTHORITY = re.compile(
    r"(?:\[(?P<literal>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._-]+))(?::(?P<port>[0-9]{1,5}))?"
)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
# The URL Standard's "ends in a number": what getaddrinfo reads as an IPv4 address.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


class Origin(NamedTuple):
    """Scheme, host and port (RFC 6454 §4)."""

    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Url:
    """A URL in its parts; ``host`` is lower case and has no brackets."""

    origin: Origin
    target: str
    is_literal: bool
    """The host is an address, in whatever notation, not a name."""

    @classmethod
    def parse(cls, text: str) -> "Url":
        """Read an absolute http(s) URL; raise AddressBlocked with a public reason."""
        if len(text) > _LONGEST:
            raise AddressBlocked(f"The URL is longer than {_LONGEST:,} characters.")
        if not _CHARACTERS.fullmatch(text):
            raise AddressBlocked(
                "The URL holds a character that must be percent-encoded (in a host name: xn--…)."
            )
        parts = _PARTS.fullmatch(text)
        if parts is None:
            raise AddressBlocked("The URL is not of the form https://host/path.")
        if parts["rest"]:
            raise AddressBlocked("The URL has a fragment.")
        scheme = parts["scheme"].lower()
        if scheme not in _DEFAULT_PORTS:
            raise AddressBlocked("The URL's scheme is not https.")
        host, port, is_literal = _read_authority(parts["authority"], _DEFAULT_PORTS[scheme])
        path = parts["target"]
        target = path if path.startswith("/") else "/" + path
        return cls(Origin(scheme, host, port), target, is_literal)

    def judge(self, local_origins: frozenset[Origin]) -> None:
        """Raise AddressBlocked unless this may be asked for; resolves nothing."""
        if self.origin in local_origins:
            return
        if self.origin.scheme != "https":
            raise AddressBlocked("The URL's scheme is not https.")
        if self.is_literal:
            raise AddressBlocked("The URL's host is an address; a name is needed.")
        labels = self.origin.host.split(".")
        if len(labels) < 2 or labels[-1] == "localhost":
            raise AddressBlocked("The URL's host is not a public name.")

    def for_httpx(self) -> httpx.URL:
        """Carry the parts over without a second parsing of the text."""
        scheme, host, port = self.origin
        return httpx.URL(scheme=scheme, host=host, port=port, raw_path=self.target.encode())


def parse_origins(texts: Iterable[str]) -> frozenset[Origin]:
    """Read the exact origins of a local stack, ``scheme://host:port`` each."""
    return frozenset(Url.parse(text).origin for text in texts)


def _read_authority(text: str, default_port: int) -> tuple[str, int, bool]:
    if "@" in text:
        raise AddressBlocked("The URL holds a user name or password.")
    found = _AUTHORITY.fullmatch(text)
    if found is None:
        raise AddressBlocked("The URL's host is not a name.")
    port = int(found["port"] or default_port)
    if not 1 <= port <= 65535:
        raise AddressBlocked("The URL's port is out of range.")
    if found["literal"]:
        return found["literal"].lower(), port, True
    host = found["name"].lower()
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise AddressBlocked("The URL's host is not a name.")
    return host, port, bool(_NUMBER.fullmatch(labels[-1]))
