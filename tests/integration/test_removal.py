"""Disconnecting: nobody calls any more, the newest token is revoked, then the row goes."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from broker.errors import ConnectionNotFound
from broker.model import Revocation, RevocationScope, Secret, Status, TokenSet
from broker.queues import DueMessage
from broker.tokens import Unusable
from broker.tokens.sealing import seal_next
from tests.fakes.services import answers, breaks, form
from tests.integration.conftest import World
from tests.integration.consents import Browser, complete, link
from tests.integration.test_lease import DEAD, STALE, lease


def disconnect(world: World, seconds: float = 29.0) -> Revocation:
    return world.core.flows.connections.disconnect("jo", "crm", world.run(seconds))


def worker_looks(world: World) -> None:
    message = DueMessage(user_id="jo", server_id="crm")
    world.container().flows.refresh_worker.look(message, world.run())


def gone(world: World) -> bool:
    return world.core.connections.get("jo", "crm")[0] is None


def test_the_refresh_token_is_revoked_then_the_access_token_then_the_row_goes(world: World) -> None:
    world.connect()
    still_there: list[bool] = []

    def looks(_: httpx.Request) -> httpx.Response:
        still_there.append(not gone(world))
        return httpx.Response(200)

    world.login.revocation_script += [looks, looks]
    assert disconnect(world) is Revocation.CONFIRMED
    assert world.login.revoked == ["canary-refresh-1", "canary-access-1"]
    assert still_there == [True, True]
    assert gone(world)


def test_a_connection_that_is_not_there_cannot_be_disconnected(world: World) -> None:
    with pytest.raises(ConnectionNotFound):
        disconnect(world)


def test_without_a_revocation_endpoint_the_row_goes_all_the_same(world: World) -> None:
    world.server = world.register(replace(world.server, revocation_endpoint=None))
    world.connect()
    assert disconnect(world) is Revocation.UNSUPPORTED
    assert gone(world)


def test_while_a_removal_waits_calls_are_refused_and_no_lease_is_taken(world: World) -> None:
    world.connect()
    world.time.passes(STALE)
    world.login.revocation_script.append(breaks(httpx.ConnectError))
    world.login.revocation_script.append(breaks(httpx.ConnectError))
    assert disconnect(world) is Revocation.PENDING
    assert world.core.tokens.for_call(world.server, "jo", world.run()) == Unusable(None)
    assert world.login.refreshes == []


def test_a_connection_being_removed_is_gone_for_the_chat(world: World) -> None:
    world.connect()
    world.login.revocation_script += [answers(503), answers(503)]
    disconnect(world)
    assert world.core.flows.connections.of_user("jo") == []
    with pytest.raises(ConnectionNotFound):
        world.core.flows.connections.one("jo", "crm")


def test_a_running_refresh_is_waited_for_and_its_token_is_the_one_revoked(world: World) -> None:
    seen = world.connect()
    world.time.passes(DEAD)
    held = lease(world, seen)
    told = world.login.grants[0]

    def holder_writes() -> None:
        told.refresh_tokens.append("canary-refresh-newer")
        keys = world.core.sealer.open_keys(held, held.tokens.refresh)  # type: ignore[arg-type]
        fresh = TokenSet(
            Secret("canary-access-newer"),
            Secret("canary-refresh-newer"),
            None,
            world.time.now(),
        )
        sealed = seal_next(keys, held, fresh, Secret("old"))
        world.core.connections.advance(held, sealed, None)

    world.time.meanwhile += [lambda: None, holder_writes]
    assert disconnect(world) is Revocation.CONFIRMED
    assert world.login.revoked[0] == "canary-refresh-newer"
    assert gone(world)


def test_a_lease_is_waited_for_no_longer_than_twenty_seconds(world: World) -> None:
    seen = world.connect()
    world.time.passes(DEAD)
    lease(world, seen)
    begun = world.time.elapsed
    disconnect(world)
    assert 18 <= world.time.elapsed - begun <= 21


def test_a_set_that_lands_during_the_revocation_is_revoked_too(world: World) -> None:
    world.connect()

    def lands(_: httpx.Request) -> httpx.Response:
        stands = world.connection()
        world.core.connections.advance(stands, stands.tokens, None)
        return httpx.Response(200)

    world.login.revocation_script.append(lands)
    disconnect(world)
    assert gone(world)


def test_what_cannot_be_revoked_now_is_retried_by_the_worker(world: World) -> None:
    world.connect()
    world.login.revocation_script += [answers(503), answers(503)]
    disconnect(world)
    stands = world.connection()
    assert stands.status is Status.REMOVING
    assert stands.due_at
    assert stands.due_at <= world.time.now() + timedelta(minutes=5)
    world.time.passes(180)
    worker_looks(world)
    assert world.login.revoked[-2:] == ["canary-refresh-1", "canary-access-1"]
    assert gone(world)


def test_a_revocation_that_never_works_is_given_up_after_an_hour(world: World) -> None:
    world.connect()
    world.login.revocation_script += [answers(503)] * 100
    disconnect(world)
    world.time.passes(3500)
    worker_looks(world)
    assert not gone(world)
    world.time.passes(200)
    worker_looks(world)
    assert gone(world)


def test_an_access_token_that_cannot_be_revoked_now_is_retried_too(world: World) -> None:
    world.connect()
    world.login.revocation_script += [answers(200), answers(503)]
    assert disconnect(world) is Revocation.PENDING
    world.time.passes(180)
    worker_looks(world)
    assert world.login.revoked[-1] == "canary-access-1"
    assert gone(world)


def test_a_reconnect_during_a_removal_survives_it(world: World) -> None:
    world.connect()

    def reconnects(_: httpx.Request) -> httpx.Response:
        world.connect()
        return httpx.Response(200)

    world.login.revocation_script.append(reconnects)
    disconnect(world)
    stands = world.connection()
    assert (stands.status, stands.generation) == (Status.ACTIVE, 1)
    assert world.refresh_token() == "canary-refresh-2"


def test_a_reconnect_while_a_removal_is_pending_survives_the_worker(world: World) -> None:
    world.connect()
    world.login.revocation_script += [answers(503), answers(503)]
    disconnect(world)
    world.connect()
    world.time.passes(180)
    worker_looks(world)
    assert world.connection().status is Status.ACTIVE


@pytest.mark.parametrize(
    ("changed", "expected", "revoked"),
    [
        (
            {"revocation_scope": RevocationScope.TOKEN},
            Revocation.CONFIRMED,
            ["canary-refresh-1", "canary-access-1"],
        ),
        ({"revocation_scope": RevocationScope.GRANT}, Revocation.FAILED, []),
        ({"revocation_endpoint": None}, Revocation.UNSUPPORTED, []),
    ],
)
def test_a_removal_overtaken_by_a_reconnect_ends_the_old_grant_where_that_spares_the_new(
    world: World, changed: dict[str, Any], expected: Revocation, revoked: list[str]
) -> None:
    world.server = world.register(replace(world.server, **changed))
    seen = world.connect()
    world.time.passes(DEAD)
    lease(world, seen)

    def reconnects() -> None:
        world.connect()

    world.time.meanwhile += [lambda: None, reconnects]
    assert disconnect(world) is expected
    assert world.login.revoked == revoked
    stands = world.connection()
    assert (stands.status, world.refresh_token()) == (Status.ACTIVE, "canary-refresh-2")


def test_nothing_is_promised_of_a_grant_that_is_replaced_while_its_service_is_away(
    world: World,
) -> None:
    world.connect()

    def reconnects(_: httpx.Request) -> httpx.Response:
        world.connect()
        return httpx.Response(503)

    world.login.revocation_script += [reconnects, answers(503)]
    assert disconnect(world) is Revocation.FAILED
    assert world.connection().status is Status.ACTIVE


def test_a_key_outage_during_a_removal_is_pending(world: World) -> None:
    world.connect()
    world.core.vault._open.clear()
    world.cloud.refuses("Decrypt", "KMSInternalException")
    assert disconnect(world) is Revocation.PENDING
    assert not gone(world)


def test_a_removal_whose_delete_was_repeated_is_a_removal(world: World) -> None:
    world.connect()
    world.cloud.repeated.append("DeleteItem")
    assert disconnect(world) is Revocation.CONFIRMED
    assert gone(world)


def test_the_endpoint_is_the_one_the_connection_was_made_with(world: World) -> None:
    world.connect()
    world.register(replace(world.server, revocation_endpoint="https://evil.example.com/revoke"))
    disconnect(world)
    assert world.services.elsewhere == []
    assert world.login.revoked[0] == "canary-refresh-1"


def test_a_secret_set_for_other_endpoints_is_not_sent_to_the_old_one(world: World) -> None:
    world.connect()
    moved = replace(world.server, revocation_endpoint="https://other.example.com/revoke")
    world.register(moved, secret="canary-newer-secret")
    disconnect(world)
    sent = b"".join(request.content for request in world.login.revocations)
    assert b"canary-newer-secret" not in sent


def test_the_client_is_named_there_as_it_was_when_the_connection_was_made(world: World) -> None:
    named = replace(world.server, client_id_parameter="client_key")
    world.server = world.register(named)
    browser = Browser.of(world)
    complete(world, browser.comes_back(browser.opens(link(world))))
    world.register(replace(named, resource="https://mcp.example.com/", client_id_parameter="id"))
    disconnect(world)
    assert form(world.login.revocations[0])["client_key"] == "client-1"


def test_an_erasure_disconnects_everywhere_and_says_how(world: World) -> None:
    other = world.register(replace(world.server, server_id="mail", revocation_endpoint=None))
    world.connect()
    world.connect(server=other)
    world.connect("somebody else")
    erased = world.core.flows.connections.erase("jo", world.run())
    assert erased.revocations == {"crm": Revocation.CONFIRMED, "mail": Revocation.UNSUPPORTED}
    assert erased.remaining == 0
    assert world.core.connections.of_user("jo") == []
    assert len(world.core.connections.of_user("somebody else")) == 1


def test_an_erasure_without_time_left_says_how_many_remain(world: World) -> None:
    world.connect()
    erased = world.core.flows.connections.erase("jo", world.run(10))
    assert (erased.revocations, erased.remaining) == ({}, 1)
