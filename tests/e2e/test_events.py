"""What is told on the event bus: who, where and why, and never a token."""

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from local.demo.journey import Journey
from local.demo.neighbours import Neighbours
from local.deployment import Deployment
from tests.e2e.time_machine import TimeMachine


@dataclass(frozen=True, slots=True)
class Listener:
    """A queue that gets every event of the bus."""

    sqs: Any
    url: str

    def heard(self, server_id: str) -> list[dict[str, Any]]:
        """Return the events about one server, in order."""
        events = []
        while messages := self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            events += [json.loads(message["Body"]) for message in messages]
        return [event for event in events if server_id in json.dumps(event["detail"])]


@pytest.fixture
def listener(bound: Deployment) -> Iterator[Listener]:
    """Listen for the time of one test."""
    sqs, events = bound.aws.client("sqs"), bound.aws.client("events")
    name, bus = f"listener-{secrets.token_hex(4)}", _bus(bound)
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    pattern = json.dumps({"account": ["123456789012"]})
    events.put_rule(Name=name, EventBusName=bus, EventPattern=pattern)
    target = {"Id": name, "Arn": arn["QueueArn"]}
    events.put_targets(Rule=name, EventBusName=bus, Targets=[target])
    yield Listener(sqs, url)
    events.remove_targets(Rule=name, EventBusName=bus, Ids=[name])
    events.delete_rule(Name=name, EventBusName=bus)
    sqs.delete_queue(QueueUrl=url)


def _bus(deployment: Deployment) -> str:
    [logical_id] = [name for name, _ in deployment.template.of_type("AWS::Events::EventBus")]
    return deployment.physical_id(logical_id)


def test_a_connections_life_is_told(
    journey: Journey, listener: Listener, time_machine: TimeMachine, ana: str
) -> None:
    journey.connect(ana)
    time_machine.age("ConnectionsTable", 3600, ana)
    journey.app.switch(token_endpoint_mode="500")
    journey.invoke(ana)
    journey.app.switch(token_endpoint_mode="normal")
    journey.app.revoke("alice")
    time_machine.age("ConnectionsTable", 60, ana)
    journey.invoke(ana)
    journey.connect(ana)
    journey.disconnect(ana)
    told = [event["detail-type"] for event in listener.heard(journey.server_id)]
    assert list(dict.fromkeys(told)) == [
        "ConnectionEstablished",
        "ConnectionRefreshFailed",
        "ReconnectRequired",
        "ConnectionRecovered",
        "ConnectionRemoved",
    ]


def test_no_event_holds_a_token(
    blank: Journey, listener: Listener, further_parties: Neighbours, ana: str
) -> None:
    blank.register(**blank.app.endpoints(further_parties.tap.origin))
    blank.connect(ana)
    blank.disconnect(ana)
    told = json.dumps(listener.heard(blank.server_id))
    assert ana in told
    assert [secret for secret in further_parties.tap.heard if secret in told] == []
