"""A refresh on a call: what is sent, what is stored, what the call gets."""

import io
from datetime import timedelta

import pytest

from broker.errors import RefreshInProgress, TemporarilyUnavailable
from broker.model import Connection
from broker.tokens import Usable
from tests.fakes.services import answers
from tests.integration.conftest import World
from tests.integration.test_lease import DEAD, STALE, lease

OLD, NEW = "canary-access-1", "canary-access-2"


def token(world: World, seconds: float = 29.0, refused: Connection | None = None) -> str:
    """Return the access token that a call gets."""
    found = world.core.tokens.for_call(world.server, "jo", world.run(seconds), refused=refused)
    assert isinstance(found, Usable)
    return found.access_token.reveal()


def elsewhere_refreshes(world: World, held: Connection) -> None:
    """Let another container win whose refresh a loser waits for."""
    assert held.lease
    world.core.connections.release(held, held.lease, None)
    world.container().tokens.for_call(world.server, "jo", world.run())


def test_a_token_good_for_more_than_the_buffer_costs_one_read(world: World) -> None:
    world.connect()
    world.cloud.sent.clear()
    assert token(world) == OLD
    assert world.cloud.sent == ["GetItem"]


def test_five_minutes_before_expiry_a_call_refreshes_first(world: World) -> None:
    world.connect()
    world.time.passes(3600 - 299)
    assert (token(world), world.login.refreshes) == (NEW, ["canary-refresh-1"])


def test_a_refresh_is_stored_although_no_metric_can_be_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.connect()
    world.time.passes(STALE)
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr("sys.stdout", closed)
    monkeypatch.delenv("POWERTOOLS_METRICS_NAMESPACE")
    assert token(world) == NEW
    assert world.connection().generation == 2
    assert world.connection().lease is None


def test_six_minutes_before_expiry_a_call_does_not_refresh(world: World) -> None:
    world.connect()
    world.time.passes(3600 - 301)
    assert (token(world), world.login.refreshes) == (OLD, [])


def test_a_short_lived_token_is_used_for_half_its_life(world: World) -> None:
    world.login.expires_in = 60
    world.connect()
    world.time.passes(29)
    assert token(world) == OLD
    world.time.passes(2)
    assert token(world) == NEW


def test_a_token_of_unknown_expiry_is_used_as_it_is_for_years(world: World) -> None:
    world.login.expires_in = None
    world.connect()
    world.time.passes(days=900)
    assert (token(world), world.login.refreshes) == (OLD, [])


def test_unknown_expiry_stays_unknown_over_a_refresh(world: World) -> None:
    world.connect()
    world.time.passes(STALE)
    world.login.expires_in = None
    assert token(world) == NEW
    assert world.connection().tokens.expires_at is None


def test_the_new_set_is_the_next_generation_of_the_same_grant(world: World) -> None:
    first = world.connect()
    world.time.passes(STALE)
    token(world)
    stands = world.connection()
    assert (stands.grant_id, stands.generation) == (first.grant_id, 2)
    assert (world.access_token(), world.refresh_token()) == (NEW, "canary-refresh-2")


def test_a_refresh_reuses_the_wrapped_keys(world: World) -> None:
    world.connect()
    world.time.passes(STALE)
    world.cloud.sent.clear()
    token(world)
    assert "GenerateDataKey" not in world.cloud.sent


def test_no_request_to_the_key_service_stands_between_answer_and_write(world: World) -> None:
    world.connect()
    world.time.passes(STALE)
    world.login.during.append(world.cloud.sent.clear)
    token(world)
    assert world.cloud.sent[0] == "UpdateItem"


def test_a_key_outage_before_sending_sends_nothing_and_releases_the_lease(world: World) -> None:
    world.connect()
    world.time.passes(DEAD)
    world.cloud.refuses("Decrypt", "KMSInternalException")
    with pytest.raises(TemporarilyUnavailable):
        token(world)
    stands = world.connection()
    assert (world.login.refreshes, stands.lease, stands.ambiguous) == ([], None, False)


def test_a_key_outage_does_not_stop_a_valid_token_whose_key_is_held(world: World) -> None:
    world.connect()
    world.time.passes(STALE)
    world.core.sealer.open_access(world.connection())
    world.cloud.refuses("Decrypt", "KMSInternalException")
    assert (token(world), world.login.refreshes) == (OLD, [])


def test_a_throttled_lease_does_not_stop_a_valid_token(world: World) -> None:
    world.connect()
    world.time.passes(STALE)
    world.cloud.refuses("UpdateItem", "ProvisionedThroughputExceededException")
    assert (token(world), world.login.refreshes) == (OLD, [])


def test_an_unreadable_server_state_does_not_stop_a_valid_token(world: World) -> None:
    world.connect()
    world.time.passes(STALE)
    world.cloud.unavailable("GetItem", table="ServerStateTable")
    assert token(world) in {OLD, NEW}


def test_a_deadline_too_close_sends_nothing_and_leaves_no_lease(world: World) -> None:
    world.connect()
    world.time.passes(DEAD)
    with pytest.raises(RefreshInProgress):
        token(world, seconds=5)
    assert (world.login.refreshes, world.connection().lease) == ([], None)


def test_time_lost_while_opening_keys_is_noticed_before_sending(world: World) -> None:
    world.connect()
    world.time.passes(DEAD)
    world.cloud.before("Decrypt", lambda: world.time.passes(26))
    with pytest.raises(RefreshInProgress):
        token(world)
    assert (world.login.refreshes, world.connection().lease) == ([], None)


def test_the_request_has_one_deadline_of_at_most_eight_seconds(world: World) -> None:
    world.connect()
    world.time.passes(STALE)
    token(world)
    begun = 1000 + world.time.elapsed
    assert world.login.token_requests[0].extensions["deadline"] <= begun + 8


def test_the_request_ends_before_the_invocation_does(world: World) -> None:
    world.connect()
    world.time.passes(STALE)
    run_ends = 1000 + world.time.elapsed + 15
    token(world, seconds=15)
    assert world.login.token_requests[0].extensions["deadline"] <= run_ends - 3


def test_a_loser_waits_for_the_winner_and_uses_its_token(world: World) -> None:
    seen = world.connect()
    world.time.passes(DEAD)
    held = lease(world, seen)
    world.time.meanwhile += [lambda: None, lambda: elsewhere_refreshes(world, held)]
    assert (token(world), len(world.login.refreshes)) == (NEW, 1)


@pytest.mark.parametrize(
    ("takes", "outcome"),
    [(2.1, (NEW, 1)), (5, ("canary-access-3", 2))],
    ids=["it has a moment left", "it ran out meanwhile"],
)
def test_a_loser_uses_what_it_waited_for_however_short_that_lives(
    world: World, takes: float, outcome: tuple[str, int]
) -> None:
    seen = world.connect()
    world.time.passes(DEAD)
    held = lease(world, seen)
    world.login.expires_in = 4
    world.login.during.append(lambda: world.time.passes(takes))
    world.time.meanwhile += [lambda: None, lambda: elsewhere_refreshes(world, held)]
    assert (token(world), len(world.login.refreshes)) == outcome


def test_a_token_that_lives_four_seconds_serves_more_than_one_call(world: World) -> None:
    world.login.expires_in = 4
    world.connect()
    assert [token(world) for _ in range(3)] == [OLD] * 3
    world.time.passes(3.5)
    assert (token(world), token(world), len(world.login.refreshes)) == (NEW, NEW, 1)


def test_a_loser_gives_up_at_its_own_deadline(world: World) -> None:
    seen = world.connect()
    world.time.passes(DEAD)
    lease(world, seen)
    run = world.run(20)
    with pytest.raises(RefreshInProgress) as failed:
        world.core.tokens.for_call(world.server, "jo", run)
    assert failed.value.retry_after
    assert 1000 + world.time.elapsed <= run.deadline
    assert world.login.refreshes == []


def test_a_loser_uses_the_old_token_at_once_while_it_is_valid(world: World) -> None:
    seen = world.connect()
    world.time.passes(STALE)
    lease(world, seen)
    assert (token(world), world.time.waits) == (OLD, 0)


def test_a_loser_does_not_use_the_old_token_after_a_401(world: World) -> None:
    seen = world.connect()
    world.time.passes(STALE)
    lease(world, seen)
    with pytest.raises(RefreshInProgress):
        token(world, seconds=20, refused=seen)
    assert world.time.waits > 0


def test_a_401_for_an_older_generation_does_not_refresh_again(world: World) -> None:
    seen = world.connect()
    world.time.passes(STALE)
    token(world)
    assert token(world, refused=seen) == NEW
    assert len(world.login.refreshes) == 1


def test_a_401_for_a_fresh_token_refreshes_it(world: World) -> None:
    seen = world.connect()
    assert token(world, refused=seen) == NEW


def test_an_answer_without_a_refresh_token_is_not_a_reuse(world: World) -> None:
    world.login.rotates = False
    world.connect()
    for _ in range(3):
        world.time.passes(STALE)
        world.core.tokens.for_call(world.server, "jo", world.run())
    assert world.login.refreshes == ["canary-refresh-1"] * 3
    assert world.refresh_token() == "canary-refresh-1"


def test_a_lease_in_a_row_without_an_answer_for_scope_keeps_the_scope(world: World) -> None:
    world.connect()
    world.time.passes(STALE)
    world.login.script.append(answers(200, {"access_token": "canary-new", "expires_in": 60}))
    world.core.tokens.for_call(world.server, "jo", world.run())
    stands = world.connection()
    assert (stands.tokens.scope, stands.generation) == (("read", "write"), 2)


def test_the_known_end_of_a_refresh_token_stays_with_it_when_it_is_repeated(world: World) -> None:
    world.connect()
    days = 90 * 24 * 3600
    ends = world.time.now() + timedelta(seconds=STALE + days)
    for told, known in (
        ({"refresh_token": "canary-refresh-1", "refresh_token_expires_in": days}, ends),
        ({"refresh_token": "canary-refresh-1"}, ends),
        ({"refresh_token": "canary-refresh-9"}, None),
    ):
        world.time.passes(STALE)
        answer = {"access_token": "a", "expires_in": 3600, **told}
        world.login.script.append(answers(200, answer))
        token(world)
        assert world.connection().tokens.refresh_expires_at == known
