"""The documents of the repository, read: prose, code blocks, names, tables, headings."""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.unit.transformed import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "examples" / "README.md"])

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_ROW = re.compile(r"^\| (.+?) \|(.*)\|$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Page:
    """One document."""

    path: Path

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def prose(self) -> str:
        """The text without its code blocks."""
        return _FENCE.sub("", self.text)

    def blocks(self, *languages: str) -> list[str]:
        """Return the code blocks in these languages, their indentation taken off."""
        return [
            re.sub(rf"^{indent}", "", block, flags=re.MULTILINE)
            for indent, language, block in _FENCE.findall(self.text)
            if language in languages
        ]

    def spans(self) -> set[str]:
        """Return what stands in backticks in the prose."""
        return set(_CODE.findall(self.prose))

    def rows(self, heading: str = "") -> dict[str, str]:
        """Return the table rows after a heading: the names in the first cell, and the rest."""
        _, _, section = self.prose.partition(heading)
        section = section.split("\n#", 1)[0] if heading else section
        return {
            name: rest for first, rest in _ROW.findall(section) for name in _CODE.findall(first)
        }

    @property
    def anchors(self) -> set[str]:
        """The headings as links name them."""
        headings = re.findall(r"^#+ (.+)$", self.prose, re.MULTILINE)
        return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def page(name: str) -> Page:
    return Page(ROOT / name)
