"""No secret of a journey lies in a table, a queue, a log or an answer (T7, T10)."""

import base64
import json

import pytest

from local.demo.journey import Journey
from local.demo.neighbours import Neighbours
from local.demo.sweep import marks, secrets_in, sweep
from local.loopback import Reply, Request
from local.stack import LocalStack
from tests.e2e.stranger import Stranger, as_json
from tests.e2e.time_machine import TimeMachine


@pytest.fixture
def tapped(blank: Journey, further_parties: Neighbours) -> Journey:
    """A server whose token endpoint is listened to."""
    blank.register(**blank.app.endpoints(further_parties.tap.origin))
    return blank


def _troubled_journey(journey: Journey, time_machine: TimeMachine, ana: str, ben: str) -> None:
    """Connect, call, refresh, fail in several ways, be refused, and leave a flow unfinished."""
    journey.connect(ana)
    journey.invoke(ana)
    time_machine.age("ConnectionsTable", 3600, ana)
    journey.invoke(ana)
    journey.tenant.switch(reject_tokens=True)
    journey.invoke(ana)
    back = journey.come_back(ben)
    journey.complete(ana, back["connect_id"], back["completion_code"])
    journey.come_back(ben)
    journey.app.switch(token_endpoint_mode="nonsense")
    late = journey.come_back(ben)
    journey.complete(ben, late["connect_id"], late["completion_code"])
    journey.callers.deployment.tick()


def test_a_sweep_finds_what_is_there(stack: LocalStack, journey: Journey) -> None:
    tables = sweep({journey.app.client_id}, stack.aws, stack.logs).found
    assert any(place.startswith("table ") for place in tables)
    logs = sweep({"awslambdaric-is-not-here", journey.server_id}, stack.aws, stack.logs).found
    assert any(place.startswith("log ") for place in logs)


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
def test_a_sweep_reads_base64_wherever_it_begins(before: str) -> None:
    text = base64.b64encode(f"{before}:some-long-secret:after".encode())
    assert any(mark in text for mark in marks("some-long-secret"))


@pytest.fixture
def troubled(tapped: Journey, time_machine: TimeMachine, ana: str, ben: str) -> Journey:
    """The same after a journey in which much went wrong."""
    _troubled_journey(tapped, time_machine, ana, ben)
    return tapped


def test_a_troubled_journey_leaves_no_secret_anywhere(
    troubled: Journey, stack: LocalStack, further_parties: Neighbours
) -> None:
    heard, visited = further_parties.tap.heard, secrets_in(troubled.callers.visited)
    assert len(heard) >= 8
    assert len(visited) >= 12
    secrets = {troubled.app.client_secret} | heard | visited
    assert sweep(secrets, stack.aws, stack.logs).found == []


def test_a_server_that_echoes_the_token_is_not_quoted(
    journey: Journey, stranger: Stranger, stack: LocalStack, ana: str
) -> None:
    bearers = list[str]()

    def echo(request: Request) -> Reply:
        bearer = request.header("authorization") or ""
        bearers.append(bearer.removeprefix("Bearer "))
        return as_json({"error": "invalid", "error_description": bearer}, 500)

    journey.put(**journey.configuration(mcp_url=stranger.answers(echo)))
    journey.connect(ana)
    answer = journey.invoke(ana)
    assert answer.status_code == 502
    assert bearers[0]
    assert bearers[0] not in json.dumps(answer.json())
    assert sweep(bearers, stack.aws, stack.logs).found == []
