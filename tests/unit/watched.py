"""What alarms and the dashboard watch, and whether anybody emits it."""

import re
from typing import Any

from broker.metrics import CATALOGUE
from broker.metrics.metric import SERVICE
from tests.unit.transformed import of_type, transformed

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
