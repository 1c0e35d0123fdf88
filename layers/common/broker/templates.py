"""URLs and headers with gaps, and what of a connection may be put into them.

A gap is ``{name}``. The values come from a service, so none is free text: each is of one of three
kinds, and a host is one only under the names that the builder listed. That is what keeps a hostile
or compromised service from sending its users' tokens elsewhere. What this does NOT check: where a
name leads, which is judged at each connection, and who owns what lies under a listed suffix.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from publicsuffixlist import PublicSuffixList

LONGEST = 256
_GAP = re.compile(r"\{([^{}]*)\}")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})+")
_GRAMMAR = {
    "label": re.compile(_LABEL),
    "segment": re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,255}"),
}
_ORIGIN = re.compile(r"(?:https://)?([^/?#@:\s]+)/?", re.IGNORECASE)
_URL = re.compile(r"(?P<scheme>https?)://(?P<authority>[^/?#]*)(?P<rest>.*)", re.DOTALL)


class GapKind(StrEnum):
    """What a kept value is; each admits nothing that could end a host name or a path segment."""

    LABEL = "label"
    """One label of a host name (RFC 1123 §2.1), before a fixed rest of at least two."""
    SEGMENT = "segment"
    """Unreserved characters (RFC 3986 §2.3), not starting with a dot: in a path, query, header."""
    HOST = "host"
    """A whole host name under one of those listed; a service may say it as ``https://host``."""


@dataclass(frozen=True, slots=True)
class GapRule:
    """What may be put into a gap; ``hosts`` are names, or ``*.`` and a suffix of two labels."""

    kind: GapKind
    hosts: tuple[str, ...] = ()

    def admitted(self, value: object) -> str | None:
        """Return the text that goes into the gap; None: the value may not."""
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value) if 0 <= value < 10**30 else None
        if not isinstance(value, str) or len(value) > LONGEST:
            return None
        if self.kind is GapKind.HOST:
            return self._host(value)
        return value if _GRAMMAR[self.kind].fullmatch(value) else None

    @property
    def sample(self) -> str:
        """Return a text that the rule admits, to judge a template by."""
        if self.kind is GapKind.HOST:
            return self.hosts[0].replace("*", "a") if self.hosts else "a.example.com"
        return "a"

    def _host(self, value: str) -> str | None:
        found = _ORIGIN.fullmatch(value)
        host = found[1].lower() if found else ""
        if not _HOST.fullmatch(host):
            return None
        return host if any(_is_under(host, listed.lower()) for listed in self.hosts) else None


def is_listable(host: str) -> bool:
    """Say whether a host, or ``*.`` and a suffix, is narrow enough to be listed."""
    name = host.removeprefix("*.")
    return _is_owned(name) if name != host else bool(_HOST.fullmatch(name))


def gaps(template: str | None) -> tuple[str, ...]:
    """Return the names of a template's gaps, in order."""
    return tuple(_GAP.findall(template or ""))


def misplaced(url: str, rules: Mapping[str, GapRule]) -> str | None:
    """Return the name of the first gap that may not stand where it does in a URL; None: all may.

    A host stands alone between ``https://`` and the path; a label before a fixed rest of at least
    two labels that one party owns. In the path and the query every kind may stand.
    """
    found = _URL.fullmatch(url)
    if found is None:
        return next(iter(gaps(url)), None)
    authority = found["authority"]
    names = gaps(authority)
    if not names:
        return None
    rule, rest = rules.get(names[0]), authority.removeprefix(f"{{{names[0]}}}")
    if found["scheme"] != "https":
        return names[0]
    if rule is not None and rule.kind is GapKind.HOST and not rest:
        return None
    fixed = rest.startswith(".") and _is_owned(rest[1:])
    return None if rule is not None and rule.kind is GapKind.LABEL and fixed else names[0]


def filled(template: str, values: Mapping[str, str]) -> str:
    """Fill the gaps that there are values for; one that is left makes a URL that is not sent."""
    return _GAP.sub(lambda gap: values.get(gap[1], gap[0]), template)


def samples(rules: Mapping[str, GapRule], also: Iterable[str] = ()) -> Mapping[str, str]:
    """Return a value for each gap, to judge a template by."""
    return {name: rule.sample for name, rule in rules.items()} | dict.fromkeys(also, "a")


def _is_owned(suffix: str) -> bool:
    """Say whether what lies under a suffix is one party's, as far as registries can tell.

    It is no name under which one gives names to anybody (https://publicsuffix.org, the section of
    ICANN's). Who else lets strangers have names, such as a host of pages, the builder must know.
    """
    suffix = suffix.lower()
    public = PublicSuffixList(only_icann=True)  # is read here: a rare question
    return bool(_HOST.fullmatch(suffix)) and public.publicsuffix(suffix) != suffix


def _is_under(host: str, listed: str) -> bool:
    return host.endswith(listed[1:]) if listed.startswith("*.") else host == listed
