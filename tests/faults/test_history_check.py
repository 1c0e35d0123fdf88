"""The history check sees what it is there to see: brokers that are broken on purpose."""

from collections.abc import Callable

import pytest

from tests.faults.crew import Worker
from tests.faults.failures import failing
from tests.faults.families import Family, Rotation
from tests.faults.history import checked
from tests.faults.kind import Tally
from tests.faults.proxy import CUT, Asked, Cut
from tests.faults.scenes import advancing, opened
from tests.faults.stage import Stage
from tests.faults.variants import VARIANTS
from tests.faults.wire import Message
from tests.faults.world import LIFE, SERVER, World

USERS = ["u0", "u1"]

type Scene = Callable[[World, Worker], None]


def together(_: World, worker: Worker) -> None:
    """Several threads call for the same users, at expiry."""
    worker.ask("call", server=SERVER, users=USERS * 6, seconds=16.0)


def stored_late(world: World, worker: Worker) -> None:
    """The container is frozen between answer and write, until its lease has run out."""

    for user in USERS:
        family = world.grants[user][-1]

        def fits(asked: Asked, family: Family = family) -> bool:
            about_to_store = advancing(asked) or asked.operation == "GetItem"
            return asked.worker == worker.name and about_to_store and family.requests > 0

        with world.proxy.rule(fits, before=lambda _: world.time.passes(40), times=1):
            worker.ask("call", server=SERVER, users=[user], seconds=20.0)


def replaced(world: World, worker: Worker) -> None:
    """The user connects anew right before the new set is written."""
    for user in USERS:

        def again(_: Asked, user: str = user) -> None:
            world.connect(user, Rotation.STRICT)

        with world.proxy.rule(advancing, before=again, times=1):
            worker.ask("call", server=SERVER, users=[user], seconds=20.0)


def rescued(world: World, worker: Worker) -> None:
    """The newest set lies in the rescue queue when the lease runs out, and somebody calls."""
    with world.proxy.rule(advancing, before=failing):
        worker.ask("call", server=SERVER, users=USERS)
    world.time.passes(LIFE)
    worker.ask("call", server=SERVER, users=USERS, seconds=16.0)


SCENES: dict[str, Scene] = {
    "no lease": together,
    "fences on the lease": stored_late,
    "writes blindly": replaced,
    "never waits for a rescue": rescued,
}


def played(stage: Stage, scene: Scene, variant: str) -> Tally:
    world = opened(stage, USERS, Rotation.STRICT)
    world.time.passes(LIFE + 1)
    worker = world.crew.worker(variant=variant)
    scene(world, worker)
    worker.kill()
    return checked(world, world.crew.healthy(1)[0], USERS)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_broker_that_is_broken_on_purpose_is_found_out(stage: Stage, variant: str) -> None:
    tally = played(stage, SCENES[variant], variant)
    assert not tally.held
    assert tally.note


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_product_holds_where_the_broken_ones_do_not(stage: Stage, variant: str) -> None:
    tally = played(stage, SCENES[variant], "")
    assert tally.held, tally


def test_a_set_that_dies_with_its_worker_between_two_tries_is_a_lost_answer(stage: Stage) -> None:
    world = opened(stage, USERS, Rotation.STRICT)
    world.time.passes(LIFE + 1)
    worker = world.crew.worker()
    tries: list[Asked] = []

    def fails_then_dies(asked: Asked) -> Message | Cut:
        tries.append(asked)
        if len(tries) == 1:
            return failing(asked)
        world.kill(worker)
        return CUT

    with world.proxy.rule(advancing, before=fails_then_dies, times=2):
        worker.begin("call", server=SERVER, users=USERS[:1]).exception()
    tally = checked(world, world.crew.healthy(1)[0], USERS)
    assert (tally.held, tally.ambiguous) == (True, 1), tally


def test_one_that_sends_twice_is_counted_as_a_double_spend(stage: Stage) -> None:
    assert played(stage, together, "no lease").double_spends >= 1


def test_one_that_throws_a_set_away_is_counted_as_a_loss(stage: Stage) -> None:
    assert played(stage, stored_late, "fences on the lease").lost == len(USERS)
