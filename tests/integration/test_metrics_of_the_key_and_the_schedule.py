"""What is counted of a key that refuses, and at each tick."""

from datetime import timedelta

import pytest

from broker.errors import TemporarilyUnavailable
from broker.metrics import (
    KEY_REFUSED,
    OLDEST_DUE,
)
from broker.model import Secret
from broker.vault import Context, Kind, Place
from tests.integration.backlog import scheduler
from tests.integration.conftest import World
from tests.integration.test_ahead import DUE, tick
from tests.unit.metric_lines import counted, emitted

type Printed = pytest.CaptureFixture[str]


PLACE = Place(Context(Kind.ACCESS, "crm", "jo"), "grant-1", 1)


@pytest.mark.parametrize(
    "code",
    [
        "AccessDeniedException",
        "DisabledException",
        "IncorrectKeyException",
        "KMSInvalidStateException",
        "NotFoundException",
    ],
)
@pytest.mark.parametrize("operation", ["Decrypt", "GenerateDataKey"])
def test_a_key_that_refuses_is_counted_and_logged_by_its_code(
    world: World,
    capsys: Printed,
    caplog: pytest.LogCaptureFixture,
    code: str,
    operation: str,
) -> None:
    sealed = world.core.vault.seal(PLACE, Secret("canary"))
    world.cloud.refuses(operation, code)
    cold = world.container().vault
    act = {"Decrypt": lambda: cold.open(PLACE, sealed)}
    with pytest.raises(TemporarilyUnavailable):
        act.get(operation, lambda: cold.seal(PLACE, Secret("canary")))()
    assert counted(capsys.readouterr().out, KEY_REFUSED) == [{}]
    [line] = [vars(record) for record in caplog.records if record.message == "key_refused"]
    assert (line["code"], line["kind"]) == (code, "access")


@pytest.mark.parametrize("code", ["ThrottlingException", "KMSInternalException"])
def test_a_key_service_that_is_busy_is_no_refusal(world: World, capsys: Printed, code: str) -> None:
    world.cloud.refuses("GenerateDataKey", code)
    with pytest.raises(TemporarilyUnavailable):
        world.core.vault.seal(PLACE, Secret("canary"))
    assert counted(capsys.readouterr().out, KEY_REFUSED) == []


def test_a_tick_says_how_long_the_oldest_has_been_due(world: World, capsys: Printed) -> None:
    world.connect("jo", due_at=world.time.now() - timedelta(seconds=90))
    world.connect("mia", due_at=world.time.now() - timedelta(seconds=40))
    tick(world)
    assert emitted(capsys.readouterr().out, OLDEST_DUE) == [([90.0], {})]


def test_a_tick_without_anything_due_says_nought(world: World, capsys: Printed) -> None:
    world.connect()
    world.time.passes(DUE - 60)
    tick(world)
    assert emitted(capsys.readouterr().out, OLDEST_DUE) == [([0.0], {})]


def test_a_tick_says_it_also_while_the_queue_is_long(world: World, capsys: Printed) -> None:
    world.connect(due_at=world.time.now() - timedelta(seconds=700))
    assert scheduler(world, clears=0).tick(world.run(55)).queued == 0
    assert emitted(capsys.readouterr().out, OLDEST_DUE) == [([700.0], {})]
