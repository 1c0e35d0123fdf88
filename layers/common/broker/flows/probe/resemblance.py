"""Which services of the catalogue a server is like, by where its authorization server lies.

A hint to the builder and nothing more: a preset's endpoints are never used because of it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from broker.model import Resemblance
from broker.presets import GRAMMAR, Kind, Preset, PresetValue, ValueRefused
from broker.templates import GapKind, GapRule

_GAP = re.compile(r"\{([^{}]*)\}")
_ENDPOINTS = ("authorization_endpoint", "token_endpoint")
_MOST = 10
_LONGEST = 2048


def resembling(presets: Iterable[Preset], seen: Mapping[str, str]) -> tuple[Resemblance, ...]:
    """Return the presets whose endpoints, or else whose hosts, are those that were seen.

    ``seen``: ``authorization_endpoint`` and ``token_endpoint``, or where those are unknown
    ``issuer``. Ten at most, in the catalogue's order; one that has the very endpoints makes those
    that only have the hosts uninteresting.
    """
    found = [like for preset in presets if (like := _compared(preset, seen))]
    closest = [like for like in found if like.by == "endpoints"]
    return tuple((closest or found)[:_MOST])


def set_by(preset: Preset, fields: Mapping[str, Any]) -> frozenset[str]:
    """Name those of a server's fields that hold what the preset sets them to."""
    wanted: dict[str, Any] = dict(preset.server.set_fields())
    if scopes := [scope.name for scope in preset.scopes if scope.default]:
        wanted["scopes"] = scopes
    if preset.lifetimes.refresh_token_idle_days:
        wanted["refresh_idle_days"] = preset.lifetimes.refresh_token_idle_days
    return frozenset(
        name for name, field in wanted.items() if _is_filled(field, fields.get(name), preset)
    )


def _compared(preset: Preset, seen: Mapping[str, str]) -> Resemblance | None:
    templates = {name: getattr(preset.server, name) for name in _ENDPOINTS}
    known = [name for name in _ENDPOINTS if name in seen]
    if not known and "issuer" in seen:
        hosts = (_found(t, seen["issuer"], preset, whole=False) for t in templates.values())
        values = next((found for found in hosts if found is not None), None)
        return None if values is None else _resemblance(preset, values, "hosts")
    for whole in (True, False):
        each = [_found(templates[name], seen[name], preset, whole=whole) for name in known]
        values = _joined(each)
        if values is not None:
            return _resemblance(preset, values, "endpoints" if whole else "hosts")
    return None


def _resemblance(preset: Preset, values: Mapping[str, str], by: str) -> Resemblance:
    return Resemblance(preset.preset_id, preset.name, by, values)


def _joined(each: list[dict[str, str] | None]) -> dict[str, str] | None:
    """Return the values that all agree on; None where one has none, or they do not agree."""
    joined: dict[str, str] = {}
    for found in each:
        if found is None or any(joined.get(name, text) != text for name, text in found.items()):
            return None
        joined |= found
    return joined if each else None


def _found(template: str, url: str, preset: Preset, *, whole: bool) -> dict[str, str] | None:
    """Return the values with which a template becomes a URL, or its host the URL's host."""
    host, _, path = template.removeprefix("https://").partition("/")
    parts = _read(url)
    if parts is None:
        return None
    text, pattern = parts.netloc, _pattern(host, preset)
    if whole:
        text = f"{text}{parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")
        pattern = _pattern(f"{host}/{path}", preset)
    match = re.fullmatch(pattern, text)
    return None if match is None else _values(match.groupdict(), preset.values)


def _read(url: str) -> SplitResult | None:
    """Take a stranger's URL apart: https, its host in lower case and without a port."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    is_plain = parts.scheme == "https" and parts.netloc == parts.hostname
    return parts if is_plain and len(url) <= _LONGEST else None


def _is_filled(template: Any, value: Any, preset: Preset) -> bool:
    if isinstance(template, str) and isinstance(value, str):
        return re.fullmatch(_pattern(template, preset), value) is not None
    if isinstance(template, Mapping) and isinstance(value, Mapping):
        return template.keys() == value.keys() and all(
            _is_filled(text, value[name], preset) for name, text in template.items()
        )
    return bool(template == value)


def _pattern(template: str, preset: Preset) -> str:
    return "".join(_pieces(template, preset))


def _pieces(template: str, preset: Preset) -> Iterator[str]:
    named: set[str] = set()
    for number, piece in enumerate(_GAP.split(template)):
        if number % 2 == 0:
            yield re.escape(piece)
        elif piece in preset.server.later:
            yield rf"(?:\{{{piece}\}}|{_of_rule(preset.server.later[piece])})"
        elif piece in named:
            yield f"(?P={piece})"
        else:
            named.add(piece)
            yield f"(?P<{piece}>{_of_kind(preset.values[piece])})"


def _of_rule(rule: GapRule) -> str:
    """Match what a connection may keep for a gap; what it keeps is no value of the preset's."""
    if rule.kind is not GapKind.HOST:
        return r"[^/?]+"
    label = GRAMMAR[Kind.LABEL].pattern
    subdomains = rf"(?:{label}\.)+"
    hosts = (re.escape(host).replace(r"\*\.", subdomains) for host in rule.hosts)
    return "|".join(hosts)


def _of_kind(value: PresetValue) -> str:
    if value.kind is Kind.CHOICE:
        return "|".join(map(re.escape, value.options.values()))
    if value.kind is not Kind.HOST:
        return GRAMMAR[value.kind].pattern
    # Any host would fit: so it must lie where the service's own do.
    label = GRAMMAR[Kind.LABEL].pattern
    sites = "|".join(sorted({re.escape(site) for site in _sites(value)}))
    return rf"(?:{label}\.)*(?:{sites})" if sites else r"(?!)"


def _sites(value: PresetValue) -> Iterator[str]:
    for host in (value.default, value.example):
        site = ".".join((host or "").lower().split(".")[-2:])
        if site not in ("", "example.com"):
            yield site


def _values(groups: Mapping[str, str], values: Mapping[str, PresetValue]) -> dict[str, str]:
    found = {}
    for name, text in groups.items():
        value = values[name]
        if value.kind is Kind.CHOICE:
            found[name] = next(option for option, t in value.options.items() if t == text)
            continue
        try:
            found[name] = value.text_for(text)
        except ValueRefused:
            continue
    return found
