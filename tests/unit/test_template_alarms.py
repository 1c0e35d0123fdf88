"""Alarms: what they watch is emitted, and each has its runbook."""

import re
from typing import Any

import pytest

from broker.metrics.metric import SERVICE
from tests.unit.documents import page
from tests.unit.transformed import chosen, functions, transformed
from tests.unit.watched import OURS, alarms, check_emitted, watched_by

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
