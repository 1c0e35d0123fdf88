"""The guard in front of the services: who is refused, what passes, and what is made to fail."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws import Aws
from local.deployment import Deployment
from local.loopback import Reply
from local.permissions import Ask
from local.permissions.guard import PassOn
from local.stack import LocalStack
from tests.integration.local_app.running import small_stack


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with small_stack(tmp_path_factory.mktemp("permissions")) as running:
        yield running


@pytest.fixture(scope="module")
def deployment(stack: LocalStack) -> Deployment:
    return stack.deployment()


def as_function(stack: LocalStack, deployment: Deployment, name: str) -> Any:
    """Return a client of the queues with a function's role."""
    key = deployment.functions[name].access_key_id
    return Aws(stack.guard.address).client("sqs", key)


def code_of(failed: pytest.ExceptionInfo[ClientError]) -> str:
    return str(failed.value.response["Error"]["Code"])


def test_a_function_may_do_what_its_policy_says(stack: LocalStack, deployment: Deployment) -> None:
    sqs, url = as_function(stack, deployment, "Scheduled"), deployment.physical_id("Queue")
    assert sqs.send_message(QueueUrl=url, MessageBody="hello")["MessageId"]


def test_a_function_is_refused_what_another_may_do(
    stack: LocalStack, deployment: Deployment
) -> None:
    sqs, url = as_function(stack, deployment, "Consumer"), deployment.physical_id("Queue")
    with pytest.raises(ClientError) as refused:
        sqs.send_message(QueueUrl=url, MessageBody="hello")
    assert code_of(refused) == "AccessDeniedException"
    assert "ConsumerRole" in str(refused.value)
    assert "sqs:SendMessage" in str(refused.value)
    assert stack.guard.refusals[-1].ask.action == "sqs:SendMessage"


def test_what_is_refused_does_not_happen(stack: LocalStack, deployment: Deployment) -> None:
    owner, url = stack.aws.client("sqs"), deployment.physical_id("DeadLetters")
    sqs = as_function(stack, deployment, "Scheduled")
    with pytest.raises(ClientError):
        sqs.send_message(QueueUrl=url, MessageBody="hello")
    assert "Messages" not in owner.receive_message(QueueUrl=url)


def test_nobody_else_has_a_key(stack: LocalStack) -> None:
    with pytest.raises(ClientError) as refused:
        Aws(stack.guard.address).client("sqs", "SOMEBODY").list_queues()
    assert code_of(refused) == "UnrecognizedClientException"
    assert stack.guard.refusals[-1].function == "?"


def test_a_service_that_is_not_judged_is_not_reached(
    stack: LocalStack, deployment: Deployment
) -> None:
    key = deployment.functions["Scheduled"].access_key_id
    with pytest.raises(ClientError) as refused:
        Aws(stack.guard.address).client("ssm", key).get_parameter(Name="secret")
    assert code_of(refused) == "UnknownOperationException"
    assert stack.guard.refusals[-1].function == "Scheduled"


def test_a_service_is_away_for_whom_a_test_says_and_as_often(
    stack: LocalStack, deployment: Deployment
) -> None:
    sqs, url = as_function(stack, deployment, "Scheduled"), deployment.physical_id("Queue")
    with (
        stack.guard.failing(lambda function, _: function == "Scheduled", times=9),
        pytest.raises(ClientError) as failed,
    ):
        sqs.send_message(QueueUrl=url, MessageBody="hello")
    assert code_of(failed) == "InternalServerError"
    assert sqs.send_message(QueueUrl=url, MessageBody="hello")["MessageId"]


def test_something_happens_right_before_a_request(
    stack: LocalStack, deployment: Deployment, tmp_path: Path
) -> None:
    sqs, url = as_function(stack, deployment, "Scheduled"), deployment.physical_id("Queue")
    happened = tmp_path / "happened"
    with stack.guard.meanwhile(lambda *_: True, happened.mkdir):
        for _ in range(2):
            assert sqs.send_message(QueueUrl=url, MessageBody="hello")["MessageId"]
    assert happened.is_dir()


def test_a_request_is_carried_out_and_its_answer_lost(
    stack: LocalStack, deployment: Deployment
) -> None:
    owner, url = stack.aws.client("sqs"), deployment.physical_id("Queue")
    sqs = as_function(stack, deployment, "Scheduled")
    owner.purge_queue(QueueUrl=url)

    def lose(_: Ask, pass_on: PassOn) -> Reply:
        pass_on()
        raise ConnectionAbortedError

    with stack.guard.interrupted(lambda *_: True, lose):
        assert sqs.send_message(QueueUrl=url, MessageBody="hello")["MessageId"]
    held = owner.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert held["ApproximateNumberOfMessages"] == "2"


def test_interruptions_act_one_around_the_other(
    stack: LocalStack, deployment: Deployment, tmp_path: Path
) -> None:
    sqs, url = as_function(stack, deployment, "Scheduled"), deployment.physical_id("Queue")
    happened = tmp_path / "happened"
    with (
        stack.guard.meanwhile(lambda *_: True, happened.mkdir),
        stack.guard.failing(lambda *_: True, times=1),
    ):
        assert sqs.send_message(QueueUrl=url, MessageBody="hello")["MessageId"]
    assert happened.is_dir()
