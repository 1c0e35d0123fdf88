"""The part of ``docs/troubleshooting.md`` that is made of the rules of diagnosis.

``make troubleshooting`` writes it; ``tests/unit/test_docs_troubleshooting.py`` holds the page
against it.
"""

import re
from collections.abc import Iterator

from broker.diagnosis import Cause
from broker.diagnosis.refresh_advice import BY_HOST
from broker.diagnosis.rule import Rule
from broker.diagnosis.rules import FAILURES, FINDINGS, LAST_RESORT
from tests.e2e.mistakes import MISTAKES
from tests.unit.transformed import ROOT

PAGE = ROOT / "docs" / "troubleshooting.md"
RULES = (*FAILURES, *FINDINGS, LAST_RESORT)
_BETWEEN = re.compile(r"(?<=<!-- causes:begin -->\n).*?(?=<!-- causes:end -->)", re.DOTALL)
_PLACEHOLDER = re.compile(r"\{[^}]*\}")
_NAMED = {
    "{place}": "the endpoint",
    "{redirect_uri}": "(the server's redirect_uri)",
    "{description}": "What went wrong with the certificate or the handshake is said with it.",
}
_PLACES = {"server": "in the server's configuration", "service": "on the app's page at the service"}


def written() -> str:
    """Return what stands between the markers."""
    return "\n" + "\n\n".join([_contents(), *map(_section, sorted(Cause))]) + "\n\n"


def between(page: str) -> re.Match[str] | None:
    """Find what stands between the markers."""
    return _BETWEEN.search(page)


def _contents() -> str:
    rows = [
        f"| [{cause}](#{cause}) | {_filled(_of(cause)[0].summary)} |"
        f" {', '.join(dict.fromkeys(rule.sure.value for rule in _of(cause)))} |"
        for cause in sorted(Cause)
    ]
    return "\n".join(["| cause | in a sentence | how sure |", "|---|---|---|", *rows])


def _of(cause: Cause) -> list[Rule]:
    return [rule for rule in RULES if rule.cause is cause]


def _section(cause: Cause) -> str:
    rules = _of(cause)
    parts = [f"### {cause}", " ".join(_each(_filled(rule.summary) for rule in rules))]
    parts.append("\n".join([*_recognised(rules), *_remedies(rules), *_pasted(rules)]))
    if cause is Cause.NO_REFRESH_TOKEN:
        parts.append(_by_service())
    if candidates := list(_candidates(rules)):
        parts.append("\n".join(["It may be another cause:", "", *candidates]))
    if made := [one.what for one in MISTAKES if one.cause == cause]:
        parts.append(f"Such as: {'; '.join(made)}.")
    return "\n\n".join(parts)


def _recognised(rules: list[Rule]) -> Iterator[str]:
    for why in _each(f"{_filled(rule.why)} ({rule.sure})" for rule in rules):
        yield f"- **Why**: {why}"


def _remedies(rules: list[Rule]) -> Iterator[str]:
    for fix in _each(_filled(rule.fix) for rule in rules if isinstance(rule.fix, str)):
        yield f"- **Do**: {fix}"
    if any(not isinstance(rule.fix, str) for rule in rules):
        yield "- **Do**: Ask for one in the way of the service. Those that the broker knows:"


def _pasted(rules: list[Rule]) -> Iterator[str]:
    for paste in (rule.paste for rule in rules):
        if paste is not None and not callable(paste):
            yield f"- **Paste** {_PLACES[paste.place]}, {paste.field}: {_general(paste.value)}"


def _by_service() -> str:
    rows = [f"| {host} | {advice} |" for host, advice in sorted(BY_HOST.items())]
    return "\n".join(["| service | how |", "|---|---|", *rows])


def _candidates(rules: list[Rule]) -> Iterator[str]:
    each = (one for rule in rules for one in rule.candidates)
    for number, one in enumerate(dict.fromkeys(each), 1):
        yield f"{number}. [{one.cause}](#{one.cause}): {_filled(one.test)}"


def _each(texts: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(texts))


def _filled(text: str) -> str:
    """Put in the places of the values what stands there in general."""
    told = _general(text)
    return told[:1].upper() + told[1:]


def _general(text: str) -> str:
    return _PLACEHOLDER.sub(lambda found: _NAMED.get(found[0], "…"), text)


def write() -> None:
    """Write it into the page."""
    page = PAGE.read_text(encoding="utf-8")
    found = between(page)
    if found is None:
        raise SystemExit("docs/troubleshooting.md has no markers")
    PAGE.write_text(page[: found.start()] + written() + page[found.end() :], encoding="utf-8")


if __name__ == "__main__":
    write()
