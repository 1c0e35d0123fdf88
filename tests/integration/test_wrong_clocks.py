"""A container's wall clock may be minutes wrong: nothing that a refresh decides depends on it."""

from datetime import timedelta

import pytest

from broker.errors import TemporarilyUnavailable
from broker.model import Status
from broker.queues import DueMessage
from broker.tokens import Unusable, Usable
from tests.fakes.services import answers
from tests.integration.conftest import World
from tests.integration.test_ahead import DUE
from tests.integration.test_lease import DEAD, STALE

AHEAD, BEHIND = timedelta(minutes=2), timedelta(minutes=-2)
both = pytest.mark.parametrize("wrong_by", [AHEAD, BEHIND])


def test_a_clock_ahead_asks_no_user_whose_token_still_serves(world: World) -> None:
    world.login.omits.add("refresh_token")
    world.connect()
    world.time.passes(STALE)
    found = world.container(AHEAD).tokens.for_call(world.server, "jo", world.run())
    assert isinstance(found, Usable)
    assert world.connection().status is Status.ACTIVE


def test_a_clock_behind_uses_no_token_that_has_run_out(world: World) -> None:
    world.login.omits.add("refresh_token")
    world.connect()
    world.time.passes(DEAD - 60)
    found = world.container(BEHIND).tokens.for_call(world.server, "jo", world.run())
    assert isinstance(found, Unusable)


@both
def test_a_lifetime_counts_from_the_true_time(world: World, wrong_by: timedelta) -> None:
    world.connect()
    world.time.passes(DEAD)
    world.container(wrong_by).tokens.for_call(world.server, "jo", world.run())
    tokens = world.connection().tokens
    assert tokens.obtained_at == world.time.now()
    assert tokens.expires_at == world.time.now() + timedelta(hours=1)


@both
def test_a_pause_lasts_as_long_as_it_should(world: World, wrong_by: timedelta) -> None:
    world.connect()
    world.time.passes(DEAD)
    world.login.script.append(answers(429, {}, **{"retry-after": "60"}))
    with pytest.raises(TemporarilyUnavailable):
        world.container(wrong_by).tokens.for_call(world.server, "jo", world.run())
    retry_at = world.connection().retry_at
    assert retry_at
    assert timedelta(seconds=60) <= retry_at - world.time.now() <= timedelta(seconds=66)
    world.time.passes(50)
    with pytest.raises(TemporarilyUnavailable):
        world.container(wrong_by).tokens.for_call(world.server, "jo", world.run())
    world.time.passes(20)
    assert isinstance(
        world.container(wrong_by).tokens.for_call(world.server, "jo", world.run()), Usable
    )
    assert len(world.login.refreshes) == 2


@both
def test_a_date_to_come_back_at_is_read_by_the_true_time(world: World, wrong_by: timedelta) -> None:
    world.connect()
    world.time.passes(DEAD)
    date = world.time.now() + timedelta(seconds=90)
    header = {"retry-after": date.strftime("%a, %d %b %Y %H:%M:%S GMT")}
    world.login.script.append(answers(503, {}, **header))
    with pytest.raises(TemporarilyUnavailable):
        world.container(wrong_by).tokens.for_call(world.server, "jo", world.run())
    retry_at = world.connection().retry_at
    assert retry_at
    assert date <= retry_at <= date + timedelta(seconds=5)


@both
def test_the_worker_refreshes_once_whatever_its_clock_says(
    world: World, wrong_by: timedelta
) -> None:
    world.connect()
    world.time.passes(DUE)
    for _ in range(2):
        worker = world.container(wrong_by).flows.refresh_worker
        worker.look(DueMessage(user_id="jo", server_id="crm"), world.run(30))
        world.time.passes(130)
    assert len(world.login.refreshes) == 1
    assert world.connection().generation == 2


@both
def test_a_scheduler_whose_clock_is_wrong_is_early_or_late_and_no_more(
    world: World, wrong_by: timedelta
) -> None:
    world.connect()
    world.time.passes(DUE + 200)
    for _ in range(3):
        world.container(wrong_by).flows.refresh_scheduler.tick(world.run(50))
        for _ in world.cloud.messages("DueQueue"):
            worker = world.core.flows.refresh_worker
            worker.look(DueMessage(user_id="jo", server_id="crm"), world.run(30))
        world.time.passes(60)
    assert len(world.login.refreshes) == 1
