"""The build runs: in the real runtime loop, upon nothing but what Lambda brings."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.artifact import Artifact
from local.demo.walk import STEPS
from local.deployment import Settings
from local.stack import LocalStack
from tests.artifact import inside
from tests.artifact.making import run
from tests.unit.transformed import ROOT

pytestmark = pytest.mark.timeout(300)  # the first test may wait for builds
OLDEST = ROOT / ".venv-oldest" / "bin" / "python"
BROUGHT = ["awslambdaric", "boto3", "botocore", "urllib3"]
SHIPPED = ["broker.wiring", "pydantic", "httpx", "cryptography", "aws_lambda_powertools.logging"]
DEVELOPERS = ["moto", "flask", "pytest", "samtranslator"]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a container of the build sees under the oldest boto3."""

    modules: dict[str, dict[str, str] | None]
    path: list[str]
    installation: Path
    """Where the interpreter comes from that the environment was made with."""
    loaded: list[str]
    """The files that code was taken from, compiled or not."""

    def file(self, module: str) -> Path:
        found = self.modules[module]
        assert found, f"{module} cannot be imported"
        return Path(found["file"])


@pytest.fixture(scope="module")
def seen(runnable: Artifact, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    folder = tmp_path_factory.mktemp("inside")
    template = inside.template(folder, runnable.layer)
    settings = Settings(python=OLDEST, environment={"PYTHONVERBOSE": "1"})
    with LocalStack(template, third_parties=False, run_folder=folder / "logs") as stack:
        deployment = stack.deployment(settings=settings)
        answer = deployment.invoke("Look", {"modules": [*BROUGHT, *SHIPPED, *DEVELOPERS]})
        assert answer.error is None, answer.json()
        [container] = deployment.containers("Look")
        log = container.log.read_text(encoding="utf-8")
    told = answer.json()
    loaded = re.findall(r"^# code object from '?([^'\n]+)", log, re.MULTILINE)
    return Seen(told["modules"], told["path"], Path(told["base_prefix"]), loaded)


def oldest() -> dict[str, str]:
    """Return what is pinned in place of the Lambda runtime's packages."""
    lock = (ROOT / "requirements" / "oldest.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock, re.MULTILINE))


def test_boto3_is_the_oldest_that_is_claimed_to_work(seen: Seen) -> None:
    claimed = oldest()
    assert claimed["boto3"] == claimed["botocore"] == "1.34.145"
    for name in ("boto3", "botocore"):
        found = seen.modules[name]
        assert found
        assert found["version"] == claimed[name]


def test_what_lambda_brings_comes_from_the_interpreters_own_environment(seen: Seen) -> None:
    for name in BROUGHT:
        assert seen.file(name).is_relative_to(OLDEST.parents[1]), name


def test_everything_else_comes_from_the_layer(runnable: Artifact, seen: Seen) -> None:
    for name in SHIPPED:
        assert seen.file(name).is_relative_to(runnable.layer / "python"), name


def test_the_bytecode_that_was_shipped_is_what_runs(runnable: Artifact, seen: Seen) -> None:
    ours = [path for path in seen.loaded if Path(path).is_relative_to(runnable.layer)]
    assert len(ours) > 100
    assert {Path(path).suffix for path in ours} == {".pyc"}


def test_what_the_developer_has_installed_is_out_of_sight(runnable: Artifact, seen: Seen) -> None:
    assert [name for name in DEVELOPERS if seen.modules[name]] == []
    _function, *others = seen.path
    known = [OLDEST.parents[1], runnable.layer, seen.installation]
    assert [each for each in others if not any(Path(each).is_relative_to(k) for k in known)] == []
    assert str(seen.installation / "lib/python3.13/site-packages") not in others


def test_the_demonstration_holds_from_the_build_and_leaves_it_as_it_was(
    runnable: Artifact,
) -> None:
    before = runnable.manifest()
    artifact = ["--artifact", str(runnable.folder), "--python", str(OLDEST)]
    walked = run(sys.executable, "-m", "local.demo", *artifact)
    assert walked.returncode == 0, walked.stdout
    first, *_, last = walked.stdout.splitlines()
    assert first == f"Runs the artifact in {runnable.folder}, with boto3 1.34.145."
    assert last == f"demo: {len(STEPS) + 1} steps, all held"
    assert runnable.manifest() == before
