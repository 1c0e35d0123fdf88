"""Sessions of MCP clients: whom a bearer lets in, where, and until when."""

import json
from typing import Any

import pytest

from broker.model import AuthType, Server
from tests.integration.conftest import RETURN_URL, World
from tests.integration.mcp_client import ORIGIN, Endpoint, McpClient, endpoint, result_of
from tests.integration.whole import Run, request


@pytest.fixture
def at(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Endpoint:
    return endpoint(world, monkeypatch, capsys)


def ping(at: Endpoint, bearer: str | None, server_id: str = "crm") -> Run:
    return McpClient(at.mcp, bearer, server_id).older("ping")


def is_dead(run: Run) -> bool:
    challenge = run.answer["headers"].get("WWW-Authenticate")
    return (run.status, run.body["error"], challenge) == (
        401,
        "invalid_token",
        'Bearer error="invalid_token"',
    )


def start(at: Endpoint, **more: Any) -> Run:
    body = {"user_id": "jo", "server_ids": ["crm"], "return_url": RETURN_URL} | more
    return at.api(request("POST", "/v1/sessions", body))


def test_a_session_answers_with_a_bearer_that_opens_its_server(at: Endpoint) -> None:
    started = at.start(ttl=60)
    assert started["mcp_urls"] == {"crm": f"{ORIGIN}/mcp/crm"}
    assert len(started["bearer"]) >= 43
    assert result_of(ping(at, started["bearer"])) == {}


def test_the_bearer_is_stored_nowhere(at: Endpoint, world: World) -> None:
    started = at.start()
    at.client().initialize()
    for table in ("SessionsTable", "PendingTable"):
        assert world.cloud.items(table)
        assert started["bearer"] not in json.dumps(world.cloud.items(table), default=str)


@pytest.mark.parametrize("bearer", [None, "", "x", "x" * 5000, "a.b.c", "Ω" * 43])
def test_a_bearer_that_is_none_of_ours_is_refused(at: Endpoint, bearer: str | None) -> None:
    assert is_dead(ping(at, bearer))


def test_a_bearer_is_good_for_its_own_servers_alone(at: Endpoint, world: World) -> None:
    world.register(
        Server("mail", "Mail", "https://mcp.example.com/mail", AuthType.NONE), secret=None
    )
    bearer = at.start()["bearer"]
    assert is_dead(ping(at, bearer, "mail"))
    assert is_dead(ping(at, bearer, "unknown"))
    both = at.start("jo", "crm", "mail")
    assert both["mcp_urls"].keys() == {"crm", "mail"}
    assert [ping(at, both["bearer"], each).status for each in ("crm", "mail")] == [200, 200]


def test_a_session_ends_when_its_time_is_up(at: Endpoint, world: World) -> None:
    bearer = at.start(ttl=60)["bearer"]
    world.time.passes(59)
    assert ping(at, bearer).status == 200
    world.time.passes(1)
    assert is_dead(ping(at, bearer))


def test_a_session_that_is_deleted_is_dead_at_once_and_no_other_is(at: Endpoint) -> None:
    ended, other = at.start(), at.start()
    assert at.end(ended["session_id"]).status == 204
    assert is_dead(ping(at, ended["bearer"]))
    assert ping(at, other["bearer"]).status == 200
    assert at.end(ended["session_id"]).status == 204


def test_the_name_of_a_session_is_no_bearer(at: Endpoint) -> None:
    assert is_dead(ping(at, at.start()["session_id"]))


def test_erasing_a_user_ends_their_sessions_and_no_other_users(at: Endpoint) -> None:
    jos, kims = at.start(), at.start("kim")
    at.api(request("DELETE", "/v1/connections", rawQueryString="user_id=jo"))
    assert is_dead(ping(at, jos["bearer"]))
    assert ping(at, kims["bearer"]).status == 200


def test_a_session_that_the_index_did_not_know_yet_ends_with_its_user(
    at: Endpoint, world: World
) -> None:
    bearer = at.start(ttl=3600)["bearer"]
    late = world.cloud.items("SessionsTable")
    at.api(request("DELETE", "/v1/connections", rawQueryString="user_id=jo"))
    for item in late:
        world.cloud.clients["dynamodb"].put_item(TableName="SessionsTable", Item=item)
    assert is_dead(ping(at, bearer))


def test_a_user_may_have_sessions_again_after_they_were_erased(at: Endpoint, world: World) -> None:
    at.api(request("DELETE", "/v1/connections", rawQueryString="user_id=jo"))
    world.time.passes(1)
    assert ping(at, at.start()["bearer"]).status == 200


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"ttl": 59}, 400, "invalid_request"),
        ({"ttl": 3601}, 400, "invalid_request"),
        ({"server_ids": []}, 400, "invalid_request"),
        ({"server_ids": ["nowhere"]}, 404, "server_not_found"),
        ({"return_url": "https://evil.example.com/return"}, 400, "invalid_request"),
        ({"user_id": ""}, 400, "invalid_request"),
    ],
)
def test_a_session_that_cannot_be_is_refused(
    at: Endpoint, world: World, change: dict[str, Any], status: int, error: str
) -> None:
    run = start(at, **change)
    assert (run.status, run.body["error"]) == (status, error)
    assert world.cloud.items("SessionsTable") == []


def test_a_bearer_stands_in_no_log_line_and_in_no_refusal(at: Endpoint) -> None:
    started = start(at)
    bearer = started.body["bearer"]
    assert bearer not in started.printed
    refused = ping(at, bearer, "unknown")
    assert bearer not in refused.printed + str(refused.answer)


def several(at: Endpoint, *server_ids: str) -> dict[str, Any]:
    body = {"user_id": "jo", "server_ids": server_ids, "return_url": RETURN_URL}
    run = at.api(request("POST", "/v1/connections/prompt", body))
    assert run.status == 200, run.body
    return run.body


def test_one_card_names_every_server_that_still_needs_its_user(at: Endpoint, world: World) -> None:
    for name in ("mail", "files"):
        changed = {"server_id": name, "name": name.title()}
        world.register(Server(**{**_fields(world.server), **changed}))
    world.register(Server("tides", "Tides", "https://mcp.example.com/x", AuthType.NONE))
    world.connect()
    card = several(at, "crm", "mail", "files", "tides")
    assert card["status"] == "authorization_required"
    assert "Mail, Files" in card["prompt"]["text"]
    assert [each["server"]["id"] for each in card["servers"]] == ["mail", "files"]
    assert len({each["connect_url"] for each in card["servers"]}) == 2


def test_one_card_for_one_server_is_that_servers_own(at: Endpoint) -> None:
    card = several(at, "crm", "crm")
    [only] = card["servers"]
    assert card["prompt"] == only["prompt"]
    assert only["reason"] == "not_connected"


def test_there_is_no_card_for_who_is_connected_everywhere(at: Endpoint, world: World) -> None:
    world.connect()
    assert several(at, "crm") == {
        "status": "connected",
        "prompt": None,
        "servers": [],
        "misconfigured": [],
    }


def test_a_flagged_connection_is_on_the_card_with_its_reason(at: Endpoint, world: World) -> None:
    world.connect()
    world.flag()
    [flagged] = several(at, "crm")["servers"]
    assert flagged["reason"] == "reconnect_required"
    assert flagged["failure"]["code"] == "refresh_rejected"


def test_a_server_that_its_builder_must_mend_is_named_apart(at: Endpoint, world: World) -> None:
    fields = {**_fields(world.server), "server_id": "mail", "token_endpoint": None}
    world.register(Server(**fields))
    card = several(at, "mail")
    assert (card["status"], card["misconfigured"]) == ("connected", ["mail"])


def _fields(server: Server) -> dict[str, Any]:
    return {name: getattr(server, name) for name in server.__slots__}
