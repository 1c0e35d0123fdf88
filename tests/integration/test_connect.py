"""Connect links and the card that shows one."""

from typing import Any

import pytest

from broker.errors import InvalidRequest, ServerMisconfigured, ServerNotFound
from broker.model import ConnectLink, PromptReason, Wish
from tests.integration.conftest import BASE_URL, RETURN_URL, World

LOOPBACKS = ["http://127.0.0.1:8912/cb", "http://localhost/cb", "http://[::1]:9/"]


def link(world: World, **wish: Any) -> ConnectLink:
    asked = Wish(**{"user_id": "jo", "return_url": RETURN_URL} | wish)
    return world.core.flows.connections.connect("crm", asked, world.run())


def test_a_link_leads_to_our_authorize_page_and_lives_ten_minutes(world: World) -> None:
    made = link(world)
    assert made.connect_url.startswith(f"{BASE_URL}/authorize?ticket=")
    assert (made.expires_at - world.time.now()).total_seconds() == 600


def test_every_link_is_another(world: World) -> None:
    assert link(world).connect_url != link(world).connect_url


def test_the_public_name_of_a_flow_is_not_its_ticket(world: World) -> None:
    made = link(world)
    assert made.connect_id not in made.connect_url
    ticket = made.connect_url.partition("ticket=")[2]
    assert ticket not in str(world.cloud.items("PendingTable"))


@pytest.mark.parametrize(
    "url",
    [
        "https://chat.example.com/return/",
        "https://chat.example.com/Return",
        "https://CHAT.example.com/return",
        "https://chat.example.com:443/return",
        "http://chat.example.com/return",
        "https://chat.example.com/return?x=1",
        "https://chat.example.com/return#x",
        "https://chat.example.com@evil.example.com/return",
        "https://evil.example.com\\@chat.example.com/return",
        "https://chat.example.com/return\\..\\x",
        "https://chat.example.com/return\t",
        "https://chat.example.com/./return",
        "https://chat.example.com/%72eturn",
        " https://chat.example.com/return",
        "//chat.example.com/return",
        "javascript:alert(1)//https://chat.example.com/return",
        "https://chat.example.com/return,https://chat.example.com/return",
        "https://[",
        "http://127.0.0.1/return",
    ],
)
def test_a_return_url_is_exactly_one_of_the_stacks(world: World, url: str) -> None:
    with pytest.raises(InvalidRequest) as failed:
        link(world, return_url=url)
    assert url not in str(failed.value)


def test_without_a_return_url_the_default_is_taken(world: World) -> None:
    world.core = world.container(DEFAULT_RETURN_URL="https://chat.example.com/default")
    made = link(world, return_url=None)
    ticket = world.core.pending.ticket(made.connect_id)
    assert ticket
    assert ticket.return_url == "https://chat.example.com/default"


def test_without_any_return_url_there_is_no_link(world: World) -> None:
    with pytest.raises(InvalidRequest):
        link(world, return_url=None)


def test_an_allowed_address_that_is_not_https_is_refused_all_the_same(world: World) -> None:
    plain = "http://chat.example.com/return"
    world.core = world.container(ALLOWED_RETURN_URLS=plain)
    with pytest.raises(InvalidRequest):
        link(world, return_url=plain)


def test_the_opt_out_wants_to_know_for_whom(world: World) -> None:
    world.core = world.container(SESSION_BINDING="none")
    with pytest.raises(InvalidRequest, match="user_label"):
        link(world)
    assert link(world, user_label="Jo Doe")


def test_the_opt_out_needs_no_return_url(world: World) -> None:
    world.core = world.container(SESSION_BINDING="none")
    assert link(world, return_url=None, user_label="Jo Doe")


def test_an_unknown_server_has_no_links(world: World) -> None:
    with pytest.raises(ServerNotFound):
        world.core.flows.connections.connect("unknown", Wish("jo"), world.run())


def test_a_server_whose_client_is_refused_has_no_links(world: World) -> None:
    world.core.server_states.flag_misconfigured("crm", "invalid_client", world.time.now())
    with pytest.raises(ServerMisconfigured):
        link(world)


@pytest.mark.parametrize("url", LOOPBACKS)
def test_a_test_may_return_to_a_loopback_page(world: World, url: str) -> None:
    assert world.core.connector.test_link(world.server, "t", url, BASE_URL)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.com/",
        "http://127.0.0.1.evil.example.com/",
        "http://127.0.0.1@evil.example.com/",
        "http://evil.example.com@127.0.0.1/",
        "http://127.0.0.1\\@evil.example.com/",
        "http://localhost:80@evil.example.com/",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:x/",
        "http://[::1/",
        "http://2130706433/",
        "ftp://127.0.0.1/",
        "https://127.0.0.1/",
        "http://127.0.0.1/#x",
    ],
)
def test_a_test_returns_nowhere_else(world: World, url: str) -> None:
    with pytest.raises(InvalidRequest):
        world.core.connector.test_link(world.server, "t", url, BASE_URL)


def test_the_link_of_a_call_may_not_return_to_a_loopback_page(world: World) -> None:
    for url in LOOPBACKS:
        with pytest.raises(InvalidRequest):
            link(world, return_url=url)


@pytest.mark.parametrize("reason", PromptReason)
def test_a_card_names_the_service_the_button_and_what_is_asked_for(
    world: World, reason: PromptReason
) -> None:
    prompt = world.core.connector.prompt(world.server, reason, "en")
    assert "CRM" in prompt.text
    assert "CRM" in prompt.button_label
    assert "only" in prompt.detail
    assert len(prompt.text) < 120
