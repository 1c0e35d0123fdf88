"""A message that nobody can handle: the others of its batch are handled, and it is set aside."""

from local.demo.journey import Journey
from local.deployment import Deployment
from tests.e2e.time_machine import TimeMachine

_ENDING = 3500
"""Age of a token that lives an hour: within the buffer of five minutes."""
_RECEIVED_AT_MOST = 5


def _send(deployment: Deployment, body: str) -> None:
    queue = deployment.physical_id("DueQueue")
    deployment.aws.client("sqs").send_message(QueueUrl=queue, MessageBody=body)


def _set_aside(deployment: Deployment) -> list[str]:
    """Take what lies in the dead letter queue."""
    sqs, queue = deployment.aws.client("sqs"), deployment.physical_id("DueDeadLetterQueue")
    messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    for message in messages:
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return [message["Body"] for message in messages]


def test_a_poisonous_message_fails_alone_and_is_set_aside_when_it_failed_five_times(
    bound: Deployment, journey: Journey, time_machine: TimeMachine, ana: str
) -> None:
    journey.connect(ana)
    time_machine.age("ConnectionsTable", _ENDING, ana)
    _send(bound, "not json")
    deliveries = bound.tick().deliveries
    assert sum(delivery.failed for delivery in deliveries) == 1
    assert [delivery.error for delivery in deliveries] == [None] * len(deliveries)
    assert len(journey.app.refreshes()) == 1
    for _ in range(_RECEIVED_AT_MOST - 1):
        [again] = bound.clockwork.drain(redeliver=True)
        assert (again.messages, again.failed) == (1, 1)
        assert _set_aside(bound) == []
    assert bound.clockwork.drain(redeliver=True) == []
    assert _set_aside(bound) == ["not json"]


def test_a_service_that_is_down_leads_to_no_dead_letter(
    bound: Deployment, journey: Journey, time_machine: TimeMachine, ana: str
) -> None:
    journey.connect(ana)
    time_machine.age("ConnectionsTable", _ENDING, ana)
    journey.app.switch(token_endpoint_mode="500")
    deliveries = bound.tick().deliveries
    assert [delivery.failed for delivery in deliveries] == [0] * len(deliveries)
    assert len(journey.app.refreshes()) == 1
    assert bound.clockwork.drain(redeliver=True) == []
