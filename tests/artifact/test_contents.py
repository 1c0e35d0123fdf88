"""What SAM builds: the same bytes each time, for the right machine, and nothing unmeant."""

import importlib.util
import marshal
import re
from pathlib import Path

import pytest

from local.artifact import Artifact, files
from tests.artifact.conftest import Built
from tests.unit.transformed import ROOT

pytestmark = pytest.mark.timeout(300)  # the first test waits for three builds
MEGABYTE = 1 << 20
LIBRARIES = {"pydantic_core", "cffi", "cryptography"}
"""What is machine code."""


def locked() -> dict[str, str]:
    """Return what is pinned for the layer, by the name that its folder has."""
    lock = (ROOT / "requirements" / "runtime.txt").read_text(encoding="utf-8")
    pins = re.findall(r"^([a-z0-9-]+)==([^\s;]+)", lock, re.MULTILINE)
    return {name.replace("-", "_"): version for name, version in pins}


def modes(artifact: Artifact) -> dict[str, int]:
    paths = files(artifact.folder)
    return {str(path.relative_to(artifact.folder)): path.stat().st_mode for path in paths}


def modules(artifact: Artifact) -> list[Path]:
    return sorted((artifact.layer / "python").rglob("*.py"))


def test_make_and_sam_alone_build_the_same_bytes_in_different_folders(
    arm64: Built, bare: Artifact
) -> None:
    assert arm64.artifact.manifest() == bare.manifest()
    assert modes(arm64.artifact) == modes(bare)


def test_the_binaries_are_for_the_architecture_that_the_template_names(
    arm64: Built, x86_64: Built
) -> None:
    for name, built in (("arm64", arm64), ("x86_64", x86_64)):
        assert built.artifact.declared == {name}
        assert set(built.artifact.binaries.values()) == {name}
        assert len(built.artifact.binaries) == len(LIBRARIES)


def test_the_architectures_share_every_line_of_python(arm64: Built, x86_64: Built) -> None:
    ours, others = (
        {path: seen for path, seen in built.artifact.manifest().items() if ".py" in path}
        for built in (arm64, x86_64)
    )
    assert ours == others


def test_the_layer_holds_what_is_locked_and_the_broker(built: Built) -> None:
    assert built.artifact.versions == locked()
    assert built.artifact.unpacked().keys() == {*locked(), "broker"}


def test_what_the_runtime_brings_is_not_in_the_layer(built: Built) -> None:
    brought = {"awslambdaric", "boto3", "botocore", "s3transfer", "urllib3"}
    assert not brought & {path.name for path in (built.artifact.layer / "python").iterdir()}


def test_the_broker_is_as_it_is_in_the_sources(built: Built) -> None:
    source, shipped = ROOT / "layers" / "common" / "broker", built.artifact.layer / "python/broker"

    def contents(folder: Path) -> dict[str, bytes]:
        paths = [path for path in files(folder) if path.suffix != ".pyc"]
        return {str(path.relative_to(folder)): path.read_bytes() for path in paths}

    assert contents(shipped) == contents(source)


def test_a_function_is_its_app_and_nothing_else(built: Built) -> None:
    sources = {path.read_bytes() for path in ROOT.glob("functions/*/app.py")}
    for folder in built.artifact.functions.values():
        assert [path.name for path in files(folder)] == ["app.py"]
    shipped = {(each / "app.py").read_bytes() for each in built.artifact.functions.values()}
    assert shipped == sources


def test_every_module_has_bytecode_that_lambda_takes_without_looking_at_the_source(
    built: Built,
) -> None:
    assert len(modules(built.artifact)) > 500
    for path in modules(built.artifact):
        compiled = Path(importlib.util.cache_from_source(str(path))).read_bytes()
        assert compiled[:4] == importlib.util.MAGIC_NUMBER, path
        assert int.from_bytes(compiled[4:8], "little") == 0b01, path  # by hash, unchecked
        assert compiled[8:16] == importlib.util.source_hash(path.read_bytes()), path
        inside = path.relative_to(built.artifact.layer)
        assert marshal.loads(compiled[16:]).co_filename == f"/opt/{inside}"


def test_there_is_no_bytecode_without_its_source(built: Built) -> None:
    compiled = sorted(built.artifact.layer.rglob("*.pyc"))
    assert len(compiled) == len(modules(built.artifact))


def test_nothing_tells_where_it_was_built(built: Built) -> None:
    places = [str(place).encode() for place in (ROOT, Path.home(), built.artifact.folder.parent)]
    for path in files(built.artifact.folder):
        content = path.read_bytes()
        assert not [place for place in places if len(place) > 8 and place in content], path


def test_it_is_far_below_what_lambda_takes(built: Built) -> None:
    assert 20 * MEGABYTE < built.artifact.unpacked().total() < 50 * MEGABYTE
    assert 5 * MEGABYTE < built.artifact.zipped() < 20 * MEGABYTE


def test_make_build_prints_what_is_in_it(built: Built) -> None:
    *_, table = built.printed.partition(f"{built.artifact.folder}, for ")
    rows = dict(re.findall(r"^  (\S+) +(\S+) ", table, re.MULTILINE))
    for name, version in locked().items():
        assert rows[name] == version
    assert rows.keys() >= {"broker", *built.artifact.functions}
    assert f"digest  {built.artifact.digest()}" in re.sub(" +", "  ", table)
