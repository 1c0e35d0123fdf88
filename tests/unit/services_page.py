"""The part of ``docs/services.md`` that is made of the catalogue.

``make services`` writes it; ``tests/unit/test_docs_services.py`` holds the page against it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from broker.presets import Catalogue, Lifetimes, Preset, PresetValue
from broker.wire.quirks import DeclaredQuirks
from tests.unit.transformed import ROOT

PAGE = ROOT / "docs" / "services.md"
_BETWEEN = re.compile(r"(?<=<!-- services:begin -->\n).*?(?=<!-- services:end -->)", re.DOTALL)
_SPACED = {"space": "a blank", "comma": "a comma", "plus": "a plus"}
_REFRESH_TOKEN = {
    "always": "comes with every consent",
    "on_request": "comes where it is asked for, as it is here",
    "setting": "comes where the app is set so at the service",
    "never": "there is none",
}
_ROTATES = {
    "yes": "each serves once",
    "no": "stays the same",
    "setting": "serves once where the app is set so",
}


def written() -> str:
    """Return what stands between the markers."""
    presets = list(Catalogue().all())
    return "\n" + "\n\n".join([_contents(presets), *map(_section, presets)]) + "\n\n"


def between(page: str) -> re.Match[str] | None:
    """Find what stands between the markers."""
    return _BETWEEN.search(page)


def _contents(presets: list[Preset]) -> str:
    rows = [
        f"| `{preset.preset_id}` | [{preset.name}](#{_anchor(preset.name)}) |"
        f" {preset.server.token_request_style} | {', '.join(preset.values) or '–'} |"
        for preset in presets
    ]
    return "\n".join(["| preset | service | style | values |", "|---|---|---|---|", *rows])


def _section(preset: Preset) -> str:
    parts = [f"### {preset.name}", _pages(preset), _facts(preset)]
    if preset.values:
        parts.append("\n".join(_value(*one) for one in preset.values.items()))
    if preset.scopes:
        parts.append(_scopes(preset))
    if preset.notes:
        parts.append("\n".join(f"- {note}" for note in preset.notes))
    return "\n\n".join(parts)


def _pages(preset: Preset) -> str:
    links = [f"[documentation]({page})" for page in preset.sources]
    if preset.console:
        links.insert(0, f"[register the app]({preset.console})")
    return f"`{preset.preset_id}`, version {preset.version}: {', '.join(links)}."


def _facts(preset: Preset) -> str:
    lines = list(_settings(preset))
    width = max(len(name) for name, _ in lines)
    return "\n".join(["```text", *(f"{name:{width}}  {said}" for name, said in lines), "```"])


def _settings(preset: Preset) -> Iterator[tuple[str, str]]:
    said = preset.server.set_fields()
    for name, value in sorted(said.items(), key=lambda one: one[0] in DeclaredQuirks.model_fields):
        if name == "scope_separator":
            yield name, _SPACED[value]
        elif name == "kept_fields":
            yield from ((f"{name}.{each}", _kept(kept)) for each, kept in value.items())
        elif name == "scope_aliases":
            yield from ((f"granted: {each}", _listed(names)) for each, names in value.items())
        elif name in DeclaredQuirks.model_fields and isinstance(value, dict):
            yield name, ", ".join(f"{key}={text}" for key, text in value.items())
        elif isinstance(value, dict):
            yield name, "&".join(f"{key}={text}" for key, text in value.items())
        else:
            yield name, str(value).lower() if isinstance(value, bool) else value
    yield from _lifetimes(preset.lifetimes)


def _listed(names: Sequence[str]) -> str:
    return f"also where {' or '.join(names)} is listed" if names else "not listed"


def _kept(kept: Mapping[str, Any]) -> str:
    source = kept["source"].replace("_", " ")
    listed = f", a host: {', '.join(kept['hosts'])}" if "hosts" in kept else ""
    default = f"; else {kept['default']}" if "default" in kept else ""
    return f"{kept['field']} of the {source}{listed}{default}"


def _lifetimes(lifetimes: Lifetimes) -> Iterator[tuple[str, str]]:
    if lifetimes.access_token_seconds:
        yield "access token", _duration(lifetimes.access_token_seconds)
    if lifetimes.access_token_ends is False:
        yield "access token", "until it is revoked"
    said = [
        _REFRESH_TOKEN.get(lifetimes.refresh_token or ""),
        _ROTATES.get(lifetimes.refresh_token_rotates or ""),
        _days(lifetimes.refresh_token_idle_days, "without use"),
        _days(lifetimes.refresh_token_absolute_days, "in any case"),
    ]
    if any(said):
        yield "refresh token", "; ".join(part for part in said if part)


def _days(days: int | None, how: str) -> str | None:
    return f"ends after {days} days {how}" if days else None


def _duration(seconds: int) -> str:
    for length, unit in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds % length == 0:
            number = seconds // length
            return f"{number} {unit}{'s' if number > 1 else ''}"
    return f"{seconds} seconds"


def _value(name: str, value: PresetValue) -> str:
    options = f" One of {', '.join(value.options)}." if value.options else ""
    default = f"; {value.default} if left out" if value.default else ""
    return f"- **{name}**: {value.description}{options} Such as {value.example}{default}."


def _scopes(preset: Preset) -> str:
    width = max(len(scope.name) for scope in preset.scopes)
    lines = [
        f"{'*' if scope.default else ' '} {scope.name:{width}}  {scope.gives}"
        for scope in preset.scopes
    ]
    return "\n".join(["```text", *lines, "```"])


def _anchor(name: str) -> str:
    return re.sub(r"[^\w -]", "", name.lower()).replace(" ", "-")


def write() -> None:
    """Write it into the page."""
    page = PAGE.read_text(encoding="utf-8")
    found = between(page)
    if found is None:
        raise SystemExit("docs/services.md has no markers")
    PAGE.write_text(page[: found.start()] + written() + page[found.end() :], encoding="utf-8")


if __name__ == "__main__":
    write()
