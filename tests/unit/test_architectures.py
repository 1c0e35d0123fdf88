"""The template that is built for the other architecture differs in the architecture alone."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from tests.unit.transformed import ROOT, TEMPLATE, source

type Place = tuple[str | int, ...]

PLACES: set[Place] = {
    ("Globals", "Function", "Architectures", 0),
    ("Resources", "CommonLayer", "Metadata", "BuildArchitecture"),
    ("Resources", "CommonLayer", "Properties", "CompatibleArchitectures", 0),
}


def template_for(architecture: str, folder: Path) -> str:
    """Have make write the template that it builds from."""
    wanted = folder / f"template-{architecture}.yaml"
    subprocess.run(
        ["make", str(wanted), f"BUILD={folder / 'build'}", f"ARCH={architecture}"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        check=True,
        capture_output=True,
    )
    return wanted.read_text(encoding="utf-8")


def leaves(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    members: Any = ()
    match value:
        case dict():
            members = value.items()
        case list():
            members = enumerate(value)
        case _:
            yield place, value
    for key, member in members:
        yield from leaves(member, (*place, key))


def test_exactly_the_places_that_name_the_architecture_change(tmp_path: Path) -> None:
    written, other = (
        dict(leaves(source())),
        dict(leaves(yaml_parse(template_for("x86_64", tmp_path)))),
    )
    assert other.keys() == written.keys()
    changed = {place for place in written if written[place] != other[place]}
    assert changed == PLACES
    assert {written[place] for place in PLACES} == {"arm64"}
    assert {other[place] for place in PLACES} == {"x86_64"}


@pytest.mark.parametrize(("architecture", "lines"), [("arm64", 0), ("x86_64", len(PLACES))])
def test_no_other_line_changes(architecture: str, lines: int, tmp_path: Path) -> None:
    written = TEMPLATE.read_text(encoding="utf-8").splitlines()
    other = template_for(architecture, tmp_path).splitlines()
    assert sum(a != b for a, b in zip(written, other, strict=True)) == lines
