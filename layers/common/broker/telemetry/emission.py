"""Metrics on their way out: one line each in CloudWatch's embedded metric format."""

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

from aws_lambda_powertools.metrics.exceptions import SchemaValidationError
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import (
    AmazonCloudWatchEMFProvider,
)

from broker.metrics.metric import SERVICE, Metric

VALUES = 100
"""How many values of one metric fit a line, by the format's definition."""
_RESOLUTION = 60


def count(metric: Metric, **given: str) -> None:
    """Count one occurrence; a dimension's unknown value is counted as ``other``."""
    record(metric, 1, **given)


def record(metric: Metric, value: float, **given: str) -> None:
    """Record one value."""
    write({metric: [value]}, metric.labels(given))


def write(values: Mapping[Metric, Sequence[float]], labels: Mapping[str, str]) -> None:
    """Write one line with up to 100 values of each metric; all share the dimensions.

    In one piece: ``print`` writes the end of the line apart, and the worker's threads would write
    into each other's lines. Never raises: between a token endpoint's answer and the write of what
    it gave, a metric that fails must not cost the grant.
    """
    with suppress(OSError, ValueError, SchemaValidationError):
        sys.stdout.write(_line(values, labels) + "\n")


def _line(values: Mapping[Metric, Sequence[float]], labels: Mapping[str, str]) -> str:
    name, value = SERVICE
    named = {
        metric.name: {
            "Unit": metric.unit.value,
            "StorageResolution": _RESOLUTION,
            "Value": [float(one) for one in measured],
        }
        for metric, measured in values.items()
    }
    line = AmazonCloudWatchEMFProvider(metric_set=named, service=value)
    if labels:
        line.add_dimensions(**{name: value}, **labels)
    return json.dumps(line.serialize_metric_set(), separators=(",", ":"))
