"""A container whose environment is at fault: it says so, once, and does nothing at all."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from local.deployment import Deployment, Settings
from local.loopback import LoopbackServer, Reply, Request
from local.stack import LocalStack

FAULTY = {"TOOLS_TABLE": "", "DUE_QUEUE_URL": "canary-not-a-url"}
NAMED = '"variables":["DUE_QUEUE_URL","TOOLS_TABLE"]'


@dataclass
class Faulty:
    """A deployment with a faulty environment, and what its functions ask of AWS."""

    deployment: Deployment
    asked: list[Request] = field(default_factory=list)

    def log_of(self, function: str) -> list[str]:
        [container] = self.deployment.containers(function)
        return container.log.read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulty]:
    aws = LoopbackServer(1 << 20)
    folder = tmp_path_factory.mktemp("faulty")
    with LocalStack(third_parties=False, run_folder=folder) as stack:
        tapped = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{aws.port}"}
        broken = Faulty(stack.deployment(settings=Settings(environment=FAULTY | tapped)))

        def record(request: Request) -> Reply:
            broken.asked.append(request)
            return Reply(500)

        aws.serve(record)
        yield broken
    aws.close()


def told_once(log: list[str]) -> bool:
    """Say whether exactly one line names the variables, and none quotes a value."""
    naming = [line for line in log if "DUE_QUEUE_URL" in line or "TOOLS_TABLE" in line]
    assert "canary" not in "".join(log)
    return len(naming) == 1 and NAMED in naming[0] and '"configuration_error"' in naming[0]


def test_every_request_of_a_backend_is_refused_and_the_log_says_why_once(faulty: Faulty) -> None:
    with faulty.deployment.api() as api:
        answers = [api.get("/v1/connections", params={"user_id": "jo"}) for _ in range(3)]
    for answer in answers:
        assert answer.status_code == 500
        assert answer.json() == {
            "error": "configuration_error",
            "error_description": "The broker is not configured: its log says what is wrong.",
            "request_id": answer.json()["request_id"],
        }
    assert told_once(faulty.log_of("ConnectionsFunction"))
    assert faulty.asked == []


def test_a_browser_is_shown_a_page(faulty: Faulty) -> None:
    with faulty.deployment.browser() as browser:
        answer = browser.get("/authorize", params={"ticket": "t" * 43})
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "configuration_error" in answer.text
    assert "TOOLS_TABLE" not in answer.text
    assert told_once(faulty.log_of("AuthorizeFunction"))
    assert faulty.asked == []


def test_scheduler_and_worker_fail_and_what_is_queued_stays(faulty: Faulty) -> None:
    sqs, queue = (
        faulty.deployment.aws.client("sqs"),
        faulty.deployment.physical_id("RescueQueue"),
    )
    sqs.send_message(QueueUrl=queue, MessageBody='{"kept": "for later"}')
    tick = faulty.deployment.tick()
    assert list(tick.scheduled.values()) == ["ConfigurationError"]
    assert [each.error for each in tick.deliveries] == ["ConfigurationError"]
    hidden = sqs.get_queue_attributes(
        QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessagesNotVisible"]
    )
    assert hidden["Attributes"]["ApproximateNumberOfMessagesNotVisible"] == "1"
    assert told_once(faulty.log_of("RefreshSchedulerFunction"))
    assert told_once(faulty.log_of("RefreshWorkerFunction"))
    assert faulty.asked == []
