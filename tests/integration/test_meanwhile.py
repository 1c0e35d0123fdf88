"""What happens while a consent becomes a connection: erasure, deletion, a changed server."""

from dataclasses import replace

import pytest

from broker.errors import ServerChanged, ServerInUse, SessionMismatch
from broker.model import Connection, Precondition, RevocationScope, Server, Status
from broker.queues import DueMessage
from tests.integration.conftest import World
from tests.integration.consents import complete, consented


def erase(world: World) -> None:
    world.core.flows.connections.erase("jo", world.run())


def delete(world: World) -> None:
    world.core.flows.servers.delete("crm", Precondition(), disconnect=False)


def worker_cleans_up(world: World) -> None:
    world.time.passes(60)
    world.core.flows.refresh_scheduler.tick(world.run(50))
    world.core.flows.refresh_worker.look(DueMessage(user_id="jo", server_id="crm"), world.run())


def disconnect(world: World) -> None:
    world.core.flows.connections.disconnect("jo", "crm", world.run())


def gone(world: World) -> bool:
    return world.core.connections.get("jo", "crm")[0] is None


def test_an_erased_users_consent_is_not_redeemed(world: World) -> None:
    back = consented(world)
    world.time.passes(1)
    erase(world)
    with pytest.raises(SessionMismatch):
        complete(world, back)
    assert world.login.token_requests == []


def test_a_user_erased_in_the_middle_of_the_exchange_is_not_connected(world: World) -> None:
    back = consented(world)
    world.login.during.append(lambda: erase(world))
    with pytest.raises(SessionMismatch):
        complete(world, back)
    assert world.connection().status is Status.REMOVING
    worker_cleans_up(world)
    assert gone(world)
    assert "canary-refresh-1" in world.login.revoked


def test_who_was_erased_can_connect_again(world: World) -> None:
    erase(world)
    world.time.passes(1)
    complete(world, consented(world))
    assert world.connection().status is Status.ACTIVE


def test_a_server_deleted_in_the_middle_of_the_exchange_leaves_no_connection(world: World) -> None:
    back = consented(world)
    world.login.during.append(lambda: delete(world))
    with pytest.raises(ServerChanged):
        complete(world, back)
    worker_cleans_up(world)
    assert gone(world)


def test_a_server_changed_in_the_middle_of_the_exchange_keeps_no_tokens(world: World) -> None:
    back = consented(world)
    moved = replace(world.server, mcp_url="https://elsewhere.example.com/mcp")
    world.login.during.append(lambda: _registered(world, moved))
    with pytest.raises(ServerChanged):
        complete(world, back)
    assert world.connection().status is Status.REMOVING
    assert world.services.elsewhere == []


def test_a_server_made_again_does_not_know_the_old_connections(world: World) -> None:
    world.connect()
    again = world.register(replace(world.server, incarnation="second"))
    stands = world.connection()
    assert stands.config_digest != again.config_digest


def test_a_connection_that_no_server_stands_for_is_cleaned_up(world: World) -> None:
    world.connect()
    stands = world.core.servers.get("crm")
    assert stands
    world.core.servers.delete(stands)
    world.core.flows.refresh_worker.look(DueMessage(user_id="jo", server_id="crm"), world.run())
    assert gone(world)


def test_a_repeated_write_does_not_bring_back_what_was_disconnected(world: World) -> None:
    back = consented(world)
    world.cloud.repeated.append("PutItem")
    world.cloud.meanwhile.append(lambda: disconnect(world))
    with pytest.raises(SessionMismatch):
        complete(world, back)
    assert world.connection().status is Status.REMOVING
    worker_cleans_up(world)
    assert gone(world)


def test_nor_one_that_had_replaced_another(world: World) -> None:
    world.connect()
    back = consented(world)
    world.cloud.repeated.append("PutItem")
    world.cloud.meanwhile.append(lambda: disconnect(world))
    with pytest.raises(SessionMismatch):
        complete(world, back)
    worker_cleans_up(world)
    assert gone(world)


def test_a_repeated_write_yields_to_a_consent_since(world: World) -> None:
    before, back = world.connect(), consented(world)
    since: list[Connection] = []
    world.cloud.repeated.append("PutItem")
    world.cloud.meanwhile.append(lambda: since.append(world.connect()))
    connected = complete(world, back)
    assert connected.connection == world.connection()
    assert world.connection().grant_id == since[0].grant_id != before.grant_id


def test_a_consent_stands_though_the_one_before_is_disconnected_in_that_moment(
    world: World,
) -> None:
    before, back = world.connect(), consented(world)
    world.cloud.before("PutItem", lambda: disconnect(world), table="ConnectionsTable")
    complete(world, back)
    stands = world.connection()
    assert (stands.status, stands.grant_id != before.grant_id) == (Status.ACTIVE, True)


def test_a_consent_overtaken_by_one_that_is_being_removed_connects_nobody(world: World) -> None:
    world.server = world.register(replace(world.server, revocation_scope=RevocationScope.TOKEN))
    back = consented(world)

    def connected_and_removed() -> None:
        other = world.connect()
        world.core.connections.begin_removal(other, world.time.now(), None)

    world.cloud.before("PutItem", connected_and_removed, table="ConnectionsTable")
    with pytest.raises(SessionMismatch):
        complete(world, back)
    assert world.connection().status is Status.REMOVING
    assert world.login.revoked == ["canary-refresh-1"]  # its own, which nobody holds


def test_a_consent_takes_the_place_of_one_that_is_broken_already(world: World) -> None:
    back = consented(world)

    def connected_and_flagged() -> None:
        world.connect()
        world.flag()

    world.cloud.before("PutItem", connected_and_flagged, table="ConnectionsTable")
    complete(world, back)
    assert world.connection().status is Status.ACTIVE


def test_a_consent_that_yields_does_so_without_the_key_service(world: World) -> None:
    back = consented(world)

    def connected_and_cut_off() -> None:
        world.connect()
        world.time.passes(400)
        world.cloud.unavailable("Decrypt")

    world.cloud.before("PutItem", connected_and_cut_off, table="ConnectionsTable")
    assert complete(world, back).connection.grant_id == world.connection().grant_id


def test_what_was_brought_back_and_refreshed_is_removed_all_the_same(world: World) -> None:
    def refresh() -> None:
        world.core.tokens.for_call(world.server, "jo", world.run(), refused=world.connection())

    def disconnected() -> None:
        disconnect(world)
        world.cloud.after("PutItem", refresh)

    world.server = world.register(replace(world.server, revocation_endpoint=None))
    back = consented(world)
    world.cloud.repeated.append("PutItem")
    world.cloud.meanwhile.append(disconnected)
    with pytest.raises(SessionMismatch):
        complete(world, back)
    stands = world.connection()
    assert (stands.generation, stands.status) == (2, Status.REMOVING)


def test_a_server_with_connections_is_still_not_deleted(world: World) -> None:
    world.connect()
    with pytest.raises(ServerInUse):
        delete(world)


def _registered(world: World, server: Server) -> None:
    world.register(server)
