"""What is told of a build is what is in its folder."""

from pathlib import Path

import pytest

from local.artifact import Artifact
from local.artifact.__main__ import main

TEMPLATE = """
Globals: {{Function: {{Architectures: [{architecture}]}}}}
Resources:
  Layer:
    Type: AWS::Serverless::LayerVersion
    Metadata: {{BuildArchitecture: {architecture}}}
    Properties: {{ContentUri: Layer, CompatibleArchitectures: [{architecture}]}}
  Greet: {{Type: AWS::Serverless::Function, Properties: {{CodeUri: Greet}}}}
"""
FILES = {
    "Greet/app.py": b"x" * 100,
    "Layer/python/fern-1.2.dist-info/METADATA": b"x" * 1,
    "Layer/python/fern/__init__.py": b"x" * 2,
    "Layer/python/fern/__pycache__/__init__.cpython-313.pyc": b"x" * 4,
    "Layer/python/_fern_backend.so": b"\x7fELF".ljust(18, b"\0") + b"\xb7\0" + bytes(44),
    "Layer/python/fern_core-3.dist-info/METADATA": b"x" * 8,
    "Layer/python/fern_core/core.py": b"x" * 16,
    "Layer/python/moss.py": b"x" * 32,
    "Layer/python/moss-0.9.dist-info/METADATA": b"x" * 64,
    "Layer/python/__pycache__/moss.cpython-313.pyc": b"x" * 128,
    "Layer/python/stray/thing.py": b"x" * 256,
    "Layer/note.txt": b"x" * 512,
}


def made(folder: Path, architecture: str = "arm64") -> Artifact:
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / "template.yaml").write_text(TEMPLATE.format(architecture=architecture))
    return Artifact.at(folder)


def test_every_byte_of_the_layer_counts_for_one_distribution_or_under_its_own_name(
    tmp_path: Path,
) -> None:
    artifact = made(tmp_path)
    assert artifact.versions == {"fern": "1.2", "fern_core": "3", "moss": "0.9"}
    fern = 1 + 2 + 4 + 64
    assert artifact.unpacked() == {
        "fern": fern, "fern_core": 8 + 16, "moss": 32 + 64 + 128, "stray": 256, "note.txt": 512
    }  # fmt: skip


def test_a_binary_is_known_by_its_header_not_by_its_name(tmp_path: Path) -> None:
    artifact = made(tmp_path)
    (tmp_path / "Layer" / "python" / "fern" / "text.so").write_text("no machine code")
    (tmp_path / "Greet" / "tool").write_bytes(b"\x7fELF".ljust(18, b"\0") + b"\x3e\0")
    (tmp_path / "Greet" / "odd").write_bytes(b"\x7fELF".ljust(18, b"\0") + b"\x02\0")
    found = {path.name: machine for path, machine in artifact.binaries.items()}
    assert found == {"_fern_backend.so": "arm64", "tool": "x86_64", "odd": "machine 0x2"}


def test_the_digest_is_that_of_the_bytes_wherever_they_lie(tmp_path: Path) -> None:
    assert made(tmp_path / "one").digest() == made(tmp_path / "two").digest()


@pytest.mark.parametrize("change", ["content", "name", "mode", "further", "template"])
def test_the_digest_changes_with_everything_that_matters(change: str, tmp_path: Path) -> None:
    artifact = made(tmp_path)
    before, path = artifact.digest(), tmp_path / "Greet" / "app.py"
    match change:
        case "content":
            path.write_bytes(b"y" * 100)
        case "name":
            path.rename(path.with_name("apq.py"))
        case "mode":
            path.chmod(0o755)
        case "further":
            path.with_name("more.py").touch()
        case "template":
            (tmp_path / "template.yaml").write_text(TEMPLATE.format(architecture="x86_64"))
    assert artifact.digest() != before


def test_a_build_that_will_run_is_told_without_complaint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    artifact = made(tmp_path)
    assert main(tmp_path) == 0
    out, err = capsys.readouterr()
    assert err == ""
    rows = [line.split() for line in out.splitlines()]
    assert ["fern_core", "3", "0.00", "MB"] in rows
    assert ["stray", "-", "0.00", "MB"] in rows
    assert ["Greet", "0.1", "kB"] in rows
    assert ["1", "binaries", "arm64"] in rows
    assert rows[-1] == ["digest", artifact.digest()]


def test_binaries_of_another_machine_than_the_templates_are_a_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made(tmp_path, architecture="x86_64")
    assert main(tmp_path) == 1
    assert capsys.readouterr().err == "The template says x86_64, the binaries are arm64.\n"


def test_a_layer_without_its_binaries_is_a_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made(tmp_path)
    (tmp_path / "Layer" / "python" / "_fern_backend.so").unlink()
    assert main(tmp_path) == 1
    assert capsys.readouterr().err == "The template says arm64, the binaries are none.\n"


def test_what_is_larger_than_lambda_takes_is_a_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made(tmp_path)
    monkeypatch.setattr("local.artifact.__main__._MEGABYTE", 1)
    assert main(tmp_path) == 1
    assert capsys.readouterr().err.splitlines() == [
        "A function may have 250 MB, its layer included.",
        "A zipped layer may have 50 MB.",
    ]


def test_a_folder_that_is_no_build_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(tmp_path) == 1
    assert "is no build: it has no template.yaml" in capsys.readouterr().err
