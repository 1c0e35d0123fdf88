"""What the containers run: the sources under this Python, or a built artifact under another."""

import argparse
import platform
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Self

from local.processes import bare_environment
from local.stack import ROOT

_BROUGHT = "import awslambdaric, boto3; print(boto3.__version__)"


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python with the runtime loop, and the boto3 that it brings."""

    path: Path
    boto3: str

    @classmethod
    def here(cls) -> Self:
        """Return the one that runs this."""
        return cls(Path(sys.executable), version("boto3"))


@dataclass(frozen=True, slots=True)
class Choice:
    """A template beside its code, and an interpreter."""

    template: Path
    python: Path
    told: str
    """One line for people; empty for the usual choice."""

    @classmethod
    def of(cls, options: argparse.Namespace) -> Self:
        """Take what `offer` had the command line say."""
        interpreter = options.python or Interpreter.here()
        folder, what = ROOT, "the sources"
        if options.artifact:
            folder, what = options.artifact, f"the artifact in {options.artifact}"
        usual = not (options.artifact or options.python)
        told = "" if usual else f"Runs {what}, with boto3 {interpreter.boto3}."
        return cls(folder / "template.yaml", interpreter.path, told)


def offer(parser: argparse.ArgumentParser) -> None:
    """Let the command line choose; what cannot run here is refused by it."""
    parser.add_argument(
        "--artifact", type=_artifact, metavar="FOLDER", help="run what `make build` left there"
    )
    parser.add_argument(
        "--python",
        type=_interpreter,
        metavar="PATH",
        help="run the functions under this interpreter, which brings awslambdaric and boto3",
    )


def _artifact(text: str) -> Path:
    # Imported late: the parser of templates takes its time, and the sources do without.
    from local.artifact import Artifact

    try:
        built_for = Artifact.at(Path(text)).declared
    except FileNotFoundError as exc:
        raise argparse.ArgumentTypeError(f"{text} is no build: it has no template.yaml") from exc
    here = f"{platform.system()} on {platform.machine().replace('aarch64', 'arm64')}"
    if {here} != {f"Linux on {architecture}" for architecture in built_for}:
        wanted = ", ".join(sorted(built_for))
        raise argparse.ArgumentTypeError(f"{text} is for Linux on {wanted}; this is {here}")
    return Path(text)


def _interpreter(text: str) -> Interpreter:
    # Not resolved: an environment's interpreter is a link, and knows itself by the link's place.
    path = Path(text).absolute()
    command = [str(path), "-c", _BROUGHT]
    try:
        ran = subprocess.run(
            command, env=bare_environment(), capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as exc:
        raise argparse.ArgumentTypeError(
            f"{text} is no Python, or lacks awslambdaric or boto3"
        ) from exc
    return Interpreter(path, ran.stdout.strip())
