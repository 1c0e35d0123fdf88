"""The registry: what a builder may say of a server, and what comes back."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from local.demo.journey import Callers, Journey
from tests.e2e.answers import description, refusal
from tests.e2e.conftest import MakeJourney

_ELSEWHERE = "https://elsewhere.example.com/token"


def test_three_fields_are_enough_and_the_rest_is_named(blank: Journey) -> None:
    answer = blank.put(name="CRM", mcp_url=blank.tenant.url, auth_type="consumer_oauth")
    assert answer.status_code == 201
    assert answer.json()["redirect_uri"] == blank.redirect_uri
    assert answer.json()["missing"] == [
        "client_id",
        "client_secret",
        "authorization_endpoint",
        "token_endpoint",
    ]


def test_a_public_client_misses_no_secret(blank: Journey) -> None:
    assert blank.register(style="none").json()["missing"] == []


def test_a_bearer_server_misses_its_key(blank: Journey) -> None:
    answer = blank.put(name="Tides", mcp_url=blank.tenant.url, auth_type="bearer")
    assert answer.json()["missing"] == ["bearer_token"]


def test_a_client_secret_never_comes_back(journey: Journey) -> None:
    put = journey.put(**journey.configuration())
    listed = journey.callers.builder.get("/v1/servers")
    for answer in (put, journey.get(), listed):
        assert journey.app.client_secret not in answer.text
    assert put.json()["has_client_secret"] is True


def test_an_omitted_secret_is_kept(journey: Journey) -> None:
    answer = journey.put(**journey.configuration(client_secret=..., name="Renamed"))
    assert answer.status_code == 200
    assert answer.json()["has_client_secret"] is True


def test_a_null_secret_is_removed(journey: Journey) -> None:
    answer = journey.put(**journey.configuration(client_secret=None))
    assert answer.json()["has_client_secret"] is False
    assert answer.json()["missing"] == ["client_secret"]


@pytest.mark.parametrize("place", ["token_endpoint", "refresh_endpoint", "revocation_endpoint"])
def test_a_url_that_gets_the_secret_does_not_move_without_it(journey: Journey, place: str) -> None:
    moved = {**journey.configuration(client_secret=...), place: _ELSEWHERE}
    answer = journey.put(**moved)
    assert refusal(answer) == (422, "invalid_server")
    assert "client_secret" in description(answer)
    assert journey.get().json()[place] != _ELSEWHERE


def test_a_url_that_gets_the_secret_moves_with_it(journey: Journey) -> None:
    answer = journey.put(**journey.configuration(token_endpoint=_ELSEWHERE))
    assert answer.status_code == 200


def test_the_mcp_url_of_a_shared_key_does_not_move_without_it(blank: Journey) -> None:
    about = {"name": "Tides", "auth_type": "bearer"}
    blank.put(**about, mcp_url=blank.tenant.url, bearer_token="a shared key").raise_for_status()
    answer = blank.put(**about, mcp_url="https://elsewhere.example.com/mcp")
    assert refusal(answer) == (422, "invalid_server")
    assert "bearer_token" in description(answer)


def test_a_secret_belongs_to_its_kind_of_server(blank: Journey) -> None:
    answer = blank.put(
        name="Open", mcp_url=blank.tenant.url, auth_type="none", client_secret="a secret"
    )
    assert refusal(answer) == (422, "invalid_server")


def test_an_edit_of_the_version_that_was_read_is_taken(journey: Journey) -> None:
    tag = journey.get().headers["etag"]
    answer = journey.put_under({"If-Match": tag}, **journey.configuration(name="Mine"))
    assert answer.status_code == 200
    assert answer.headers["etag"] != tag


def test_an_edit_of_an_older_version_is_refused(journey: Journey) -> None:
    tag = journey.get().headers["etag"]
    journey.put(**journey.configuration(name="Theirs")).raise_for_status()
    answer = journey.put_under({"If-Match": tag}, **journey.configuration(name="Mine"))
    assert refusal(answer) == (412, "precondition_failed")
    assert journey.get().json()["name"] == "Theirs"


def test_a_server_is_created_only_once_where_that_is_asked(journey: Journey) -> None:
    answer = journey.put_under({"If-None-Match": "*"}, **journey.configuration())
    assert refusal(answer) == (412, "precondition_failed")


def test_of_parallel_creations_one_succeeds(blank: Journey) -> None:
    body = blank.configuration()
    with ThreadPoolExecutor(4) as pool:
        tries = [pool.submit(blank.put_under, {"If-None-Match": "*"}, **body) for _ in range(4)]
    assert sorted(each.result().status_code for each in tries) == [201, 412, 412, 412]


def test_a_server_of_another_version_is_not_deleted(journey: Journey) -> None:
    path = f"/v1/servers/{journey.server_id}"
    answer = journey.callers.builder.delete(path, headers={"If-Match": '"999"'})
    assert refusal(answer) == (412, "precondition_failed")
    assert journey.get().status_code == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("colour", "blue"),
        ("token_request_style", "magic"),
        ("account_change", "refuse"),
        ("reuse_grace_seconds", -1),
        ("name", 7),
        ("name", ""),
        ("name", "a\nb"),
        ("scopes", "openid email"),
        ("scopes", ["two words"]),
        ("pkce", "yes"),
        ("auth_type", "magic"),
        ("default_expires_in", 0),
        ("extra_authorize_params", {"prompt": 1}),
    ],
)
def test_a_field_that_does_not_fit_is_named(blank: Journey, field: str, value: Any) -> None:
    answer = blank.put(**blank.configuration(**{field: value}))
    assert refusal(answer) == (400, "invalid_request")
    assert field in description(answer)


@pytest.mark.parametrize(
    "url",
    [
        "http://crm.example.com/mcp",
        "https://user:password@crm.example.com/mcp",
        "https://127.0.0.1/mcp",
        "https://2130706433/mcp",
        "https://0x7f.1/mcp",
        "https://[::1]/mcp",
        "https://[64:ff9b::7f00:1]/mcp",
        "https://169.254.169.254/latest/meta-data",
        "https://localhost/mcp",
        "https://metadata/mcp",
        "https://crm.localhost/mcp",
        "http://127.0.0.1:1/mcp",
        "https://crm.example.com/mcp#part",
        "https://１２７.０.０.１/mcp",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "//crm.example.com/mcp",
    ],
)
def test_an_address_that_is_nobodys_business_is_refused(blank: Journey, url: str) -> None:
    answer = blank.put(name="CRM", mcp_url=url, auth_type="none")
    assert refusal(answer) == (422, "invalid_server")
    assert "mcp_url" in description(answer)


@pytest.mark.parametrize(
    "place",
    ["authorization_endpoint", "token_endpoint", "revocation_endpoint", "userinfo_endpoint"],
)
def test_every_endpoint_is_judged(blank: Journey, place: str) -> None:
    answer = blank.put(**blank.configuration(**{place: "http://crm.example.com/"}))
    assert refusal(answer) == (422, "invalid_server")
    assert place in description(answer)


def test_a_parameter_that_the_broker_sets_is_not_the_builders(blank: Journey) -> None:
    answer = blank.put(**blank.configuration(extra_authorize_params={"redirect_uri": "x"}))
    assert refusal(answer) == (422, "invalid_server")


@pytest.mark.parametrize("server_id", ["Upper", "-dash", "a" * 64, "a_b", "ä"])
def test_a_server_id_has_few_characters(
    journeys: MakeJourney, at_bound: Callers, server_id: str
) -> None:
    answer = at_bound.builder.put(
        f"/v1/servers/{server_id}",
        json={"name": "CRM", "mcp_url": "https://crm.example.com/", "auth_type": "none"},
    )
    assert refusal(answer) == (400, "invalid_request")
    assert "server_id" in description(answer)


def test_an_unknown_server_is_not_found(blank: Journey) -> None:
    assert refusal(blank.get()) == (404, "server_not_found")
    assert refusal(blank.delete()) == (404, "server_not_found")


def test_the_list_holds_every_server_page_by_page(journey: Journey) -> None:
    found, query = set[str](), dict[str, str]()
    while True:
        page = journey.callers.builder.get("/v1/servers", params=query).json()
        found |= {server["server_id"] for server in page["servers"]}
        if not page["cursor"]:
            break
        query = {"cursor": page["cursor"]}
    assert journey.server_id in found


def test_a_server_without_connections_is_deleted(journey: Journey) -> None:
    assert journey.delete().status_code == 204
    assert refusal(journey.get()) == (404, "server_not_found")


def test_a_server_in_use_stays_and_says_by_how_many(journey: Journey, ana: str, ben: str) -> None:
    journey.connect(ana)
    journey.connect(ben, "bob")
    answer = journey.delete()
    assert refusal(answer) == (409, "server_in_use")
    assert answer.json()["connections"] == 2
    assert journey.get().status_code == 200


def test_a_server_in_use_is_deleted_by_disconnecting_its_users(journey: Journey, ana: str) -> None:
    journey.connect(ana)
    answer = journey.delete(disconnect="true")
    assert (answer.status_code, answer.json()["remaining"]) == (202, 1)
    journey.callers.deployment.tick()
    assert journey.delete(disconnect="true").status_code == 204
    assert [grant["alive"] for grant in journey.app.grants()] == [False]
    assert refusal(journey.get()) == (404, "server_not_found")
