"""The clockwork delivers as AWS does: the schedule, batches, partial failures, dead letters."""

import time
from collections.abc import Iterator

import pytest

from local import browser_names
from local.clockwork import Delivery, failed_of
from local.deployment import Deployment
from tests.integration.local_app.running import small_deployment


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with small_deployment(tmp_path_factory.mktemp("clockwork")) as running:
        yield running


@pytest.fixture(autouse=True)
def empty_queue(deployment: Deployment) -> None:
    while deployment.clockwork.drain(redeliver=True):
        pass


def send(deployment: Deployment, *bodies: str) -> None:
    sqs = deployment.aws.client("sqs")
    for body in bodies:
        sqs.send_message(QueueUrl=deployment.physical_id("Queue"), MessageBody=body)


def left(deployment: Deployment, queue: str) -> int:
    """Count what is in a queue, whether visible or in flight."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = deployment.aws.client("sqs").get_queue_attributes(
        QueueUrl=deployment.physical_id(queue), AttributeNames=names
    )["Attributes"]
    return sum(int(attributes[name]) for name in names)


def test_a_tick_calls_the_schedule_then_empties_the_queues(deployment: Deployment) -> None:
    tick = deployment.tick()
    assert tick.scheduled == {"default-Scheduled": None}
    assert tick.deliveries == [Delivery("Queue", messages=1, failed=0, error=None)]
    assert "tick of aws.scheduler" in deployment.containers("Consumer")[0].log.read_text()


def test_batches_are_as_large_as_the_template_says(deployment: Deployment) -> None:
    send(deployment, *[f"message {number}" for number in range(7)])
    assert [batch.messages for batch in deployment.clockwork.drain()] == [5, 2]
    assert left(deployment, "Queue") == 0


def test_only_the_reported_messages_stay(deployment: Deployment) -> None:
    send(deployment, "good", "bad one", "good too")
    assert [(batch.messages, batch.failed) for batch in deployment.clockwork.drain()] == [(3, 1)]
    assert left(deployment, "Queue") == 1


def test_a_failed_function_keeps_the_whole_batch(deployment: Deployment) -> None:
    send(deployment, "good", "explode")
    assert deployment.clockwork.drain() == [Delivery("Queue", 2, 2, "LookupError")]
    assert left(deployment, "Queue") == 2


def test_a_failed_message_waits_for_the_visibility_timeout(deployment: Deployment) -> None:
    send(deployment, "bad one")
    deployment.clockwork.drain()
    assert deployment.clockwork.drain() == []


def test_a_message_that_keeps_failing_becomes_a_dead_letter(deployment: Deployment) -> None:
    before = left(deployment, "DeadLetters")
    send(deployment, "bad one")
    for _ in range(2):  # as often as the template allows
        assert [batch.failed for batch in deployment.clockwork.drain(redeliver=True)] == [1]
    assert left(deployment, "DeadLetters") == before
    assert deployment.clockwork.drain(redeliver=True) == []
    assert left(deployment, "DeadLetters") == before + 1
    assert left(deployment, "Queue") == 0


def test_the_clock_can_be_turned_by_http(deployment: Deployment) -> None:
    with browser_names.client(base_url=deployment.control_url) as control:
        report = control.post("/local/tick").json()
        assert report["scheduled"] == {"default-Scheduled": None}
        assert report["deliveries"][0]["messages"] == 1
        described = control.get("/local/containers").json()
        assert "default-Consumer" in {each["function"] for each in described}


def test_the_clock_is_not_on_the_public_port(deployment: Deployment) -> None:
    with browser_names.client(base_url=deployment.url) as public:
        assert public.post("/local/tick").status_code == 404


def test_in_the_background_queues_are_emptied_by_themselves(deployment: Deployment) -> None:
    deployment.clockwork.start(every=None, poll=0.05)
    send(deployment, "good")
    deadline = time.monotonic() + 5
    while left(deployment, "Queue") and time.monotonic() < deadline:
        time.sleep(0.02)
    assert left(deployment, "Queue") == 0


@pytest.mark.parametrize(
    ("named", "failed"),
    [
        ([], set[str]()),
        (["a"], {"a"}),
        (["a", "b"], {"a", "b"}),
        (["stranger"], {"a", "b"}),
        (["a", "stranger"], {"a", "b"}),
        ([""], {"a", "b"}),
        ([None], {"a", "b"}),
    ],
)
def test_a_report_that_names_what_was_not_sent_fails_the_batch(
    named: list[str | None], failed: set[str]
) -> None:
    report = {"batchItemFailures": [{"itemIdentifier": name} for name in named]}
    assert failed_of(report, {"a", "b"}) == failed


@pytest.mark.parametrize("report", [None, {}, {"batchItemFailures": None}])
def test_a_report_of_nothing_is_a_success(report: dict[str, None] | None) -> None:
    assert failed_of(report, {"a"}) == set()


@pytest.mark.parametrize("report", [{"batchItemFailures": [{}]}, ["a"], {"batchItemFailures": 1}])
def test_a_report_that_cannot_be_read_fails_the_batch(report: object) -> None:
    assert failed_of(report, {"a"}) == {"a"}
