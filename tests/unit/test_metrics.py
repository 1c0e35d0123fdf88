"""The catalogue: closed values that agree with the code, and no metric but through it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

import broker.endpoint_errors  # errors of the tree, which are counted too
import broker.metrics
from broker.diagnosis import Kind
from broker.errors import BrokerError
from broker.events import EventType
from broker.metrics import CATALOGUE
from broker.metrics.metric import OTHER, Dimension, Metric
from broker.metrics.values import ERRORS, RECONNECTS, REQUEST_FAILURES, STATES
from broker.model import PromptReason, Reason, Revocation, Status, TestStatus
from broker.oauth import TokenRequestFailed
from tests.unit.test_arrows import BROKER, tree

NAMED = {name: m for name, m in vars(broker.metrics).items() if isinstance(m, Metric)}
WRITES = {"count": 1, "record": 2, "timed": 2}
"""The functions that take a metric, and how many arguments they take before its dimensions."""


@dataclass(frozen=True, slots=True)
class Use:
    """A place where something is written down."""

    where: str
    function: str
    metric: str
    given: dict[str, ast.expr]


def values(name: str, dimension: str) -> frozenset[str]:
    [found] = [d for d in NAMED[name].dimensions if d.name == dimension]
    return found.values


def error_codes() -> set[str]:
    found, waiting = set(), [BrokerError]
    while waiting:
        kind = waiting.pop()
        found.add(kind.error)
        waiting += kind.__subclasses__()
    return found


def uses() -> Iterator[Use]:
    for path in sorted(BROKER.rglob("*.py")):
        if path.name in {"emission.py", "latency.py"}:  # they define what is looked for
            continue
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in WRITES:
                function = ast.unparse(node.func)
                assert len(node.args) == WRITES[function], ast.unparse(node)
                given = dict(_given(node))
                yield Use(f"{path.name}:{node.lineno}", function, ast.unparse(node.args[0]), given)


def _given(call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    for keyword in call.keywords:
        if keyword.arg is not None:
            yield keyword.arg, keyword.value
            continue
        assert isinstance(keyword.value, ast.Dict)
        for name, value in zip(keyword.value.keys, keyword.value.values, strict=True):
            assert isinstance(name, ast.Constant)
            yield str(name.value), value


def places() -> list[object]:
    found = [use for use in uses() if use.function != "timed"]
    return [pytest.param(use, id=f"{use.where} {use.metric}") for use in found]


def test_the_catalogue_holds_every_metric_once() -> None:
    assert sorted(m.name for m in CATALOGUE) == sorted(m.name for m in NAMED.values())
    assert len({m.name for m in CATALOGUE}) == len(CATALOGUE)


def test_a_metric_is_named_as_its_constant() -> None:
    assert {n.replace("_", "").lower() for n in NAMED} == {m.name.lower() for m in CATALOGUE}


@pytest.mark.parametrize("use", places())
def test_whoever_writes_a_metric_down_gives_exactly_its_dimensions(use: Use) -> None:
    metric = NAMED[use.metric]
    assert use.given.keys() == {dimension.name for dimension in metric.dimensions}
    for dimension in metric.dimensions:
        literal = use.given[dimension.name]
        if isinstance(literal, ast.Constant):
            assert literal.value in dimension.values


def test_every_metric_is_written_down_somewhere() -> None:
    written = {use.metric for use in uses()}
    assert written == NAMED.keys()


def test_nothing_is_emitted_past_the_catalogue() -> None:
    makers = {"single_metric", "Metrics", "EphemeralMetrics", "AmazonCloudWatchEMFProvider"}
    using = {
        path.relative_to(BROKER).as_posix()
        for path in BROKER.rglob("*.py")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Name) and node.id in makers
    }
    assert using == {"telemetry/emission.py"}


def test_the_error_codes_are_those_of_the_errors() -> None:
    assert set(ERRORS) == error_codes()
    assert len(ERRORS) == len(set(ERRORS))


def test_the_failures_of_a_token_request_are_its_classes() -> None:
    assert {kind.outcome for kind in TokenRequestFailed.__subclasses__()} == set(REQUEST_FAILURES)


def test_states_and_reasons_are_those_of_the_model() -> None:
    assert set(STATES) == {status.value for status in Status} | {"none"}
    assert set(RECONNECTS) == {reason.value for reason in Reason}


def test_an_invoke_ends_in_a_run_a_prompt_a_question_or_an_error() -> None:
    prompts = {reason.value for reason in PromptReason}
    told = {"completed", "tool_error", "input_required"}
    assert values("INVOKE", "outcome") == told | prompts | error_codes()


def test_the_kinds_of_silence_are_causes_of_a_refresh() -> None:
    silent = {kind.value for kind in Kind} - {"ok", "refused", "blocked"}
    assert silent < values("REFRESH", "cause")


def test_events_removals_and_tests_are_counted_by_the_values_of_the_model() -> None:
    assert values("CONNECTION_EVENT", "event") == {event.value for event in EventType}
    ended = {revocation.value for revocation in Revocation} - {"pending"}
    assert values("REMOVAL", "revocation") == ended
    assert values("TEST", "outcome") == {status.value for status in TestStatus} | {"started"}


def test_a_value_that_the_catalogue_does_not_know_is_other() -> None:
    metric = Metric("M", broker.metrics.INVOKE.unit, "", (Dimension("cause", frozenset({"a"})),))
    assert metric.labels({"cause": "a"}) == {"cause": "a"}
    assert metric.labels({"cause": "Bearer canary", "user": "jo"}) == {"cause": OTHER}
    assert metric.labels({}) == {"cause": OTHER}


def test_no_dimension_could_hold_an_id_a_url_or_a_text() -> None:
    words = {value for m in CATALOGUE for d in m.dimensions for value in d.values}
    assert [word for word in words if not word.isidentifier()] == []
    names = {dimension.name for metric in CATALOGUE for dimension in metric.dimensions}
    assert names & {"user_id", "server_id", "user", "server", "url", "token"} == set()
