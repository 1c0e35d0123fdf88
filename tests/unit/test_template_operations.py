"""Alarms and the dashboard: what they watch is emitted, and each alarm has its runbook."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from broker.metrics import CATALOGUE
from broker.metrics.metric import SERVICE
from tests.unit.documents import page
from tests.unit.transformed import chosen, functions, of_type, transformed

OURS = "ConsumerOAuthBroker/${AWS::StackName}"
KNOWN = {metric.name: metric for metric in CATALOGUE}
AWS: dict[str, tuple[set[str], tuple[str, ...]]] = {
    "AWS/Lambda": ({"Invocations", "Errors", "Throttles", "Duration"}, ("FunctionName",)),
    "AWS/ApiGateway": ({"Count", "4xx", "5xx", "Latency"}, ("ApiId",)),
    "AWS/SQS": (
        {
            "ApproximateNumberOfMessagesVisible",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateAgeOfOldestMessage",
            "NumberOfMessagesSent",
        },
        ("QueueName",),
    ),
}
"""What AWS emits of a function, an HTTP API and a queue, as far as it is used here."""
ABOVE_NOUGHT = {
    "DeadLetterAlarm",
    "FunctionErrorsAlarm",
    "KeyRefusedAlarm",
    "LostGrantAlarm",
    "MisconfiguredServerAlarm",
    "NewerItemsAlarm",
    "RescueAlarm",
    "ThrottlesAlarm",
    "UnexpectedErrorAlarm",
}
type Watched = tuple[str, str, dict[str, str]]
WHOLE_ACCOUNT: Watched = ("AWS/Lambda", "ConcurrentExecutions", {})


def alarms() -> dict[str, dict[str, Any]]:
    return of_type("AWS::CloudWatch::Alarm")


def text(value: Any) -> str:
    """Return a value as the dashboard writes it: references in ``${}``."""
    match value:
        case {"Ref": name}:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"${{{name}.{attribute}}}"
        case {"Fn::Sub": written}:
            return str(written)
    return str(value)


def watched(metric: dict[str, Any]) -> Watched:
    dimensions = {d["Name"]: text(d["Value"]) for d in metric.get("Dimensions", [])}
    return text(metric["Namespace"]), metric["MetricName"], dimensions


def watched_by(alarm: dict[str, Any]) -> list[Watched]:
    if "Metrics" not in alarm:
        return [watched(alarm)]
    return [watched(m["MetricStat"]["Metric"]) for m in alarm["Metrics"] if "MetricStat" in m]


def refers_to(text: str) -> set[str]:
    return set(re.findall(r"\$\{(\w+)[.}]", text))


def check_emitted(what: Watched) -> None:
    """Fail where nobody emits this metric under exactly these dimensions."""
    namespace, name, dimensions = what
    if what == WHOLE_ACCOUNT:
        return
    if namespace != OURS:
        names, labels = AWS[namespace]
        assert name in names
        assert tuple(dimensions) == labels
        assert refers_to(dimensions[labels[0]]) <= transformed()["Resources"].keys()
        return
    metric = KNOWN[name]
    assert set(dimensions) in [set(names) for names in metric.dimension_sets], what
    assert dimensions[SERVICE[0]] == SERVICE[1]
    for dimension in metric.dimensions:
        assert dimensions.get(dimension.name, next(iter(dimension.values))) in dimension.values


# ------------------------------------------------------------------------------------ alarms


@pytest.mark.parametrize("name", alarms())
def test_an_alarm_watches_what_is_emitted(name: str) -> None:
    found = watched_by(alarms()[name])
    assert found
    for what in found:
        check_emitted(what)


def test_the_namespace_and_the_service_are_those_that_the_functions_emit_under() -> None:
    for function in functions().values():
        variables = function["Environment"]["Variables"]
        assert variables["POWERTOOLS_METRICS_NAMESPACE"] == {"Fn::Sub": OURS}
        assert variables["POWERTOOLS_SERVICE_NAME"] == SERVICE[1]


def test_every_alarm_names_its_runbook_and_every_runbook_its_alarms() -> None:
    operations = page("docs/operations.md")
    named: dict[str, set[str]] = {}
    for name, alarm in alarms().items():
        found = re.search(r" Runbook: docs/operations\.md#([\w-]+)$", alarm["AlarmDescription"])
        assert found, name
        named.setdefault(found[1], set()).add(name)
    _, _, section = operations.prose.partition("## Runbooks\n")
    runbooks = re.split(r"^### ", section.split("\n## ")[0], flags=re.MULTILINE)[1:]
    written = {
        book.partition("\n")[0].lower().replace(" ", "-"): set(re.findall(r"`(\w+Alarm)`", book))
        for book in runbooks
    }
    assert written == named
    assert named.keys() <= operations.anchors


@pytest.mark.parametrize("part", ["Users see", "Look at", "Do", "Over"])
def test_every_runbook_says_what_users_see_where_to_look_what_to_do_and_when_it_is_over(
    part: str,
) -> None:
    _, _, section = page("docs/operations.md").text.partition("## Runbooks\n")
    runbooks = re.split(r"^### ", section.split("\n## ")[0], flags=re.MULTILINE)[1:]
    assert [book.partition("\n")[0] for book in runbooks if f"\n- **{part}**" not in book] == []


@pytest.mark.parametrize("name", alarms())
def test_an_alarm_is_mailed_where_an_address_is_given_and_only_shown_otherwise(name: str) -> None:
    assert "AlarmActions" not in chosen(alarms()[name], {})
    mailed = chosen(alarms()[name], {"HasAlarmEmail": True})
    assert mailed["AlarmActions"] == [{"Ref": "AlarmTopic"}]


def test_mail_goes_to_the_address_through_a_topic_that_cloudwatch_may_use() -> None:
    topic = transformed()["Resources"]["AlarmTopic"]
    assert topic["Condition"] == "HasAlarmEmail"
    [subscription] = topic["Properties"]["Subscription"]
    assert subscription == {"Protocol": "email", "Endpoint": {"Ref": "AlarmEmail"}}
    assert "KmsMasterKeyId" not in topic["Properties"]  # alias/aws/sns is not for CloudWatch


@pytest.mark.parametrize("name", alarms())
def test_only_silence_of_the_scheduler_is_a_reason_to_ring(name: str) -> None:
    expected = "breaching" if name == "OldestDueAlarm" else "notBreaching"
    assert alarms()[name]["TreatMissingData"] == expected
    assert alarms()[name]["ComparisonOperator"] == "GreaterThanThreshold"


def test_what_should_never_happen_rings_at_once() -> None:
    assert {name for name, alarm in alarms().items() if alarm["Threshold"] == 0} == ABOVE_NOUGHT


@pytest.mark.parametrize(
    ("alarm", "metric"),
    [("FunctionErrorsAlarm", "Errors"), ("ThrottlesAlarm", "Throttles")],
)
def test_an_alarm_on_functions_watches_every_one_of_them(alarm: str, metric: str) -> None:
    found = watched_by(alarms()[alarm])
    expected = [("AWS/Lambda", metric, {"FunctionName": f"${{{name}}}"}) for name in functions()]
    assert sorted(map(str, found)) == sorted(map(str, expected))


@pytest.mark.parametrize(
    ("alarm", "queue", "metric", "above"),
    [
        ("DeadLetterAlarm", "DueDeadLetterQueue", "ApproximateNumberOfMessagesVisible", 0),
        ("DueQueueAgeAlarm", "DueQueue", "ApproximateAgeOfOldestMessage", 15 * 60),
    ],
)
def test_a_stuck_queue_rings(alarm: str, queue: str, metric: str, above: int) -> None:
    found = alarms()[alarm]
    assert watched_by(found) == [("AWS/SQS", metric, {"QueueName": f"${{{queue}.QueueName}}"})]
    assert (found["Statistic"], found["Threshold"]) == ("Maximum", above)


@pytest.mark.parametrize(
    ("alarm", "metric"),
    [
        ("KeyRefusedAlarm", "KeyRefused"),
        ("LostGrantAlarm", "TokenSetLost"),
        ("MisconfiguredServerAlarm", "ServerMisconfigured"),
        ("UnexpectedErrorAlarm", "UnexpectedError"),
    ],
)
def test_what_only_a_person_can_mend_rings(alarm: str, metric: str) -> None:
    found = alarms()[alarm]
    assert watched_by(found) == [(OURS, metric, {"service": "broker"})]
    assert found["Statistic"] == "Sum"


# ---------------------------------------------------------------------------------- the sums


def expression(alarm: dict[str, Any]) -> str:
    [found] = [m["Expression"] for m in alarm["Metrics"] if m.get("ReturnData", True)]
    return str(found)


def ids(alarm: dict[str, Any]) -> list[str]:
    return [m["Id"] for m in alarm["Metrics"] if "MetricStat" in m]


def rings(name: str, **values: float | None) -> bool:
    """Work out an alarm's expression, as CloudWatch would; None is a metric without data."""
    alarm = alarms()[name]
    known: dict[str, Any] = dict.fromkeys(ids(alarm), None) | values
    functions = {
        "IF": lambda condition, yes, no: yes if condition else no,
        "FILL": lambda value, filler: filler if value is None else value,
        "SUM": sum,
    }
    result = eval(expression(alarm), {"__builtins__": {}} | functions, known)
    return bool(result > alarm["Threshold"])


@pytest.mark.parametrize("name", [n for n, alarm in alarms().items() if "Metrics" in alarm])
def test_a_sum_uses_every_metric_that_it_is_given_and_no_other(name: str) -> None:
    used = re.findall(r"\b[a-z]\w*\b", expression(alarms()[name]))
    assert set(used) == set(ids(alarms()[name]))
    periods = {m["MetricStat"]["Period"] for m in alarms()[name]["Metrics"] if "MetricStat" in m}
    assert len(periods) == 1


@pytest.mark.parametrize("name", ["FunctionErrorsAlarm", "ThrottlesAlarm"])
def test_one_function_is_enough_although_the_others_have_no_data(name: str) -> None:
    assert rings(name, servers=1)
    assert not rings(name, servers=0, probe=None)
    # FILL fills a minute whose data is late as well, so an earlier minute must be able to ring.
    assert alarms()[name]["DatapointsToAlarm"] < alarms()[name]["EvaluationPeriods"]


def test_one_refresh_that_fails_of_one_wakes_nobody() -> None:
    assert not rings("RefreshFailuresAlarm", sent=1, failed=1)
    assert not rings("RefreshFailuresAlarm", sent=9, failed=1)
    assert not rings("RefreshFailuresAlarm", sent=100, failed=0.25)
    assert rings("RefreshFailuresAlarm", sent=10, failed=0.3)


def test_the_share_of_refreshes_is_the_mean_of_one_metric_and_their_number_its_samples() -> None:
    told = {m["Id"]: m["MetricStat"] for m in alarms()["RefreshFailuresAlarm"]["Metrics"][1:]}
    assert {name: stat["Stat"] for name, stat in told.items()} == {
        "failed": "Average",
        "sent": "SampleCount",
    }
    assert {stat["Metric"]["MetricName"] for stat in told.values()} == {"RefreshFailed"}


def test_one_answer_of_one_that_is_5xx_wakes_nobody() -> None:
    assert not rings("ApiErrorsAlarm", calls=1, failed=1)
    assert not rings("ApiErrorsAlarm", calls=1000, failed=None)
    assert not rings("ApiErrorsAlarm", calls=100, failed=10)
    assert rings("ApiErrorsAlarm", calls=100, failed=11)


def test_a_rescued_set_counts_while_it_waits_and_while_it_is_tried() -> None:
    assert rings("RescueAlarm", waiting=1, tried=0)
    assert rings("RescueAlarm", waiting=0, tried=1)
    assert not rings("RescueAlarm", waiting=0, tried=0)


# -------------------------------------------------------------------------------- dashboard


@dataclass(frozen=True, slots=True)
class Search:
    """What a SEARCH looks for."""

    names: tuple[str, ...]
    metric: str


def dashboard() -> dict[str, Any]:
    [found] = of_type("AWS::CloudWatch::Dashboard").values()
    body: dict[str, Any] = json.loads(found["DashboardBody"]["Fn::Sub"])
    return body


def graphs() -> list[dict[str, Any]]:
    return [w["properties"] for w in dashboard()["widgets"] if w["type"] == "metric"]


def drawn() -> Iterator[Watched]:
    for graph in graphs():
        for metric in graph["metrics"]:
            namespace, *rest = metric
            if isinstance(namespace, str):
                words = [word for word in rest if isinstance(word, str)]
                yield namespace, words[0], dict(zip(words[1::2], words[2::2], strict=True))


def searched() -> Iterator[Search]:
    pattern = r"SEARCH\('\{\"(.+)\",([\w,]+)\} MetricName=\"(\w+)\"', 'Sum', 300\)"
    for graph in graphs():
        for metric in graph["metrics"]:
            if isinstance(metric[0], dict) and "SEARCH" in metric[0]["expression"]:
                found = re.fullmatch(pattern, metric[0]["expression"])
                assert found
                assert found[1] == OURS
                yield Search(tuple(found[2].split(",")), found[3])


def test_the_dashboard_is_named_by_stack_and_region() -> None:
    [found] = of_type("AWS::CloudWatch::Dashboard").values()
    assert found["DashboardName"] == {"Fn::Sub": "${AWS::StackName}-${AWS::Region}"}


def test_the_dashboard_draws_what_is_emitted() -> None:
    found = list(drawn())
    assert len(found) > 60
    for what in found:
        check_emitted(what)


def test_the_dashboard_searches_for_whole_sets_of_dimensions() -> None:
    found = list(searched())
    assert [search.metric for search in found] == ["Invoke", "Refresh", "Transition"]
    for search in found:
        assert search.names == KNOWN[search.metric].dimension_sets[-1]


def test_every_reference_of_the_dashboard_is_a_resource_of_the_stack() -> None:
    named = refers_to(json.dumps(dashboard())) - {"AWS"}
    assert named <= transformed()["Resources"].keys()


def test_the_dashboard_shows_every_alarm() -> None:
    [shown] = [w["properties"] for w in dashboard()["widgets"] if w["type"] == "alarm"]
    assert {text: refers_to(text) for text in shown["alarms"]} == {
        f"${{{name}.Arn}}": {name} for name in alarms()
    }


def test_the_dashboard_has_a_row_for_each_question() -> None:
    words = [w["properties"]["markdown"] for w in dashboard()["widgets"] if w["type"] == "text"]
    assert words[0].startswith("# ${AWS::StackName}\n")
    assert [word.removeprefix("## ") for word in words[1:]] == [
        "Calls",
        "What a call waits for",
        "Refresh",
        "Connections",
        "Queues",
        "Functions",
    ]


def test_each_part_is_shown_at_the_middle_and_at_both_tails() -> None:
    parts = {m.name for m in CATALOGUE if m.name.endswith("Latency")}
    shown: dict[str, list[str]] = {}
    for graph in graphs():
        for metric in graph["metrics"]:
            if metric[0] == OURS and metric[1] in parts:
                shown.setdefault(metric[1], []).append(metric[-1]["stat"])
    assert shown == {part: ["p50", "p95", "p99"] for part in parts}


def test_widgets_stand_beside_each_other_and_not_upon() -> None:
    taken: set[tuple[int, int]] = set()
    for widget in dashboard()["widgets"]:
        place = {
            (widget["x"] + across, widget["y"] + down)
            for across in range(widget["width"])
            for down in range(widget["height"])
        }
        assert taken.isdisjoint(place)
        assert widget["x"] + widget["width"] <= 24
        taken |= place


def test_every_graph_has_a_title_and_stays_in_its_region() -> None:
    titles = [graph["title"] for graph in graphs()]
    assert len(set(titles)) == len(titles)
    assert {graph["region"] for graph in graphs()} == {"${AWS::Region}"}
