"""The lines of the embedded metric format among what was printed, read as CloudWatch reads them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from broker.metrics.metric import Metric

type Labels = dict[str, str]


@dataclass(frozen=True, slots=True)
class MetricLine:
    """One line."""

    namespace: str
    dimension_sets: tuple[tuple[str, ...], ...]
    units: Mapping[str, str]
    values: Mapping[str, list[float]]
    labels: Labels
    length: int
    """Bytes, as CloudWatch Logs bills them, without its own overhead."""


def metric_lines(printed: str) -> list[MetricLine]:
    """Read every metric line; fail on one that is torn."""
    found = (line for line in printed.splitlines() if '"CloudWatchMetrics"' in line)
    return [_read(line) for line in found]


def emitted(printed: str, metric: Metric) -> list[tuple[list[float], Labels]]:
    """Return the values of a metric and its dimensions, in order."""
    return [
        (line.values[metric.name], line.labels)
        for line in metric_lines(printed)
        if metric.name in line.values
    ]


def counted(printed: str, metric: Metric) -> list[Labels]:
    """Return the dimensions of each occurrence of a metric that counts by one."""
    found = emitted(printed, metric)
    assert all(values == [1] for values, _ in found), found
    return [labels for _, labels in found]


def _read(line: str) -> MetricLine:
    told = json.loads(line)
    [directive] = told["_aws"]["CloudWatchMetrics"]
    units = {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]}
    named = {name for names in directive["Dimensions"] for name in names}
    assert told.keys() == {"_aws", *named, *units}
    assert told["service"] == "broker"
    labels = {name: told[name] for name in named - {"service"}}
    sets = tuple(tuple(names) for names in directive["Dimensions"])
    values = {name: told[name] for name in units}
    return MetricLine(directive["Namespace"], sets, units, values, labels, len(line.encode()))
