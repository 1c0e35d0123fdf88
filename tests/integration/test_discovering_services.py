"""Services as they describe themselves: each ends ready, or with a problem that says what to do."""

from collections.abc import Mapping
from typing import Any

import pytest

from broker.model import Invocation
from tests.fakes.known_services import SERVICES, Service
from tests.fakes.strangers import (
    REGISTRATION,
    RESOURCE_METADATA,
    SERVER_METADATA,
    server_metadata,
)
from tests.integration.builders import REDIRECT_URI, REGISTERED, URL_ALONE, Builder
from tests.integration.conftest import BASE_URL, World


def meeting(world: World, service: Service) -> Builder:
    builder = Builder(world)
    builder.strangers.is_silent_at(RESOURCE_METADATA, SERVER_METADATA)
    service.strangers(builder.strangers)
    builder.puts(**URL_ALONE | {"mcp_url": service.mcp_url})
    return builder


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
def test_a_service_ends_ready_or_says_what_to_do(world: World, service: Service) -> None:
    builder = meeting(world, service)
    found = builder.discovers()
    assert (found.client.value, found.ready) == (service.client, service.client != "builder")
    assert tuple(problem.code for problem in found.problems) == service.problems
    said = " ".join(problem.message for problem in found.problems)
    assert service.tells in said
    server = builder.puts_what_is_found(found)
    if found.ready:
        assert (server.missing, server.token_request_style.value) == ((), service.style)
    elif server.token_endpoint:
        assert f"redirect URI {REDIRECT_URI}" in said
        assert "client_id" in server.missing


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
def test_it_says_the_same_before_it_is_registered(world: World, service: Service) -> None:
    builder = meeting(world, service)
    run = builder.world.run()
    found = builder.core.flows.discovery.discover(service.mcp_url, None, run)
    foreseen = "dynamic" if "registration_refused" in service.problems else service.client
    assert found.client.value == foreseen


@pytest.mark.parametrize(("name", "preset_id"), [("github", "github"), ("google", "google")])
def test_a_service_of_the_catalogue_is_recognized(world: World, name: str, preset_id: str) -> None:
    service = SERVICES[name]
    run = world.run()
    builder = meeting(world, service)
    found = builder.core.flows.discovery.discover(service.mcp_url, None, run)
    assert preset_id in [like.preset_id for like in found.resembles]


# ---------------------------------------------------------------------------- our document


def of_plain_http(builder: Builder) -> Any:
    run = builder.world.run()
    local = Invocation(run.request_id, run.deadline, BASE_URL.replace("https:", "http:"))
    return builder.core.flows.discovery.of_server("harbor", local)


DOCUMENTS = {"client_id_metadata_document_supported": True}


@pytest.mark.parametrize(
    ("metadata", "client", "codes"),
    [
        ({}, "dynamic", ["registration_refused"]),
        ({"registration_endpoint": ...}, "builder", ["registration_needed"]),
    ],
    ids=["dynamic", "by hand"],
)
def test_a_document_that_is_not_at_https_is_no_client(
    world: World, metadata: Mapping[str, Any], client: str, codes: list[str]
) -> None:
    builder = Builder(world)
    builder.puts(**URL_ALONE)
    plain = [REDIRECT_URI.replace("https:", "http:")]
    builder.strangers.says(REGISTRATION, REGISTERED | {"redirect_uris": plain}, 201)
    builder.strangers.says(SERVER_METADATA, server_metadata(**DOCUMENTS, **metadata))
    found = of_plain_http(builder)
    assert found.client.value == client
    assert [problem.code for problem in found.problems] == ([] if found.ready else codes)
    assert not str(found.server.client_id).startswith("http")


@pytest.mark.parametrize(
    ("answer", "style", "has_secret"),
    [
        ({"token_endpoint_auth_method": "client_secret_basic"}, "form_basic", True),
        ({"token_endpoint_auth_method": "none"}, "none", False),
        ({}, "form_post", True),
    ],
    ids=["basic", "public", "mute"],
)
def test_what_was_really_registered_wins(
    world: World, answer: Mapping[str, Any], style: str, has_secret: bool
) -> None:
    builder = Builder(world)
    builder.puts(**URL_ALONE)
    without = {k: v for k, v in REGISTERED.items() if k != "token_endpoint_auth_method"}
    builder.strangers.says(REGISTRATION, without | dict(answer), 201)
    both = ["client_secret_post", "client_secret_basic"]
    about = server_metadata(token_endpoint_auth_methods_supported=both)
    builder.strangers.says(SERVER_METADATA, about)
    server = builder.puts_what_is_found(builder.discovers())
    [asked] = builder.registrations()
    assert asked["token_endpoint_auth_method"] == "client_secret_post"
    assert (server.token_request_style.value, server.client_secret is not None) == (
        style,
        has_secret,
    )
