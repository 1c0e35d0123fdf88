"""The tables of ``docs/refresh.md`` that are made from data.

``make refresh-tables`` writes them; a test compares.
"""

import re
from collections.abc import Callable, Iterable, Mapping

from broker.oauth.equivalents import EQUIVALENTS, SENTENCES, Refusal
from tests.integration.token_answers import RENEWALS
from tests.integration.token_failures import FAILURES
from tests.integration.token_rows import STATED, Ends
from tests.unit.transformed import ROOT

PAGE = ROOT / "docs" / "refresh.md"
MEANINGS: Mapping[Refusal, str] = {
    Refusal.GRANT: "the grant is gone",
    Refusal.CLIENT: "the client is wrong",
    Refusal.BUSY: "not now: nothing was done",
    Refusal.BROKEN: "an outage: who knows what was done",
    Refusal.OTHER: "neither grant nor client",
}


def answers() -> str:
    """Return every answer to a refresh and what becomes of it."""
    stated = [(f"*{ends.value}*", STATED[ends]) for ends in Ends]
    renewed = [row.cells for row in RENEWALS]
    failed = [(row.title, f"*{row.ends.value}*") for row in FAILURES]
    return "\n\n".join(
        [
            _table(("outcome", "what it means"), stated),
            f"The answer is a new set (*{Ends.RENEWED.value}*), with these parts:",
            _table(("answer", "access token ends after", "refresh token kept", "scope"), renewed),
            "The answer is none:",
            _table(("answer", "outcome"), failed),
        ]
    )


def equivalents() -> str:
    """Return every code and sentence that means something, and where that is written."""
    codes = [
        (f"`{known.code}`", MEANINGS[known.meaning], known.source)
        for meaning in MEANINGS
        for known in EQUIVALENTS
        if known.meaning is meaning
    ]
    sentences = [
        (
            " · ".join(f"`{example}`" for example in sentence.examples),
            MEANINGS[sentence.meaning],
            sentence.source,
        )
        for sentence in SENTENCES
    ]
    return "\n\n".join(
        [
            _table(("code", "meaning", "source"), codes),
            "Beside any other code, or without one, these sentences mean something:",
            _table(("for example", "meaning", "source"), sentences),
        ]
    )


TABLES: Mapping[str, Callable[[], str]] = {"answers": answers, "equivalents": equivalents}


def between(name: str, page: str) -> re.Match[str] | None:
    """Find what stands between the markers of a table."""
    return re.search(rf"(?<=<!-- {name}:begin -->\n).*?(?=<!-- {name}:end -->)", page, re.DOTALL)


def written(name: str) -> str:
    """Return a table as it stands between its markers."""
    return f"\n{TABLES[name]()}\n\n"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def write() -> None:
    """Write the tables into the page."""
    page = PAGE.read_text(encoding="utf-8")
    for name in TABLES:
        found = between(name, page)
        if found is None:
            raise SystemExit(f"docs/refresh.md has no markers for {name}")
        page = page[: found.start()] + written(name) + page[found.end() :]
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    write()
