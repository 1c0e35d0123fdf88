"""What `python -m local` and `python -m local.demo` may run, and what they refuse."""

import argparse
import platform
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from local.choice import Choice, offer
from local.stack import ROOT

MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
TEMPLATE = """
Globals: {{Function: {{Architectures: [{architecture}]}}}}
Resources:
  Layer:
    Type: AWS::Serverless::LayerVersion
    Metadata: {{BuildArchitecture: {architecture}}}
    Properties: {{ContentUri: Layer, CompatibleArchitectures: [{architecture}]}}
"""


def chosen(*arguments: str | Path) -> Choice:
    parser = argparse.ArgumentParser()
    offer(parser)
    return Choice.of(parser.parse_args([*map(str, arguments)]))


def refused(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    with pytest.raises(SystemExit) as ended:
        chosen(*arguments)
    assert ended.value.code == 2
    return capsys.readouterr().err


def artifact(folder: Path, architecture: str) -> Path:
    (folder / "template.yaml").write_text(TEMPLATE.format(architecture=architecture))
    return folder


@pytest.fixture(params=MACHINES)
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "machine", lambda: MACHINES[request.param])
    return str(request.param)


def test_the_sources_run_under_this_python_unless_something_is_said() -> None:
    assert chosen() == Choice(ROOT / "template.yaml", Path(sys.executable), "")


def test_a_build_for_this_machine_runs(machine: str, tmp_path: Path) -> None:
    choice = chosen("--artifact", artifact(tmp_path, machine))
    told = f"Runs the artifact in {tmp_path}, with boto3 {version('boto3')}."
    assert choice == Choice(tmp_path / "template.yaml", Path(sys.executable), told)


def test_a_build_for_the_other_machine_is_refused(
    machine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [other] = MACHINES.keys() - {machine}
    said = refused(capsys, "--artifact", artifact(tmp_path, other))
    assert f"{tmp_path} is for Linux on {other}; this is Linux on {machine}" in said


def test_a_build_is_refused_where_its_binaries_are_foreign(
    machine: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    said = refused(capsys, "--artifact", artifact(tmp_path, machine))
    assert f"is for Linux on {machine}; this is Darwin on {machine}" in said


def test_a_folder_without_a_build_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "is no build: it has no template.yaml" in refused(capsys, "--artifact", tmp_path)


def test_another_interpreter_is_taken_by_its_place_not_by_what_it_links_to(tmp_path: Path) -> None:
    link = tmp_path / "environment"
    link.symlink_to(Path(sys.executable).parents[1])
    choice = chosen("--python", link / "bin" / "python")
    assert choice.python == link / "bin" / "python"
    assert choice.told == f"Runs the sources, with boto3 {version('boto3')}."


def test_an_interpreter_without_boto3_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "python"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "$@"\n')
    script.chmod(0o755)
    said = refused(capsys, "--python", script)
    assert f"{script} is no Python, or lacks awslambdaric or boto3" in said


def test_an_interpreter_that_is_not_there_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "is no Python" in refused(capsys, "--python", tmp_path / "nothing")
