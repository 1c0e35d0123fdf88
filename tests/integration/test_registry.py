"""The registry: what a PUT keeps, refuses and forgets, and when a server may go."""

from dataclasses import replace
from typing import Any

import pytest

from broker.errors import InvalidServer, PreconditionFailed, ServerInUse, ServerNotFound
from broker.inbound.registry_requests import PutServerRequest
from broker.model import Precondition, Server, Status
from tests.integration.conftest import World

CONFIGURED: dict[str, Any] = {
    "server_id": "mail",
    "name": "Mail",
    "mcp_url": "https://mcp.example.com/mcp",
    "auth_type": "consumer_oauth",
    "client_id": "client-1",
    "authorization_endpoint": "https://login.example.com/authorize",
    "token_endpoint": "https://login.example.com/token",
    "revocation_endpoint": "https://login.example.com/revoke",
}
WITH_SECRET = {**CONFIGURED, "client_secret": "canary-secret"}
ANY = Precondition()


def put(world: World, wanted: dict[str, Any], precondition: Precondition = ANY) -> Server:
    request = PutServerRequest.model_validate(wanted)
    return world.core.flows.servers.put(request.server_id, request.draft, precondition).server


def secret_of(world: World, server: Server) -> str | None:
    opened = world.core.vault.client_secret_of(server)
    return opened.reveal() if opened else None


def test_name_url_and_type_are_enough_and_the_rest_is_named_as_missing(world: World) -> None:
    names = ("server_id", "name", "mcp_url", "auth_type")
    made = put(world, {name: CONFIGURED[name] for name in names})
    assert made.missing == (
        "client_id",
        "client_secret",
        "authorization_endpoint",
        "token_endpoint",
    )


def test_an_omitted_secret_is_kept_and_a_null_one_removed(world: World) -> None:
    put(world, WITH_SECRET)
    assert secret_of(world, put(world, CONFIGURED | {"name": "Post"})) == "canary-secret"
    assert secret_of(world, put(world, CONFIGURED | {"client_secret": None})) is None


@pytest.mark.parametrize("seconds", [None, 0, 60, 86_400])
def test_how_long_a_spent_refresh_token_may_be_sent_again_is_kept_as_given(
    world: World, seconds: int | None
) -> None:
    made = put(world, CONFIGURED | {"reuse_grace_seconds": seconds})
    assert made.reuse_grace_seconds == seconds
    assert world.core.flows.servers.get("mail").reuse_grace_seconds == seconds


@pytest.mark.parametrize("name", ["token_endpoint", "refresh_endpoint", "revocation_endpoint"])
def test_a_url_that_a_kept_secret_would_go_to_does_not_move_without_it(
    world: World, name: str
) -> None:
    put(world, WITH_SECRET)
    moved = {name: "https://evil.example.com/x"}
    with pytest.raises(InvalidServer, match="client_secret"):
        put(world, CONFIGURED | moved)
    assert put(world, WITH_SECRET | moved)


def test_the_url_that_a_shared_key_would_go_to_does_not_move_without_it(world: World) -> None:
    names = ("server_id", "name", "mcp_url")
    bearer = {name: CONFIGURED[name] for name in names} | {"auth_type": "bearer"}
    put(world, bearer | {"bearer_token": "canary-key"})
    with pytest.raises(InvalidServer, match="bearer_token"):
        put(world, bearer | {"mcp_url": "https://evil.example.com/mcp"})


@pytest.mark.parametrize(
    "change",
    [
        {"access_token_field": "note"},
        {"account_field": "refresh_token"},
        {"token_response_fields": {"scope": "access_token"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_could_show_a_token_does_not_change_without_the_secret(
    world: World, change: dict[str, Any]
) -> None:
    put(world, WITH_SECRET)
    with pytest.raises(InvalidServer, match=f"client_secret: {next(iter(change))}"):
        put(world, CONFIGURED | change)
    put(world, WITH_SECRET | change)
    put(world, CONFIGURED | change)
    put(world, CONFIGURED)


def test_a_secret_does_not_outlive_its_kind_of_server(world: World) -> None:
    put(world, WITH_SECRET)
    names = ("server_id", "name", "mcp_url")
    put(world, {name: CONFIGURED[name] for name in names} | {"auth_type": "none"})
    moved = CONFIGURED | {"token_endpoint": "https://evil.example.com/token"}
    assert put(world, moved).client_secret is None


@pytest.mark.parametrize(
    "url",
    [
        "http://mcp.example.com/mcp",
        "https://user@mcp.example.com/mcp",
        "https://127.0.0.1/mcp",
        "https://[::1]/mcp",
        "https://2130706433/mcp",
        "javascript:alert(1)",
        "https://",
        "file:///etc/passwd",
    ],
)
@pytest.mark.parametrize("name", ["mcp_url", "authorization_endpoint", "token_endpoint"])
def test_an_address_that_we_do_not_talk_to_is_refused(world: World, name: str, url: str) -> None:
    with pytest.raises(InvalidServer, match=name):
        put(world, WITH_SECRET | {name: url})


@pytest.mark.parametrize("name", ["client_secret", "redirect_uri", "state", "code_verifier"])
def test_what_the_broker_sets_is_not_set_by_the_builder(world: World, name: str) -> None:
    with pytest.raises(InvalidServer):
        put(world, WITH_SECRET | {"extra_authorize_params": {name: "x"}})


@pytest.mark.parametrize("header", ["Host", "cookie", "Content-Length", "MCP-Protocol-Version"])
def test_a_header_that_cannot_carry_a_token_is_refused(world: World, header: str) -> None:
    with pytest.raises(InvalidServer):
        put(world, WITH_SECRET | {"token_header": header})


def test_an_edit_of_another_revision_is_refused(world: World) -> None:
    first = put(world, WITH_SECRET)
    second = put(world, CONFIGURED)
    with pytest.raises(PreconditionFailed):
        put(world, CONFIGURED, Precondition(if_match=first.etag))
    assert put(world, CONFIGURED, Precondition(if_match=second.etag)).revision == 3


def test_a_server_is_not_made_twice_where_the_builder_says_so(world: World) -> None:
    put(world, WITH_SECRET, Precondition(if_none_match="*"))
    with pytest.raises(PreconditionFailed):
        put(world, WITH_SECRET, Precondition(if_none_match="*"))


def test_two_edits_at_once_do_not_both_win(world: World) -> None:
    put(world, WITH_SECRET)
    inner = CONFIGURED | {"name": "Inner"}
    world.cloud.before("PutItem", lambda: void(put(world, inner)), table="ServersTable")
    with pytest.raises(PreconditionFailed):
        put(world, CONFIGURED | {"name": "Outer"})
    assert world.core.flows.servers.get("mail").name == "Inner"


def void(_: object) -> None:
    """Forget a value."""


def test_a_put_that_the_sdk_repeated_is_a_success(world: World) -> None:
    world.cloud.repeated.append("PutItem")
    assert put(world, WITH_SECRET).revision == 1


def test_a_put_clears_what_was_learned_of_a_refused_client(world: World) -> None:
    world.core.server_states.flag_misconfigured("mail", "invalid_client", world.time.now())
    put(world, WITH_SECRET)
    world.core.server_states.flag_misconfigured("mail", "invalid_client", world.time.now())
    put(world, CONFIGURED)
    assert world.core.server_states.get("mail").misconfigured_at is None


def test_a_first_put_clears_what_a_deleted_server_left_behind(world: World) -> None:
    world.core.server_states.flag_misconfigured("mail", "invalid_client", world.time.now())
    put(world, WITH_SECRET)
    assert world.core.server_states.get("mail").misconfigured_at is None


def delete(world: World, *, disconnect: bool = False, server_id: str = "crm") -> int:
    return world.core.flows.servers.delete(server_id, ANY, disconnect=disconnect)


def test_a_server_with_connections_is_not_deleted(world: World) -> None:
    world.connect()
    with pytest.raises(ServerInUse) as failed:
        delete(world)
    assert failed.value.details == {"connections": 1}


def test_an_unused_server_is_deleted_with_what_was_learned(world: World) -> None:
    world.core.server_states.remember_era("crm", "2026-07-28", "2026-07-28")
    assert delete(world) == 0
    with pytest.raises(ServerNotFound):
        world.core.flows.servers.get("crm")
    assert world.cloud.items("ServerStateTable") == []


def test_with_disconnect_the_worker_gets_them_and_the_server_goes_last(world: World) -> None:
    world.connect()
    assert delete(world, disconnect=True) == 1
    assert world.connection().status is Status.REMOVING
    world.core.remover.resume(world.connection(), world.server, world.run())
    assert world.login.revoked[0] == "canary-refresh-1"
    assert delete(world, disconnect=True) == 0


def test_a_server_made_again_elsewhere_does_not_get_the_old_tokens(world: World) -> None:
    world.connect()
    world.core.servers.delete(world.server)
    again = replace(
        world.server, mcp_url="https://evil.example.com/mcp", revision=1, client_secret=None
    )
    world.core.servers.put(again, replaces=None)
    world.core.tokens.for_call(again, "jo", world.run())
    assert world.services.elsewhere == []
