"""The sample events for the functions that nobody calls over HTTP (`sam local invoke -e …`)."""

import json
from pathlib import Path
from typing import Any

from local.deployment import Deployment

_EVENTS = Path(__file__).resolve().parents[1] / "events"


def _event(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((_EVENTS / name).read_text(encoding="utf-8"))
    return event


def _from_queue(deployment: Deployment, event: dict[str, Any], queue: str) -> dict[str, Any]:
    """Return the batch as one from this queue, whose name the deployment knows."""
    name = deployment.physical_id(queue).rsplit("/", 1)[-1]
    changed: dict[str, Any] = json.loads(json.dumps(event).replace("QUEUE", name))
    return changed


def test_the_scheduler_takes_its_sample_event(bound: Deployment) -> None:
    answer = bound.invoke("RefreshSchedulerFunction", _event("scheduled.json"))
    assert answer.error is None
    assert answer.json().keys() == {"due", "queued"}


def test_the_worker_keeps_only_the_poisonous_message_of_its_sample_batch(
    bound: Deployment,
) -> None:
    event = _from_queue(bound, _event("due_batch.json"), "DueQueue")
    answer = bound.invoke("RefreshWorkerFunction", event)
    assert answer.error is None
    poisonous = event["Records"][1]["messageId"]
    assert answer.json() == {"batchItemFailures": [{"itemIdentifier": poisonous}]}
