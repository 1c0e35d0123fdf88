"""An answer with a refresh token and no access token that can be used: neither is lost."""

from contextlib import suppress

import httpx
import pytest

from broker.errors import TemporarilyUnavailable
from broker.model import Reason, Status
from broker.tokens import Unusable, Usable
from broker.tokens.verdicts import REFUSALS
from tests.fakes.services import answers
from tests.integration.conftest import World
from tests.integration.test_ahead import DUE, looks
from tests.integration.test_calls import invoke
from tests.integration.test_lease import DEAD, STALE
from tests.integration.test_rescue import after_the_answer, apply

HALF = {"refresh_token": "canary-half", "expires_in": 3600}
UNREADABLE = {"access_token": "new", "refresh_token": ["x"], "expires_in": 3600}


def call(world: World) -> str | None:
    found = world.core.tokens.for_call(world.server, "jo", world.run())
    return found.access_token.reveal() if isinstance(found, Usable) else None


def test_the_new_refresh_token_is_the_one_that_is_sent_next(world: World) -> None:
    world.connect()
    world.time.passes(DEAD)
    world.login.script.append(answers(200, HALF))
    with pytest.raises(TemporarilyUnavailable):
        call(world)
    assert (world.connection().generation, world.refresh_token()) == (2, "canary-half")
    world.time.passes(60)
    world.login.script.append(answers(200, {"access_token": "later", "expires_in": 3600}))
    assert call(world) == "later"
    assert world.login.refreshes == ["canary-refresh-1", "canary-half"]


def test_the_old_access_token_serves_on(world: World) -> None:
    world.connect()
    world.time.passes(STALE)
    world.login.script.append(answers(200, HALF))
    assert call(world) == "canary-access-1"
    assert world.connection().tokens.expires_at


def test_an_access_token_that_was_refused_does_not_serve_again(world: World) -> None:
    refused = world.connect()
    world.login.script.append(answers(200, HALF))
    with pytest.raises(TemporarilyUnavailable):
        world.core.tokens.for_call(world.server, "jo", world.run(), refused=refused)
    with pytest.raises(TemporarilyUnavailable):
        call(world)


def test_nor_where_the_half_came_while_a_call_was_at_the_server(world: World) -> None:
    world.connect()
    world.time.passes(DUE + 10)
    world.login.script.append(answers(200, HALF))

    def refused(request: httpx.Request) -> httpx.Response:
        looks(world)
        return httpx.Response(401, json={"error": "invalid_token"})

    world.mcp.script += [refused, answers(401, {"error": "invalid_token"})]
    with pytest.raises(TemporarilyUnavailable):
        invoke(world)
    stands = world.connection()
    assert (stands.status, stands.reason) == (Status.ACTIVE, None)
    assert world.refresh_token() == "canary-half"


def test_halves_for_ever_end_in_a_question_to_the_user(world: World) -> None:
    world.connect()
    world.time.passes(DEAD)
    world.login.script += [answers(200, HALF | {"refresh_token": f"h{n}"}) for n in range(9)]
    for _ in range(9):
        with suppress(TemporarilyUnavailable):
            call(world)
        world.time.passes(3600)
    assert world.connection().reason is Reason.REFRESH_REJECTED
    assert (len(world.login.refreshes), world.refresh_token()) == (REFUSALS, "h4")


def test_a_half_beside_an_access_token_that_does_not_open_is_kept(world: World) -> None:
    world.connect("kim")
    world.connect()
    rows = {row["user_id"]["S"]: row for row in world.cloud.items("ConnectionsTable")}
    mixed = {**rows["jo"]["access"]["M"], "text": rows["kim"]["access"]["M"]["text"]}
    row = {**rows["jo"], "access": {"M": mixed}}
    world.cloud.clients["dynamodb"].put_item(TableName="ConnectionsTable", Item=row)
    world.time.passes(DEAD)
    world.login.script.append(answers(200, HALF))
    with pytest.raises(TemporarilyUnavailable):
        call(world)
    assert (world.connection().lease, world.refresh_token()) == (None, "canary-half")


def test_the_worker_tries_again_after_the_backoff(world: World) -> None:
    world.connect()
    world.time.passes(DUE + 10)
    world.login.script.append(answers(200, HALF))
    looks(world)
    stands = world.connection()
    assert stands.due_at == stands.retry_at is not None
    world.time.passes(60)
    looks(world)
    assert world.login.refreshes == ["canary-refresh-1", "canary-half"]


def test_a_half_that_cannot_be_stored_is_rescued(world: World) -> None:
    world.connect()
    world.time.passes(STALE)
    world.login.script.append(answers(200, HALF))
    after_the_answer(world, lambda: world.cloud.unavailable("UpdateItem"))
    call(world)
    world.cloud.recovers()
    [message] = world.cloud.messages("RescueQueue")
    assert world.connection().lease is not None  # nobody sends before it is applied
    apply(world, message)
    assert (world.connection().generation, world.refresh_token()) == (2, "canary-half")


def test_a_half_for_a_grant_that_is_gone_is_revoked(world: World) -> None:
    world.connect()
    world.time.passes(DEAD)
    world.login.script.append(answers(200, HALF))
    after_the_answer(world, lambda: world.core.connections.remove(world.connection()))
    found = world.core.tokens.for_call(world.server, "jo", world.run())
    assert (found, world.login.revoked) == (Unusable(None), ["canary-half"])


def test_a_refresh_token_that_cannot_be_read_leaves_the_old_one_in_doubt(world: World) -> None:
    world.connect()
    world.time.passes(DUE + 10)
    world.login.script.append(answers(200, UNREADABLE))
    looks(world)
    stands = world.connection()
    assert (stands.generation, stands.ambiguous, stands.due_at) == (
        2,
        True,
        stands.tokens.expires_at,
    )
    world.time.passes(DUE + 10)
    assert (call(world), len(world.login.refreshes)) == ("new", 1)
    world.time.passes(minutes=10)
    world.login.script.append(answers(400, {"error": "invalid_grant"}))
    call(world)
    assert world.connection().reason is Reason.AMBIGUOUS_REFRESH


def test_all_else_of_such_a_success_is_well(world: World) -> None:
    world.connect()
    world.time.passes(DEAD)
    for _ in range(REFUSALS - 1):
        world.login.script.append(answers(400, {"error": "invalid_scope"}))
        with pytest.raises(TemporarilyUnavailable):
            call(world)
        world.time.passes(3600)
    world.login.script.append(answers(200, UNREADABLE))
    assert call(world) == "new"
    stands = world.connection()
    assert (stands.refusals, stands.attempts, stands.failure) == (0, 0, None)


def test_the_doubt_survives_a_rescue(world: World) -> None:
    world.connect()
    world.time.passes(STALE)
    world.login.script.append(answers(200, UNREADABLE))
    after_the_answer(world, lambda: world.cloud.unavailable("UpdateItem"))
    call(world)
    world.cloud.recovers()
    [message] = world.cloud.messages("RescueQueue")
    apply(world, message)
    stands = world.connection()
    assert (stands.ambiguous, stands.ambiguous_at) == (True, stands.tokens.obtained_at)
    world.time.passes(STALE)
    assert (call(world), len(world.login.refreshes)) == ("new", 1)
