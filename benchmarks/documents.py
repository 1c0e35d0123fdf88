"""Tables in a document: between two comments that name them, written there by who made them."""

import re
from collections.abc import Mapping
from pathlib import Path

PERFORMANCE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"


def tables_in(document: Path = PERFORMANCE) -> dict[str, str]:
    """Return what stands between ``<!-- name -->`` and ``<!-- /name -->``, by name."""
    return {
        name: table.strip("\n") for name, table in _marked().findall(document.read_text("utf-8"))
    }


def write_tables(tables: Mapping[str, str], document: Path = PERFORMANCE) -> None:
    """Put each table where its name stands; raise LookupError for one without a place."""
    text = document.read_text("utf-8")
    for name, table in tables.items():
        text, places = _marked(name).subn(f"<!-- {name} -->\n\n{table}\n\n<!-- /{name} -->", text)
        if not places:
            raise LookupError(name)
    document.write_text(text, "utf-8")


def _marked(name: str = r"[\w-]+") -> re.Pattern[str]:
    return re.compile(rf"<!-- ({name}) -->\n(.*?)<!-- /\1 -->", re.DOTALL)
