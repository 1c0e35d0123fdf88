"""What a run asks AWS for and writes into its log: the counts that the cost tables stand on."""

from datetime import timedelta

import pytest

from benchmarks import costs
from broker.queues import DueMessage
from tests.integration.conftest import World
from tests.integration.test_ahead import DUE
from tests.integration.whole import Function, Run, function, invoke_request, messages

NAMESPACE = "ConsumerOAuthBroker/consumer-oauth-broker"
"""Of the default stack: a part of every metric line."""
SLACK = 0.1
"""Numbers have more digits at times; the tables need them to a tenth."""


class Functions:
    """Makes functions that print as they would in the default stack."""

    def __init__(
        self, world: World, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        patch.setenv("POWERTOOLS_METRICS_NAMESPACE", NAMESPACE)
        self._world, self._patch, self._capsys = world, patch, capsys

    def __call__(self, name: str, *, cold: bool = False) -> Function:
        core = self._world.container() if cold else self._world.core
        return function(name, self._world, self._patch, self._capsys, core)


@pytest.fixture
def functions(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Functions:
    return Functions(world, monkeypatch, capsys)


def logs_about(run: Run, size: int) -> bool:
    return abs(len(run.printed.encode()) - size) <= SLACK * size


def test_a_warm_invoke_costs_what_the_table_says(world: World, functions: Functions) -> None:
    world.connect()
    invoke = functions("mcp_invoke")
    invoke(invoke_request())
    run = invoke(invoke_request())
    assert run.status == 200
    assert run.requests == costs.WARM_INVOKE
    assert logs_about(run, costs.WARM_INVOKE_LOG_BYTES), len(run.printed)


def test_a_user_who_comes_back_after_five_minutes_opens_one_data_key(
    world: World, functions: Functions
) -> None:
    world.connect()
    invoke = functions("mcp_invoke")
    invoke(invoke_request())
    world.time.passes(301)
    assert invoke(invoke_request()).requests == costs.WARM_INVOKE | {"Decrypt": 1}


def test_a_refresh_ahead_costs_what_the_table_says(world: World, functions: Functions) -> None:
    world.connect()
    world.time.passes(DUE + 130)
    assert world.core.pace.admit(world.server, world.time.now()).again_at is None
    worker = functions("refresh_worker", cold=True)
    body = DueMessage(user_id="jo", server_id="crm").model_dump_json()
    run = worker(messages(world.cloud.physical["DueQueue"], body))
    assert world.connection().generation == 2
    assert run.requests == costs.REFRESH
    assert logs_about(run, costs.REFRESH_LOG_BYTES), len(run.printed)


def test_a_tick_and_a_claim_cost_what_the_table_says(world: World, functions: Functions) -> None:
    scheduler = functions("refresh_scheduler")
    run = scheduler({})
    assert run.requests == costs.TICK
    assert logs_about(run, costs.TICK_LOG_BYTES), len(run.printed)
    world.connect(due_at=world.time.now() - timedelta(seconds=1))
    claiming = scheduler({})
    assert claiming.answer == {"due": 1, "queued": 1}
    assert claiming.requests == costs.TICK | costs.CLAIM | {"SendMessageBatch": 1}


def test_a_connection_in_use_is_refreshed_as_often_as_the_table_says(world: World) -> None:
    lasted = []
    for _ in range(20):
        connection = world.connect()
        assert connection.due_at
        lasted.append((connection.due_at - connection.connected_at).total_seconds())
    tick = 30  # half a minute until the schedule sees it, on average
    a_day = 24 * 3600 / (sum(lasted) / len(lasted) + tick)
    assert abs(a_day - costs.REFRESHES_A_DAY) < 0.5
