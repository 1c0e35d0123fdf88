"""Events that no HTTP caller sent: the schedule, and batches of the two queues."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from broker.errors import TemporarilyUnavailable
from broker.model import Invocation
from broker.telemetry import logger, measured, unexpected

_DOOR = "batch"

type Handler = Callable[[str], None]


def scheduled_invocation(context: Any) -> Invocation:
    """Return what this run may know of itself."""
    left = context.get_remaining_time_in_millis() / 1000
    return Invocation(context.aws_request_id, time.monotonic() + left)


def scheduled[Result](context: Any, act: Callable[[Invocation], Result]) -> Result:
    """Do what the schedule asks for, and write what its parts took."""
    with measured(_DOOR):
        return act(scheduled_invocation(context))


def process(event: Mapping[str, Any], handlers: Mapping[str, Handler]) -> dict[str, Any]:
    """Handle a batch's messages in parallel; name the failed ones (ReportBatchItemFailures).

    ``handlers`` are by queue URL; the event names a queue by its ARN.
    """
    by_name = {url.rsplit("/", 1)[-1]: handler for url, handler in handlers.items()}
    records = event["Records"]
    with measured(_DOOR), ThreadPoolExecutor(max_workers=max(1, len(records))) as pool:
        held = list(pool.map(lambda record: _held(record, by_name), records))
    failures = [
        {"itemIdentifier": record["messageId"]}
        for record, ok in zip(records, held, strict=True)
        if not ok
    ]
    return {"batchItemFailures": failures}


def _held(record: Mapping[str, Any], by_name: Mapping[str, Handler]) -> bool:
    queue = record["eventSourceARN"].rsplit(":", 1)[-1]
    try:
        by_name[queue](record["body"])
    except TemporarilyUnavailable as exc:  # no fault: it is delivered again
        logger().warning("left_in_queue", extra={"error": exc.error, "id": record["messageId"]})
        return False
    except Exception as exc:  # noqa: BLE001 - one poisonous message must not fail the others
        unexpected(exc, record["messageId"])
        return False
    return True
