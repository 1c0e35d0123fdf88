"""Logs and metrics, and what never enters them: a secret, a message of an unknown exception."""

import functools
import logging
import traceback

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric


@functools.cache
def logger() -> Logger:
    """Return the structured logger; httpx is kept from logging URLs with their queries."""
    for noisy in ("httpx", "httpcore", "botocore", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    return Logger()


def count(name: str, **dimensions: str) -> None:
    """Count one occurrence in CloudWatch's embedded metric format (low cardinality only)."""
    with single_metric(name=name, unit=MetricUnit.Count, value=1) as metric:
        for key, value in dimensions.items():
            metric.add_dimension(key, value)


def unexpected(exc: BaseException) -> None:
    """Log a bug: where it happened and its type, not its message, which may quote a secret."""
    frames = traceback.extract_tb(exc.__traceback__)
    logger().error(
        "unexpected_error",
        extra={
            "exception_type": type(exc).__qualname__,
            "frames": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
        },
    )
    count("UnexpectedError")
