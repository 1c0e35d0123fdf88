"""What cannot be built is refused with a sentence, before anything is made."""

import sys
from pathlib import Path

import pytest

from tests.artifact.making import LAYER, make, run
from tests.unit.transformed import ROOT, TEMPLATE

OTHER_PYTHON = """#!/bin/sh
exec "{python}" -c 'import sys; sys.version_info = (3, 12, 7); exec(sys.argv[1])' "$2"
"""


def build_layer(folder: Path, **variables: str) -> tuple[int, str]:
    """Run the layer's own recipe, as SAM does; say how it ended and what it printed."""
    known = {"UV": str(ROOT / ".cache/uv/bin/uv"), "PYTHON": sys.executable}
    given = {"ARTIFACTS_DIR": str(folder), **known, **variables}
    done = run("make", "-C", str(LAYER), "build-CommonLayer", **given)
    return done.returncode, done.stdout


@pytest.mark.parametrize("architecture", ["sparc", "aarch64", "arm64 x86_64", ""])
def test_make_knows_two_architectures(architecture: str) -> None:
    refused = make("build", f"ARCH={architecture}")
    assert refused.returncode == 2
    assert f"ARCH is arm64 or x86_64, not '{architecture}'" in refused.stdout


def test_the_layer_knows_two_architectures(tmp_path: Path) -> None:
    status, printed = build_layer(tmp_path, LAYER_ARCHITECTURE="sparc")
    assert status == 2
    assert "LAYER_ARCHITECTURE is arm64 or x86_64, not 'sparc'" in printed
    assert list(tmp_path.iterdir()) == []


def test_another_python_is_refused_since_lambda_would_not_read_its_bytecode(
    tmp_path: Path,
) -> None:
    python = tmp_path / "python3.12"
    python.write_text(OTHER_PYTHON.format(python=sys.executable), encoding="utf-8")
    python.chmod(0o755)
    status, printed = build_layer(tmp_path / "layer", PYTHON=str(python))
    assert status == 2
    assert f"'{python}' is not Python 3.13" in printed
    assert not (tmp_path / "layer").exists()


def test_the_stand_in_differs_from_the_right_python_in_its_version_alone(tmp_path: Path) -> None:
    python = tmp_path / "python3.12"
    python.write_text(OTHER_PYTHON.format(python=sys.executable), encoding="utf-8")
    python.chmod(0o755)
    told = run(str(python), "-c", "import sys; print(sys.version_info[:2])")
    assert (told.returncode, told.stdout) == (0, "(3, 12)\n")


def test_without_uv_the_layer_says_what_it_needs(tmp_path: Path) -> None:
    status, printed = build_layer(tmp_path, UV="no-such-uv")
    assert status == 2
    assert "uv is not at 'no-such-uv'" in printed


def test_an_arch_of_the_environment_does_not_count(tmp_path: Path) -> None:
    wanted = tmp_path / "template-arm64.yaml"
    made = make(str(wanted), f"BUILD={tmp_path / 'build'}", ARCH="x86_64")
    assert made.returncode == 0, made.stdout
    assert wanted.read_bytes() == TEMPLATE.read_bytes()


def test_what_is_deployed_is_the_build_for_arm64() -> None:
    refused = make("-o", "build", "deploy", "ARCH=x86_64", "SAM=echo")
    assert refused.returncode == 2
    assert "What is deployed is the build for arm64" in refused.stdout


@pytest.mark.parametrize(("given", "told"), [("", "deploy"), ("prod", "deploy --config-env prod")])
def test_deploying_leaves_it_to_sam_where_build_and_settings_are(given: str, told: str) -> None:
    ran = make("-o", "build", "deploy", f"ENV={given}", "SAM=echo")
    assert (ran.returncode, ran.stdout.strip()) == (0, told)
