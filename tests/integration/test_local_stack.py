"""The stack as a whole: several deployments, and nothing left behind however it ends."""

import ast
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local import browser_names, processes
from local.processes import ChildFailedError
from local.stack import ROOT, LocalStack
from local.template import Template
from tests.integration.local_app.running import TEMPLATE, small_stack

PARENT = """
import sys, threading, time
from pathlib import Path
from tests.integration.local_app.running import small_deployment

with small_deployment(Path(sys.argv[1])) as deployment:
    call = lambda: deployment.invoke("Patient", {"seconds": 4})
    threading.Thread(target=call, daemon=True).start()
    deployment.invoke("Echo", {})
    while len(deployment.containers()) < 2:
        time.sleep(0.01)
    print("running", flush=True)
    time.sleep(60)
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with small_stack(tmp_path_factory.mktemp("stack")) as running:
        yield running


def descendants(pid: int) -> set[int]:
    """Return the living processes that a process has started, and theirs."""
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,stat="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split() for line in listing.splitlines()]
    parents = {int(row[0]): int(row[1]) for row in rows if not row[2].startswith("Z")}
    found, generation = set[int](), {pid}
    while generation:
        generation = {child for child, parent in parents.items() if parent in generation}
        found |= generation
    return found


def alive(pids: set[int]) -> set[int]:
    """Return those of the processes that run; a zombie does not."""
    listing = subprocess.run(
        ["ps", "-o", "pid=,stat=", "-p", ",".join(map(str, pids))],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    rows = [line.split() for line in listing.splitlines()]
    return {int(pid) for pid, state in rows if not state.startswith("Z")}


def gone_within(seconds: float, pids: set[int]) -> bool:
    deadline = time.monotonic() + seconds
    while alive(pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pids)


def test_deployments_share_the_services_but_not_the_parameters(stack: LocalStack) -> None:
    first = stack.deployment("first")
    second = stack.deployment("second", Greeting="good evening")
    mine, other = [each.invoke("Echo", {}).json()["environment"] for each in (first, second)]
    assert mine["TABLE"] == other["TABLE"]
    assert (mine["GREETING"], other["GREETING"]) == (
        "hello, eu-central-1",
        "good evening, eu-central-1",
    )
    assert (mine["PUBLIC_BASE_URL"], other["PUBLIC_BASE_URL"]) == (first.url, second.url)
    assert mine["AWS_ACCESS_KEY_ID"] != other["AWS_ACCESS_KEY_ID"]


def test_origins_of_plain_http_are_named_only_when_there_are_some(stack: LocalStack) -> None:
    strict = stack.deployment("strict")
    loose = stack.deployment("loose", local_origins=["http://127.0.0.1:1", "http://a.localhost:2"])
    environments = [each.invoke("Echo", {}).json()["environment"] for each in (strict, loose)]
    assert "BROKER_LOCAL_ORIGINS" not in environments[0]
    origins = environments[1]["BROKER_LOCAL_ORIGINS"]
    assert origins == "http://127.0.0.1:1,http://a.localhost:2"


def test_a_closed_deployment_leaves_no_container(stack: LocalStack) -> None:
    deployment = stack.deployment("short")
    deployment.invoke("Echo", {})
    (container,) = deployment.containers()
    deployment.close()
    assert not container.alive


def test_no_child_survives_the_stack(tmp_path: Path) -> None:
    before = descendants(os.getpid())
    with small_stack(tmp_path) as running:
        running.deployment().invoke("Echo", {})
        children = descendants(os.getpid()) - before
        assert len(children) >= 3  # the services, a container, the reaper
    assert not alive(children)


def test_no_child_survives_a_failed_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = descendants(os.getpid())
    children = set[int]()

    def fail(_: object) -> int:
        children.update(descendants(os.getpid()) - before)
        raise ChildFailedError

    monkeypatch.setattr("local.stack._port", fail)
    with pytest.raises(ChildFailedError), small_stack(tmp_path):
        pass
    assert children
    assert not alive(children)


@contextmanager
def parent(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a process that starts a stack; yield it with its first line, when all is running."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env=processes.bare_environment() | {"PYTHONPATH": str(ROOT)},
    )
    assert process.stdout
    with process.stdout as output:
        yield process, output.readline()
    process.kill()
    process.wait()


def test_no_child_survives_the_death_of_the_parent(tmp_path: Path) -> None:
    with parent("-c", PARENT, str(tmp_path)) as (process, line):
        assert line == "running\n"
        children = descendants(process.pid)
        assert len(children) >= 4  # the services, two containers, the reaper
        process.kill()
        process.wait()
    assert gone_within(3, children)


def test_ctrl_c_stops_everything(tmp_path: Path) -> None:
    command = ["-m", "local", "--logs", str(tmp_path)]
    with parent(*command) as (process, line):
        assert line.startswith("Chat page")
        children = descendants(process.pid)
        assert len(children) >= 5  # the services, three third parties, the reaper
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0
        assert not alive(children)


def test_the_names_of_the_browser_lead_here(stack: LocalStack) -> None:
    deployment = stack.deployment("named")
    with browser_names.client() as client:
        event = client.get(f"{deployment.url}/open").json()["event"]
    assert event["headers"]["host"] == deployment.url.removeprefix("http://")


def test_data_that_mentions_what_is_not_made_here_is_resolved(stack: LocalStack) -> None:
    deployment = stack.deployment("policies")
    key = deployment.aws.client("kms").get_key_policy(
        KeyId=deployment.physical_id("Key"), PolicyName="default"
    )
    assert "role/local-EchoRole" in str(key["Policy"])


def test_conditions_decide_what_there_is(tmp_path: Path) -> None:
    given = Template.load(TEMPLATE, {"PublicBaseUrl": "https://broker.example"}, "eu-west-1")
    assert "Topic" in given.resources
    assert "Topic" not in Template.load(TEMPLATE, {}, "eu-west-1").resources


def test_local_imports_nothing_of_the_broker() -> None:
    for module in (ROOT / "local").rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not any(name.split(".")[0] == "broker" for name in names), module
