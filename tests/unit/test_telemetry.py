"""Metrics on their way out: one line at a time, and one of latencies per invocation."""

import io
import json
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from broker.errors import ServerNotFound
from broker.inbound.batch import process, scheduled
from broker.inbound.pages import page_error
from broker.metrics import (
    INVOKE,
    MCP_LATENCY,
    OLDEST_DUE,
    REFRESH,
    STORE_LATENCY,
    UNEXPECTED_ERROR,
    VAULT_LATENCY,
)
from broker.model import Invocation
from broker.telemetry import count, measured, record, timed
from tests.fakes.clock import FakeClock, Time
from tests.unit.inbound_events import CONTEXT, ask, event
from tests.unit.metric_lines import counted, emitted, metric_lines

type Printed = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Test")
    with measured("http"):  # forget what other tests have timed
        pass


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(Time())


def takes(clock: FakeClock, seconds: float, metric: Any = STORE_LATENCY) -> None:
    with timed(metric, clock):
        clock.time.passes(seconds)


class Broken(io.StringIO):
    """A stdout that takes nothing."""

    def write(self, _: str) -> int:
        raise OSError


def test_a_metric_that_cannot_be_written_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", Broken())
    count(UNEXPECTED_ERROR)


def test_a_metric_without_a_namespace_stops_nobody(
    monkeypatch: pytest.MonkeyPatch, clock: FakeClock
) -> None:
    monkeypatch.delenv("POWERTOOLS_METRICS_NAMESPACE")
    count(UNEXPECTED_ERROR)
    with measured("http"):
        takes(clock, 1)


def test_a_metric_is_emitted_under_the_service_and_under_all_its_dimensions(
    capsys: Printed,
) -> None:
    count(REFRESH, outcome="grant_refused", cause="invalid_grant")
    [line] = metric_lines(capsys.readouterr().out)
    assert line.dimension_sets == REFRESH.dimension_sets
    assert line.dimension_sets == (("service",), ("service", "outcome", "cause"))
    assert line.labels == {"outcome": "grant_refused", "cause": "invalid_grant"}
    assert (line.namespace, line.units, line.values) == (
        "Test",
        {"Refresh": "Count"},
        {"Refresh": [1.0]},
    )


def test_a_metric_without_dimensions_has_the_service_alone(capsys: Printed) -> None:
    record(OLDEST_DUE, 12.0)
    [line] = metric_lines(capsys.readouterr().out)
    assert (line.dimension_sets, line.units) == ((("service",),), {"OldestDue": "Seconds"})
    assert line.values == {"OldestDue": [12.0]}


def test_a_strangers_word_is_no_dimension(capsys: Printed) -> None:
    count(REFRESH, outcome="request_refused", cause="https://evil.example.com/?t=canary")
    printed = capsys.readouterr().out
    assert counted(printed, REFRESH) == [{"outcome": "request_refused", "cause": "other"}]
    assert "canary" not in printed


def test_a_line_is_written_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stream(io.StringIO):
        def write(self, text: str) -> int:
            pieces.append(text)
            return len(text)

    pieces: list[str] = []
    monkeypatch.setattr("sys.stdout", Stream())
    count(INVOKE, outcome="completed")
    [piece] = pieces
    assert piece.endswith("\n")
    assert json.loads(piece)["outcome"] == "completed"


def test_what_the_parts_took_is_written_once_in_milliseconds(
    clock: FakeClock, capsys: Printed
) -> None:
    with measured("http"):
        takes(clock, 0.012)
        takes(clock, 0.34, MCP_LATENCY)
        takes(clock, 0.009)
    [line] = metric_lines(capsys.readouterr().out)
    assert line.values == {"StoreLatency": [12.0, 9.0], "McpLatency": [340.0]}
    assert set(line.units.values()) == {"Milliseconds"}
    assert (line.labels, line.dimension_sets) == ({"door": "http"}, STORE_LATENCY.dimension_sets)


def test_a_part_that_fails_has_taken_its_time_all_the_same(
    clock: FakeClock, capsys: Printed
) -> None:
    def fails() -> None:
        with measured("http"), timed(VAULT_LATENCY, clock):
            clock.time.passes(2)
            raise ServerNotFound

    with pytest.raises(ServerNotFound):
        fails()
    assert emitted(capsys.readouterr().out, VAULT_LATENCY) == [([2000.0], {"door": "http"})]


def test_an_invocation_that_timed_nothing_writes_nothing(capsys: Printed) -> None:
    with measured("http"):
        pass
    assert capsys.readouterr().out == ""


def test_what_an_invocation_left_behind_is_not_the_next_ones(
    clock: FakeClock, capsys: Printed
) -> None:
    takes(clock, 9)
    with measured("http"):
        takes(clock, 1)
    assert emitted(capsys.readouterr().out, STORE_LATENCY) == [([1000.0], {"door": "http"})]


def test_of_more_values_than_a_line_holds_a_fair_sample_is_kept(
    clock: FakeClock, capsys: Printed
) -> None:
    with measured("batch"):
        for number in range(2000):
            takes(clock, 0.001 if number < 1000 else 1.001)
    [(values, _)] = emitted(capsys.readouterr().out, STORE_LATENCY)
    assert len(values) == 100
    late = sum(value > 1000 for value in values)
    assert 20 <= late <= 80  # 50 on average; outside once in a billion runs


def test_threads_share_one_line(clock: FakeClock, capsys: Printed) -> None:
    with measured("batch"):
        threads = [threading.Thread(target=takes, args=(clock, 0)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    [(values, _)] = emitted(capsys.readouterr().out, STORE_LATENCY)
    assert len(values) == 20


def refuses(_: APIGatewayHttpResolver) -> object:
    raise ServerNotFound


def breaks(_: APIGatewayHttpResolver) -> object:
    raise RuntimeError


@pytest.mark.parametrize("ending", [lambda _: "fine", refuses, breaks])
@pytest.mark.parametrize("render", [None, page_error])
def test_an_http_function_writes_one_latency_line_however_it_ends(
    ending: Any, render: Any, clock: FakeClock, capsys: Printed
) -> None:
    def route(app: APIGatewayHttpResolver) -> object:
        takes(clock, 0.5)
        takes(clock, 0.5)
        return ending(app)

    ask(route, event("{}"), *([render] if render else []))
    printed = capsys.readouterr().out
    assert emitted(printed, STORE_LATENCY) == [([500.0, 500.0], {"door": "http"})]


def batch(*bodies: str) -> dict[str, Any]:
    records = [
        {"messageId": str(n), "eventSourceARN": "arn:aws:sqs:eu-central-1:1:Due", "body": body}
        for n, body in enumerate(bodies)
    ]
    return {"Records": records}


def test_a_batch_writes_one_latency_line_for_all_its_messages(
    clock: FakeClock, capsys: Printed
) -> None:
    def handle(body: str) -> None:
        takes(clock, 0)
        if body == "poison":
            raise RuntimeError

    answer = process(batch("a", "poison", "b"), {"https://sqs/1/Due": handle})
    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    printed = capsys.readouterr().out
    [(values, labels)] = emitted(printed, STORE_LATENCY)
    assert (len(values), labels) == (3, {"door": "batch"})
    assert counted(printed, UNEXPECTED_ERROR) == [{}]


def test_a_scheduled_run_writes_its_latency_line_also_when_it_fails(
    clock: FakeClock, capsys: Printed
) -> None:
    def act(run: Invocation) -> None:
        takes(clock, 1)
        raise RuntimeError(run.request_id)

    with pytest.raises(RuntimeError, match="run-1"):
        scheduled(CONTEXT, act)
    assert emitted(capsys.readouterr().out, STORE_LATENCY) == [([1000.0], {"door": "batch"})]


def test_a_scheduled_run_hands_back_what_was_done() -> None:
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 5000, aws_request_id="run-2")
    assert scheduled(context, lambda run: run.request_id) == "run-2"
