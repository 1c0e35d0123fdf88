"""Events for the functions that nobody calls over HTTP, made from the samples in tests/events."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SAMPLES = Path(__file__).resolve().parents[2] / "tests" / "events"


def scheduled() -> dict[str, Any]:
    """Return the schedule's event."""
    return _sample("scheduled.json")


def batch(messages: Sequence[Mapping[str, Any]], queue_arn: str) -> dict[str, Any]:
    """Return messages as SQS has them, as the batch that Lambda makes of them."""
    pattern = _sample("due_batch.json")["Records"][0]
    records = [
        {
            **pattern,
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "md5OfBody": message["MD5OfBody"],
            "eventSourceARN": queue_arn,
        }
        for message in messages
    ]
    return {"Records": records}


def _sample(name: str) -> dict[str, Any]:
    sample: dict[str, Any] = json.loads((SAMPLES / name).read_text(encoding="utf-8"))
    return sample
