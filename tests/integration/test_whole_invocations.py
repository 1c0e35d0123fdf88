"""Whole invocations, through the functions' own handlers: how they are counted and timed."""

import json
from typing import Any

import pytest

from broker.metrics import INVOKE, LATENCIES, TICK
from broker.model import Reason
from broker.queues import DueMessage
from tests.fakes.services import answers
from tests.integration.conftest import RETURN_URL, World
from tests.integration.test_ahead import DUE
from tests.integration.test_lease import DEAD
from tests.integration.whole import (
    Function,
    Run,
    function,
    invoke_request,
    messages,
    request,
)
from tests.unit.metric_lines import counted, metric_lines

NAMES = {metric.name for metric in LATENCIES}


@pytest.fixture
def invoke(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Function:
    return function("mcp_invoke", world, monkeypatch, capsys)


def outcomes(run: Run) -> list[str]:
    return [labels["outcome"] for labels in counted(run.printed, INVOKE)]


def latency_lines(run: Run) -> list[set[str]]:
    return [set(line.values) for line in metric_lines(run.printed) if NAMES & line.values.keys()]


def test_an_invoke_that_runs_writes_one_count_and_one_latency_line(
    world: World, invoke: Function
) -> None:
    world.connect()
    run = invoke(invoke_request())
    assert (run.status, outcomes(run)) == (200, ["completed"])
    assert latency_lines(run) == [{"StoreLatency", "McpLatency"}]
    assert len(metric_lines(run.printed)) == 2


def test_an_invoke_that_refreshes_writes_all_four_parts_in_that_line(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world.connect()
    world.time.passes(DEAD)
    cold = function("mcp_invoke", world, monkeypatch, capsys, world.container())
    assert latency_lines(cold(invoke_request())) == [NAMES]


def test_a_tool_that_fails_is_counted_apart(world: World, invoke: Function) -> None:
    world.connect()
    failed = {"content": [], "isError": True}
    world.mcp.script.append(lambda r: answers(200, _result(r, failed))(r))
    assert outcomes(invoke(invoke_request())) == ["tool_error"]


def _result(sent: Any, result: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": json.loads(sent.content)["id"], "result": result}


def test_a_question_of_the_server_is_counted_as_such(world: World, invoke: Function) -> None:
    world.connect()
    asks = {"resultType": "input_required", "inputRequests": {"a": {"method": "x"}}}
    world.mcp.script.append(lambda r: answers(200, _result(r, asks))(r))
    run = invoke(invoke_request())
    assert (run.body["status"], outcomes(run)) == ("input_required", ["input_required"])


def test_each_prompt_is_counted_by_its_reason(world: World, invoke: Function) -> None:
    asked = invoke_request(return_url=RETURN_URL)
    assert outcomes(invoke(asked)) == ["not_connected"]
    world.connect()
    scopes = {"www-authenticate": 'Bearer error="insufficient_scope", scope="admin"'}
    world.mcp.script.append(answers(403, {}, **scopes))
    assert outcomes(invoke(asked)) == ["additional_scope"]
    world.flag(reason=Reason.REFRESH_REJECTED)
    assert outcomes(invoke(asked)) == ["reconnect_required"]


@pytest.mark.parametrize(
    ("sent", "status", "outcome"),
    [
        (request("POST", "/v1/invoke", {"user_id": "jo"}), 400, "invalid_request"),
        (request("POST", "/v1/invoke", "x" * 1_000_001), 413, "request_too_large"),
        (invoke_request(server_id="elsewhere"), 404, "server_not_found"),
    ],
)
def test_an_invoke_that_is_refused_is_counted_by_its_code(
    invoke: Function, sent: dict[str, Any], status: int, outcome: str
) -> None:
    run = invoke(sent)
    assert (run.status, outcomes(run)) == (status, [outcome])


def test_a_result_that_does_not_fit_is_counted_once_and_as_too_large(
    world: World, invoke: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.connect()
    monkeypatch.setattr("broker.inbound.answers.ENCODED_BYTES", 10)
    run = invoke(invoke_request())
    assert (run.status, outcomes(run)) == (502, ["mcp_result_too_large"])
    assert len(latency_lines(run)) == 1


def test_an_mcp_server_that_is_broken_is_counted_and_timed(world: World, invoke: Function) -> None:
    world.connect()
    world.mcp.script.append(answers(500, "broken"))
    run = invoke(invoke_request())
    assert (run.status, outcomes(run)) == (502, ["mcp_server_error"])
    assert latency_lines(run) == [{"StoreLatency", "McpLatency"}]


def test_a_bug_of_ours_is_counted_as_a_server_error(
    world: World, invoke: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.connect()

    def breaks(*_: object) -> object:
        raise RuntimeError("canary")

    monkeypatch.setattr("broker.flows.mcp_invoke.McpInvoke.invoke", breaks)
    run = invoke(invoke_request())
    assert (run.status, outcomes(run)) == (500, ["server_error"])
    assert "canary" not in run.printed


def test_a_list_of_tools_is_timed_and_is_no_invoke(world: World, invoke: Function) -> None:
    world.connect()
    asked = request(
        "GET",
        "/v1/servers/crm/tools",
        rawQueryString="user_id=jo",
        pathParameters={"server_id": "crm"},
    )
    run = invoke(asked)
    assert (run.status, outcomes(run), len(latency_lines(run))) == (200, [], 1)


def test_a_tick_writes_one_latency_line_although_it_asks_sixty_four_times(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world.connect()
    world.time.passes(DUE + 1)
    run = function("refresh_scheduler", world, monkeypatch, capsys)({})
    assert run.answer == {"due": 1, "queued": 1}
    assert run.requests["Query"] == 64
    assert latency_lines(run) == [{"StoreLatency"}]
    assert counted(run.printed, TICK) == [{"outcome": "done"}]


def test_a_batch_of_the_worker_writes_one_latency_line(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world.connect()
    world.time.passes(DUE + 130)
    worker = function("refresh_worker", world, monkeypatch, capsys)
    body = DueMessage(user_id="jo", server_id="crm").model_dump_json()
    run = worker(messages(world.cloud.physical["DueQueue"], body))
    assert run.answer == {"batchItemFailures": []}
    assert world.connection().generation == 2
    assert latency_lines(run) == [NAMES - {"McpLatency"}]
