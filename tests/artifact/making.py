"""Runs make and SAM as a person would, from a shell that knows nothing of this test run."""

import os
import subprocess
from pathlib import Path

from tests.unit.transformed import ROOT

LAYER = ROOT / "layers" / "common"
_OURS = {"ARCH", "BUILD", "LAYER_ARCHITECTURE", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PYTHON", "UV"}


def run(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command at the root; its output is in `stdout`."""
    environment = {name: value for name, value in os.environ.items() if name not in _OURS}
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def make(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run make at the root."""
    return run("make", "--no-print-directory", *arguments, **variables)


def build(folder: Path, architecture: str) -> str:
    """Have `make build` build into a folder; return what it printed."""
    made = make("build", f"ARCH={architecture}", f"BUILD={folder}")
    assert made.returncode == 0, made.stdout
    return made.stdout


def build_bare(folder: Path) -> None:
    """Have `sam build` alone build into a folder; it finds uv and Python on the PATH."""
    tools = [ROOT / ".cache" / "uv" / "bin", ROOT / ".venv" / "bin"]
    path = os.pathsep.join([*map(str, tools), os.environ["PATH"]])
    sam = str(ROOT / ".venv-sam" / "bin" / "sam")
    made = run(sam, "build", "--build-dir", str(folder), PATH=path, SAM_CLI_TELEMETRY="0")
    assert made.returncode == 0, made.stdout
