"""The structured log, and what is said in it of a fault of ours."""

import functools
import logging
import traceback

from aws_lambda_powertools import Logger

from broker.metrics import UNEXPECTED_ERROR

from .emission import count


@functools.cache
def logger() -> Logger:
    """Return the structured logger; httpx is kept from logging URLs with their queries."""
    for noisy in ("httpx", "httpcore", "botocore", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        return Logger()
    except ValueError:  # LOG_LEVEL is garbled; the settings say so, and need a log to say it in
        return Logger(level=logging.INFO)


def unexpected(exc: BaseException, request_id: str) -> None:
    """Log a bug: where it happened and its type, not its message, which may quote a secret.

    ``request_id`` is the request's, or the message's of a queue.
    """
    frames = traceback.extract_tb(exc.__traceback__)
    logger().error(
        "unexpected_error",
        extra={
            "request_id": request_id,
            "exception_type": type(exc).__qualname__,
            "frames": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
        },
    )
    count(UNEXPECTED_ERROR)
