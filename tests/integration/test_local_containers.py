"""A local container is Lambda's: one event at a time, warm in between, killed when it must be."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, cast

import pytest

from local.containers import Answer, LambdaFunction
from local.containers.container import Container
from local.deployment import Deployment, Settings
from tests.integration.local_app.running import small_deployment

LIMIT = 3
QUICK = {"seconds": 0.02}


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    settings = Settings(environment={"EXTRA": "given"})
    folder = tmp_path_factory.mktemp("containers")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEVELOPERS_SECRET", "canary")
        patch.setenv("AWS_PROFILE", "production")
        with small_deployment(folder, LIMIT, settings) as running:
            yield running


@pytest.fixture(autouse=True)
def no_containers(deployment: Deployment) -> None:
    for container in deployment.containers():
        container.kill()


def slept(deployment: Deployment, seconds: float) -> Any:
    return deployment.invoke("Slow", {"seconds": seconds}).json()["pid"]


def busy_container(deployment: Deployment) -> Container:
    """Return a container once it has written that it is at work."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        for container in deployment.containers():
            if container.busy and "sleeping" in container.log.read_text():
                return container
        time.sleep(0.01)
    raise AssertionError("no container is busy")


def test_module_state_persists_while_warm(deployment: Deployment) -> None:
    answers = [deployment.invoke("Echo", {}).json() for _ in range(3)]
    assert [answer["calls"] for answer in answers] == [1, 2, 3]
    assert len({answer["pid"] for answer in answers}) == 1


def test_events_at_the_same_time_run_in_containers_of_their_own(deployment: Deployment) -> None:
    with ThreadPoolExecutor() as threads:
        pids = set(threads.map(lambda _: slept(deployment, 0.5), range(LIMIT)))
    assert len(pids) == LIMIT


def test_there_are_never_more_containers_than_the_limit(deployment: Deployment) -> None:
    with ThreadPoolExecutor(max_workers=12) as threads:
        pids = list(threads.map(lambda _: slept(deployment, 0.05), range(12)))
    assert len(pids) == 12
    assert len(set(pids)) <= LIMIT
    assert len(deployment.containers()) <= LIMIT


def test_a_function_has_no_more_containers_than_it_may(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    functions = cast("dict[str, LambdaFunction]", deployment.functions)
    monkeypatch.setitem(functions, "Lonely", replace(functions["Slow"], concurrency=1))
    with ThreadPoolExecutor(max_workers=4) as threads:
        answers = list(threads.map(lambda _: deployment.invoke("Lonely", QUICK), range(4)))
    assert len({answer.json()["pid"] for answer in answers}) == 1
    assert len(deployment.containers("Lonely")) == 1


def test_the_longest_idle_container_makes_room_for_another_function(
    deployment: Deployment,
) -> None:
    with ThreadPoolExecutor() as threads:
        list(threads.map(lambda _: slept(deployment, 0.3), range(LIMIT)))
    coldest = min(deployment.containers(), key=lambda each: each.idle_since)
    deployment.invoke("Echo", {})
    assert not coldest.alive
    assert len(deployment.containers("Slow")) == LIMIT - 1
    assert len(deployment.containers("Echo")) == 1


def test_a_timeout_kills_the_container_and_the_next_call_works(deployment: Deployment) -> None:
    answer = deployment.invoke("Slow", {"seconds": 5})
    assert answer.error == "Sandbox.Timedout"
    assert answer.json()["errorMessage"].endswith("Task timed out after 1.00 seconds")
    assert deployment.containers("Slow") == []
    assert slept(deployment, 0)


def test_a_function_knows_its_deadline(deployment: Deployment) -> None:
    remaining = deployment.invoke("Echo", {}).json()["context"]["remaining"]
    assert 4_500 < remaining <= 5_000


def test_a_kill_in_mid_flight_fails_that_event_only(deployment: Deployment) -> None:
    answers: list[Answer] = []
    running = threading.Thread(
        target=lambda: answers.append(deployment.invoke("Slow", {"seconds": 0.9}))
    )
    running.start()
    victim = busy_container(deployment)
    os.kill(victim.pid, signal.SIGKILL)
    running.join()
    assert answers[0].error == "Runtime.ExitError"
    assert slept(deployment, 0) != victim.pid


def test_a_container_killed_while_idle_is_replaced_unnoticed(deployment: Deployment) -> None:
    before = deployment.invoke("Echo", {}).json()["pid"]
    os.kill(before, signal.SIGKILL)
    after = deployment.invoke("Echo", {})
    assert after.error is None
    assert after.json()["calls"] == 1


def test_kill_takes_a_process_id(deployment: Deployment) -> None:
    pid = deployment.invoke("Echo", {}).json()["pid"]
    deployment.kill(pid)
    assert deployment.containers("Echo") == []


@pytest.mark.parametrize("manner", ["exit", "vanish"])
def test_a_process_that_ends_is_an_exit_error(deployment: Deployment, manner: str) -> None:
    assert deployment.invoke("Crash", {"manner": manner}).error == "Runtime.ExitError"


def test_an_exception_leaves_the_container_warm(deployment: Deployment) -> None:
    answer = deployment.invoke("Crash", {})
    assert (answer.error, answer.json()["errorType"]) == ("LookupError", "LookupError")
    assert len(deployment.containers("Crash")) == 1


def test_a_module_that_cannot_be_imported_is_an_init_error(deployment: Deployment) -> None:
    answer = deployment.invoke("Broken", {})
    assert (answer.error, answer.json()["errorMessage"]) == ("RuntimeError", "no configuration")


def test_code_that_is_not_there_fails_its_function_alone(deployment: Deployment) -> None:
    assert deployment.invoke("Missing", {}).error == "Runtime.InvalidEntrypoint"
    assert slept(deployment, 0)


def test_what_a_function_prints_is_in_its_own_log(deployment: Deployment) -> None:
    deployment.invoke("Crash", {})
    (container,) = deployment.containers("Crash")
    assert "there is a canary in here" in container.log.read_text()


def test_the_environment_is_the_templates(deployment: Deployment) -> None:
    environment = deployment.invoke("Echo", {}).json()["environment"]
    assert environment["GREETING"] == "hello, eu-central-1"
    assert environment["TABLE"].startswith("local-Table-")
    assert environment["KEY_ARN"].endswith(environment["KEY"])
    assert environment["PUBLIC_BASE_URL"] == deployment.url
    assert environment["EXTRA"] == "given"


def test_nothing_of_the_developers_environment_gets_in(deployment: Deployment) -> None:
    environment = deployment.invoke("Echo", {}).json()["environment"]
    assert "canary" not in environment.values()
    assert not {"AWS_PROFILE", "HOME", "USER", "PYTEST_CURRENT_TEST"} & set(environment)


def test_each_function_has_an_access_key_of_its_own(deployment: Deployment) -> None:
    environment = deployment.invoke("Echo", {}).json()["environment"]
    keys = deployment.access_key_ids()
    assert keys[environment["AWS_ACCESS_KEY_ID"]] == "Echo"
    assert len(keys) == len(deployment.functions)


def test_the_layer_is_on_the_path(deployment: Deployment) -> None:
    assert deployment.invoke("Echo", {}).json()["layer"] == "from the layer"
