"""Builds into pytest's own folders, once per session; the developer's `.aws-sam` is left alone."""

import platform
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.artifact import Artifact
from tests.artifact.making import build, build_bare


@dataclass(frozen=True, slots=True)
class Built:
    """What one build left, and what it printed."""

    artifact: Artifact
    printed: str


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where both architectures are built beside each other, as in `.aws-sam`."""
    return tmp_path_factory.mktemp("built")


@pytest.fixture(scope="session")
def x86_64(shared_folder: Path) -> Built:
    """The build for Intel and AMD."""
    folder = shared_folder / "x86_64"
    return Built(printed=build(folder, "x86_64"), artifact=Artifact.at(folder))


@pytest.fixture(scope="session")
def arm64(shared_folder: Path, x86_64: Built) -> Built:
    """The build that is deployed, made after the other, where something of it could linger."""
    folder = shared_folder / "build"
    return Built(printed=build(folder, "arm64"), artifact=Artifact.at(folder))


@pytest.fixture(params=["arm64", "x86_64"])
def built(request: pytest.FixtureRequest, arm64: Built, x86_64: Built) -> Built:
    """Each of the two."""
    return {"arm64": arm64, "x86_64": x86_64}[request.param]


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """The arm64 build once more, elsewhere and without make."""
    folder = tmp_path_factory.mktemp("elsewhere") / "bare"
    build_bare(folder)
    return Artifact.at(folder)


@pytest.fixture(scope="session")
def runnable(request: pytest.FixtureRequest) -> Artifact:
    """The build for this machine."""
    if platform.system() != "Linux":
        pytest.skip("what is built holds binaries for Linux")
    name = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"
    built: Built = request.getfixturevalue(name)
    return built.artifact
