"""The short part of the runs through the gateway; and their check sees what it is there to see."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from local.demo.journey import Journey
from tests.faults import variants
from tests.faults.gateway.frozen import frozen_with_the_answer, hurried
from tests.faults.gateway.history import BrokenPromiseError, judged
from tests.faults.gateway.place import ENDED, Member, Place, place_of
from tests.faults.gateway.victims import Victims
from tests.faults.kind import Kind
from tests.faults.kinds import gateway
from tests.faults.stage import Stage

SHORT = [kind for kind in gateway.KINDS if kind.short]
_LAYER = Path(__file__).parents[2] / "layers" / "common"


@pytest.fixture
def place(stage: Stage) -> Place:
    return place_of(stage)


@pytest.fixture
def journey(place: Place) -> Iterator[Journey]:
    with place.server() as registered:
        yield registered


@pytest.fixture
def member(place: Place, journey: Journey) -> Member:
    return place.connect(journey)


@pytest.mark.parametrize("kind", SHORT, ids=lambda kind: kind.name)
def test_a_fault_costs_no_grant(stage: Stage, kind: Kind) -> None:
    tally = kind.run(stage)
    assert tally.held, tally


def sent_by_another(place: Place, journey: Journey, member: Member) -> None:
    """Spend the stored refresh token as if a second client had it."""
    connection, _ = place.connections.get(member.user_id, journey.server_id)
    assert connection
    stored = place.sealer.open_refresh(connection)
    assert stored
    form = {
        "grant_type": "refresh_token",
        "refresh_token": stored.reveal(),
        "client_id": journey.app.client_id,
        "client_secret": journey.app.client_secret,
    }
    httpx.post(f"{place.door.origin}/token", data=form, trust_env=False)


def test_a_line_without_a_fork_is_in_order(place: Place, journey: Journey, member: Member) -> None:
    place.age(ENDED, member.user_id)
    tally = judged(place, journey, member)
    assert (tally.held, tally.note) == (True, "")


def test_a_set_that_is_stored_nowhere_is_lost(
    place: Place, journey: Journey, member: Member
) -> None:
    sent_by_another(place, journey, member)
    tally = judged(place, journey, member)
    assert (tally.lost, tally.double_spends, tally.stuck) == (1, 0, 0)
    assert "generation 1" in tally.note


@pytest.mark.parametrize(("answer_lost", "double_spends"), [(False, 2), (True, 1)])
def test_a_token_that_is_presented_again_is_a_double_spend_but_for_one_after_a_lost_answer(
    place: Place, journey: Journey, member: Member, answer_lost: bool, double_spends: int
) -> None:
    for _ in range(2):
        sent_by_another(place, journey, member)
    # The grant is dead now, so that the last call presents the token a third time.
    tally = judged(place, journey, member, answer_lost=answer_lost)
    assert tally.double_spends == double_spends


def test_a_grant_that_ended_without_a_lost_answer_is_lost(
    place: Place, journey: Journey, member: Member
) -> None:
    journey.app.revoke("alice")
    assert judged(place, journey, member).lost == 1


def test_a_user_who_gets_no_answer_is_stuck(place: Place, journey: Journey, member: Member) -> None:
    journey.app.switch(token_endpoint_mode="500")
    place.age(ENDED, member.user_id)
    assert judged(place, journey, member).stuck == 1


def test_a_product_that_fences_on_the_lease_loses_a_set(stage: Stage, tmp_path: Path) -> None:
    broken = _layer(tmp_path, "fences on the lease")

    @contextmanager
    def victims(stage: Stage) -> Iterator[Victims]:
        with hurried(stage, ahead=1, layer=broken) as made:
            yield made

    with pytest.raises(BrokenPromiseError, match="not stored"):
        frozen_with_the_answer(stage, victims)


def _layer(folder: Path, variant: str) -> Path:
    """Return a layer in which the product is broken in a way as soon as Python starts."""
    (folder / "broker").symlink_to(_LAYER / "broker")
    shutil.copy(variants.__file__, folder / "variants.py")
    (folder / "sitecustomize.py").write_text(f"import variants\nvariants.apply({variant!r})\n")
    return folder
