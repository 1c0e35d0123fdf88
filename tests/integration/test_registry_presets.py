"""A server of the catalogue: what is filled in, what the builder says instead, what is refused."""

from dataclasses import replace
from typing import Any

import pytest

from broker.errors import InvalidServer, PresetNotFound
from broker.inbound.answers import server as shown
from broker.inbound.discoveries import discovered
from broker.inbound.registry_requests import PutServerRequest
from broker.model import AuthType, ClientSource, Discovered, Precondition, Server, TokenRequestStyle
from broker.presets import Catalogue
from tests.integration.conftest import BASE_URL, World

WANTED: dict[str, Any] = {
    "server_id": "tickets",
    "mcp_url": "https://mcp.example.com/mcp",
    "preset": "zendesk",
    "values": {"subdomain": "acme"},
    "client_id": "client-1",
    "client_secret": "canary-secret",
}


def put(world: World, wanted: dict[str, Any]) -> Server:
    request = PutServerRequest.model_validate(wanted)
    servers = world.core.flows.servers
    servers.put(request.server_id, request.draft, Precondition())
    return servers.get(request.server_id)


def test_a_preset_fills_in_all_but_the_place_and_the_client(world: World) -> None:
    made = put(world, WANTED)
    assert (made.name, made.auth_type, made.preset) == (
        "Zendesk",
        AuthType.CONSUMER_OAUTH,
        "zendesk",
    )
    assert made.authorization_endpoint == "https://acme.zendesk.com/oauth/authorizations/new"
    assert made.token_endpoint == "https://acme.zendesk.com/oauth/tokens"
    assert made.extra_token_params == {"expires_in": "1800"}
    assert made.scopes == ("read",)
    assert made.missing == ()


def test_what_the_builder_says_wins_null_and_empty_included(world: World) -> None:
    said: dict[str, Any] = {
        "name": "Tickets",
        "scopes": [],
        "userinfo_endpoint": None,
        "extra_token_params": {},
        "token_request_style": "form_basic",
    }
    made = put(world, WANTED | said)
    assert (made.name, made.scopes, made.userinfo_endpoint) == ("Tickets", (), None)
    assert made.extra_token_params == {}
    assert made.token_request_style is TokenRequestStyle.FORM_BASIC
    assert made.token_endpoint == "https://acme.zendesk.com/oauth/tokens"


def test_what_was_answered_can_be_put_again_without_the_values(world: World) -> None:
    first = put(world, WANTED)
    body = shown(first, BASE_URL)
    taken = PutServerRequest.model_fields.keys()
    again = {name: value for name, value in body.items() if name in taken}
    second = put(world, again | {"server_id": "tickets"})
    assert second.config_digest == first.config_digest
    assert (second.scopes, second.preset) == (first.scopes, "zendesk")


def test_what_discovery_leaves_out_is_not_filled_in_again(world: World) -> None:
    moved = replace(put(world, WANTED), userinfo_endpoint=None)
    outcome = Discovered(moved, {}, ClientSource.PRE_REGISTERED, ())
    proposed = discovered(outcome, BASE_URL)["server"]
    assert isinstance(proposed, dict)
    again = put(world, proposed | {"server_id": "tickets", "client_secret": "canary-secret"})
    assert (again.userinfo_endpoint, again.preset) == (None, None)


def test_a_server_without_a_preset_names_none(world: World) -> None:
    wanted = {k: v for k, v in WANTED.items() if k not in {"preset", "values"}}
    assert put(world, wanted | {"name": "N", "auth_type": "consumer_oauth"}).preset is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"preset": "nobody"}, "preset"),
        ({"preset": None, "name": "N", "auth_type": "none"}, "values"),
        ({"values": {}}, "values.subdomain"),
        ({"values": {"subdomain": "a.b/@evil"}}, "values.subdomain"),
        ({"values": {"subdomain": "acme\n"}}, "values.subdomain"),
        ({"values": {"subdomain": "acme", "tenant": "x"}}, "values.tenant"),
        ({"auth_type": "bearer"}, "auth_type"),
        ({"token_request_style": "none"}, "client_secret"),
        ({"token_endpoint": "http://acme.zendesk.com/"}, "token_endpoint"),
        ({"preset": "gitlab", "values": {"host": "gitlab.localhost"}}, "authorization_endpoint"),
        ({"preset": "gitlab", "values": {"host": "127.0.0.1"}}, "authorization_endpoint"),
        ({"scope_separator": "comma", "scopes": ["read,write"]}, "scopes"),
        (
            {
                "authorization_endpoint": "https://login.example.com/oauth/token/",
                "token_endpoint": "https://login.example.com/oauth/authorize",
            },
            "authorization_endpoint",
        ),
        ({"scope_parameter": "state"}, "scope_parameter"),
        ({"scope_parameter": "client_id"}, "scope_parameter"),
        ({"client_id_parameter": "client_secret"}, "client_id_parameter"),
        ({"client_id_parameter": "scope"}, "client_id_parameter"),
        ({"scope_parameter": "a", "client_id_parameter": "a"}, "client_id_parameter"),
        (
            {"client_id_parameter": "key", "extra_token_params": {"key": "x"}},
            "extra_token_params",
        ),
        ({"preset": "shopify", "values": {"shop": "a"}, "scopes": ["a,b"]}, "scopes"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_name(
    world: World, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidServer, match=rf"^{field}: "):
        put(world, WANTED | changes)
    assert world.core.servers.get("tickets") is None


def test_a_kept_secret_does_not_follow_a_preset_to_another_place(world: World) -> None:
    put(world, WANTED)
    kept = {k: v for k, v in WANTED.items() if k != "client_secret"}
    assert put(world, kept).client_secret
    with pytest.raises(InvalidServer, match="client_secret"):
        put(world, kept | {"values": {"subdomain": "evil"}})


def test_every_preset_makes_a_server_that_is_accepted_and_complete(world: World) -> None:
    for preset in Catalogue().all():
        examples = {name: value.example for name, value in preset.values.items()}
        wanted = WANTED | {"server_id": "one", "preset": preset.preset_id, "values": examples}
        made = put(world, wanted)
        assert (made.missing, made.preset) == ((), preset.preset_id)
        assert made.refresh_idle_days == preset.lifetimes.refresh_token_idle_days


@pytest.mark.parametrize(
    ("preset", "name", "value"),
    [("tiktok", "client_id_parameter", "client_key"), ("slack", "scope_parameter", "user_scope")],
)
def test_a_service_with_names_of_its_own_is_kept_with_them(
    world: World, preset: str, name: str, value: str
) -> None:
    made = put(world, WANTED | {"preset": preset, "values": {}})
    assert getattr(made, name) == value
    assert shown(made, BASE_URL)[name] == value


def test_a_service_that_is_not_in_the_catalogue_is_not_found(world: World) -> None:
    presets = world.core.flows.presets
    assert presets.get("zendesk").name == "Zendesk"
    with pytest.raises(PresetNotFound):
        presets.get("nobody")
