"""Which metrics come out of what happens: refreshes, flags, reconnects, rescues, keys, the tick."""

from collections.abc import Callable

import httpx
import pytest

from broker.errors import ServerMisconfigured
from broker.metrics import (
    CATALOGUE,
    MCP_LATENCY,
    REFRESH,
    REFRESH_FAILED,
    REFRESH_LATENCY,
    REFRESH_ORPHANED,
    RESCUE_APPLIED,
    SERVER_MISCONFIGURED,
    STORE_LATENCY,
    TOKEN_SET_LOST,
    TOKEN_SET_RESCUED,
    TRANSITION,
    VAULT_LATENCY,
)
from broker.metrics.metric import Metric
from broker.telemetry import measured
from tests.fakes.services import answers, breaks
from tests.integration.conftest import World
from tests.integration.consents import complete, consented
from tests.integration.test_ahead import DUE, looks, tick
from tests.integration.test_calls import invoke
from tests.integration.test_lease import DEAD, STALE
from tests.integration.test_refresh import NEW, token
from tests.integration.test_refresh_failures import refused
from tests.integration.test_removal import disconnect
from tests.integration.test_rescue import after_the_answer, apply, rescued
from tests.unit.metric_lines import Labels, counted, emitted, metric_lines

type Printed = pytest.CaptureFixture[str]
type Step = Callable[[httpx.Request], httpx.Response]


def refreshes(world: World, step: Step) -> None:
    """Let a connection be refreshed on a call, with this answer."""
    world.connect()
    world.time.passes(STALE)
    world.login.script.append(step)
    world.core.tokens.for_call(world.server, "jo", world.run())


def went(before: str, after: str, reason: str) -> Labels:
    return {"from": before, "to": after, "reason": reason}


def test_a_refresh_is_counted_and_is_no_failure(world: World, capsys: Printed) -> None:
    world.connect()
    world.time.passes(STALE)
    assert token(world) == NEW
    printed = capsys.readouterr().out
    assert counted(printed, REFRESH) == [{"outcome": "refreshed", "cause": "none"}]
    assert emitted(printed, REFRESH_FAILED) == [([0.0], {})]


@pytest.mark.parametrize(
    ("step", "outcome", "cause"),
    [
        (answers(400, {"error": "invalid_grant"}), "grant_refused", "invalid_grant"),
        (answers(400, {"error": "bad_refresh_token"}), "grant_refused", "other"),
        (answers(401, {"error": "invalid_client"}), "client_refused", "invalid_client"),
        (answers(400, {"error": "Invalid_Scope"}), "request_refused", "invalid_scope"),
        (answers(400, {"error": "canary-jo"}), "request_refused", "other"),
        (answers(429, {"error": "slow_down"}), "no_usable_answer", "rate_limited"),
        (answers(503, {"error": "temporarily_unavailable"}), "no_usable_answer", "server_error"),
        (answers(200, "<html>maintenance</html>"), "no_usable_answer", "unusable"),
        (breaks(httpx.ReadTimeout), "no_usable_answer", "no_answer"),
        (breaks(httpx.ConnectError), "no_usable_answer", "not_sent"),
    ],
)
def test_a_failed_refresh_is_counted_by_outcome_and_cause(
    world: World, capsys: Printed, step: Step, outcome: str, cause: str
) -> None:
    refreshes(world, step)
    printed = capsys.readouterr().out
    assert counted(printed, REFRESH) == [{"outcome": outcome, "cause": cause}]
    assert emitted(printed, REFRESH_FAILED) == [([1.0], {})]


def test_refused_client_credentials_are_counted_and_nobody_changes_state(
    world: World, capsys: Printed
) -> None:
    world.connect()
    world.time.passes(DEAD)
    world.login.script.append(answers(401, {"error": "invalid_client"}))
    with pytest.raises(ServerMisconfigured):
        token(world)
    printed = capsys.readouterr().out
    assert counted(printed, SERVER_MISCONFIGURED) == [{}]
    assert counted(printed, TRANSITION)[1:] == []  # but for the connection that the test made


def test_a_lost_grant_is_a_transition_with_its_reason(world: World, capsys: Printed) -> None:
    world.connect()
    world.time.passes(DEAD)
    world.login.script.append(answers(400, {"error": "invalid_grant"}))
    capsys.readouterr()
    refused(world)
    flagged = went("active", "reconnect_required", "refresh_rejected")
    assert counted(capsys.readouterr().out, TRANSITION) == [flagged]


def test_a_flag_that_the_sdk_wrote_twice_is_one_transition(world: World, capsys: Printed) -> None:
    world.connect()
    world.time.passes(DEAD)
    answer = answers(400, {"error": "invalid_grant"})
    world.login.script.append(answer)
    after_the_answer(world, lambda: world.cloud.repeated.append("UpdateItem"))
    capsys.readouterr()
    refused(world)
    assert len(counted(capsys.readouterr().out, TRANSITION)) == 1


def test_a_consent_leads_from_nowhere_to_active(world: World, capsys: Printed) -> None:
    complete(world, consented(world))
    assert counted(capsys.readouterr().out, TRANSITION) == [went("none", "active", "consented")]


def test_a_consent_whose_write_was_repeated_leads_from_where_it_was(
    world: World, capsys: Printed
) -> None:
    back = consented(world)
    world.cloud.repeated.append("PutItem")
    complete(world, back)
    assert counted(capsys.readouterr().out, TRANSITION) == [went("none", "active", "consented")]


def test_a_reconnect_leads_back_to_active(world: World, capsys: Printed) -> None:
    world.connect()
    world.flag()
    capsys.readouterr()
    complete(world, consented(world))
    again = went("reconnect_required", "active", "consented")
    assert counted(capsys.readouterr().out, TRANSITION) == [again]


def test_a_renewed_consent_and_a_refresh_are_no_transitions(world: World, capsys: Printed) -> None:
    world.connect()
    capsys.readouterr()
    complete(world, consented(world))
    world.time.passes(STALE)
    invoke(world)
    printed = capsys.readouterr().out
    assert len(counted(printed, REFRESH)) == 1
    assert counted(printed, TRANSITION) == []


def test_a_disconnect_goes_through_removing_to_nowhere(world: World, capsys: Printed) -> None:
    world.connect()
    capsys.readouterr()
    disconnect(world)
    assert counted(capsys.readouterr().out, TRANSITION) == [
        went("active", "removing", "removing"),
        went("removing", "none", "removed"),
    ]


def test_a_rescue_is_counted_when_it_is_sent_and_when_it_is_applied(
    world: World, capsys: Printed
) -> None:
    message = rescued(world)
    printed = capsys.readouterr().out
    assert (counted(printed, TOKEN_SET_RESCUED), counted(printed, TOKEN_SET_LOST)) == ([{}], [])
    apply(world, message)
    apply(world, message)
    assert counted(capsys.readouterr().out, RESCUE_APPLIED) == [{}]


def test_a_rescued_set_makes_a_flagged_connection_active_again(
    world: World, capsys: Printed
) -> None:
    message = rescued(world)
    world.flag()
    capsys.readouterr()
    apply(world, message)
    back = went("reconnect_required", "active", "rescued")
    assert counted(capsys.readouterr().out, TRANSITION) == [back]


def test_a_set_that_neither_table_nor_queue_took_is_a_lost_grant(
    world: World, capsys: Printed
) -> None:
    world.connect()
    world.time.passes(STALE)

    def all_is_lost() -> None:
        world.cloud.unavailable("UpdateItem")
        world.cloud.unavailable("SendMessage")

    after_the_answer(world, all_is_lost)
    token(world)
    printed = capsys.readouterr().out
    assert (counted(printed, TOKEN_SET_LOST), counted(printed, TOKEN_SET_RESCUED)) == ([{}], [])


def test_a_set_whose_connection_went_meanwhile_is_orphaned(world: World, capsys: Printed) -> None:
    seen = world.connect()
    world.time.passes(STALE)
    after_the_answer(world, lambda: world.core.connections.remove(world.connection()))
    world.core.tokens.for_call(world.server, "jo", world.run())
    printed = capsys.readouterr().out
    assert counted(printed, REFRESH_ORPHANED) == [{}]
    assert seen.generation == 1


def test_each_part_is_timed_where_it_answers(world: World, capsys: Printed) -> None:
    world.connect()
    world.time.passes(STALE)
    world.login.during.append(lambda: world.time.passes(0.4))
    world.cloud.before("Decrypt", lambda: world.time.passes(0.02))
    world.cloud.before("GetItem", lambda: world.time.passes(0.003))

    def slow(request: httpx.Request) -> httpx.Response:
        world.time.passes(0.25)
        return world.mcp.handle(request)

    world.mcp.script.append(slow)
    capsys.readouterr()
    with measured("http"):
        invoke(world, core=world.container())
    printed = capsys.readouterr().out

    def told(metric: Metric) -> list[float]:
        [(values, labels)] = emitted(printed, metric)
        assert labels == {"door": "http"}
        return [value for value in values if value]

    assert told(STORE_LATENCY) == [3.0]
    assert told(VAULT_LATENCY) == [20.0]
    assert told(REFRESH_LATENCY) == [400.0]
    assert told(MCP_LATENCY) == [250.0]


def test_whatever_is_emitted_has_the_dimensions_of_the_catalogue_and_no_secret(
    world: World, capsys: Printed
) -> None:
    complete(world, consented(world))
    world.time.passes(3500)
    world.login.script.append(answers(400, {"error": "canary-refresh-1 for jo"}))
    with measured("http"):
        invoke(world)
    world.time.passes(DUE)
    with measured("batch"):
        tick(world)
        looks(world)
    disconnect(world)
    lines = metric_lines(capsys.readouterr().out)
    known = {metric.name: metric for metric in CATALOGUE}
    assert len({name for line in lines for name in line.values}) > 10
    for line in lines:
        for name, unit in line.units.items():
            assert unit == known[name].unit
            assert line.dimension_sets == known[name].dimension_sets
            assert line.labels == known[name].labels(line.labels)
