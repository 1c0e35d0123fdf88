"""MCP clients at /mcp: the mcp SDK's own, in both eras, against the whole local stack."""

from typing import Any

import httpx
import pytest
from mcp.client.client import Client
from mcp.shared.exceptions import MCPError

from local.demo.journey import RETURN_URL, Journey
from local.deployment import Deployment
from local.mcp_clients import with_client
from tests.e2e.answers import refusal
from tests.e2e.conftest import MakeJourney

MODES = ["auto", "2026-07-28", "legacy"]
_WRITE = ["openid", "contacts.read", "contacts.write"]


async def whoami(client: Client) -> str:
    return text_of(await client.call_tool("whoami", {}))


async def tools(client: Client) -> list[str]:
    return [tool.name for tool in (await client.list_tools()).tools]


def text_of(answer: Any) -> str:
    return str(answer.content[0].text)


def completes(journey: Journey, user_id: str, connect_url: str, username: str = "alice") -> None:
    back = journey.consent(connect_url, username).query
    completed = journey.complete(user_id, back["connect_id"], back["completion_code"])
    completed.raise_for_status()


@pytest.mark.parametrize("mode", MODES)
def test_a_connected_user_works_through_any_client(journey: Journey, ana: str, mode: str) -> None:
    journey.connect(ana)
    session = journey.session(ana)
    journey.tenant.clear()
    assert with_client(session["mcp_url"], session["bearer"], whoami, mode=mode) == "alice"
    assert len(journey.tenant.requests("tools/call")) == 1
    listed = with_client(session["mcp_url"], session["bearer"], tools, mode=mode)
    assert "list_contacts" in listed


@pytest.mark.parametrize("mode", MODES)
def test_progress_reaches_any_client(journey: Journey, ana: str, mode: str) -> None:
    journey.connect(ana)
    session = journey.session(ana)
    heard: list[float] = []

    async def hears(progress: float, total: float | None, message: str | None) -> None:
        assert (total, message) == (10, None)
        heard.append(progress)

    async def act(client: Client) -> str:
        return text_of(await client.call_tool("slow", {"seconds": 0}, progress_callback=hears))

    assert with_client(session["mcp_url"], session["bearer"], act, mode=mode) == "That took 0 s."
    assert heard == [*range(10)]


def test_a_modern_client_shows_the_link_and_the_call_goes_on_by_itself(
    journey: Journey, ana: str
) -> None:
    session = journey.session(ana)
    shown: list[str] = []

    def show(url: str) -> None:
        shown.append(url)
        completes(journey, ana, url)

    said = with_client(session["mcp_url"], session["bearer"], whoami, show=show)
    assert (said, len(shown)) == ("alice", 1)


def test_a_client_of_2025_11_25_is_told_by_the_error_and_calls_again(
    journey: Journey, ana: str
) -> None:
    session = journey.session(ana)

    async def act(client: Client) -> str:
        with pytest.raises(MCPError) as refused:
            await client.call_tool("whoami", {})
        assert refused.value.error.code == -32042
        [elicitation] = refused.value.error.data["elicitations"]
        completes(journey, ana, elicitation["url"])
        return await whoami(client)

    shows: list[str] = []
    options: dict[str, Any] = {"mode": "legacy", "show": shows.append}
    assert with_client(session["mcp_url"], session["bearer"], act, **options) == "alice"


@pytest.mark.parametrize("mode", MODES)
def test_a_client_that_can_show_nothing_is_given_the_link_as_text(
    journey: Journey, ana: str, mode: str
) -> None:
    session = journey.session(ana)

    async def act(client: Client) -> str:
        assert await tools(client) == ["connect"]
        answer = await client.call_tool("connect", {})
        assert answer.is_error
        completes(journey, ana, text_of(answer).rpartition(" ")[2])
        return await whoami(client)

    assert with_client(session["mcp_url"], session["bearer"], act, mode=mode) == "alice"


def test_a_link_of_a_session_is_of_no_use_to_another_user(
    journey: Journey, ana: str, ben: str
) -> None:
    session = journey.session(ana)

    async def act(client: Client) -> str:
        return text_of(await client.call_tool("whoami", {})).rpartition(" ")[2]

    link = with_client(session["mcp_url"], session["bearer"], act)
    back = journey.consent(link, "bob").query
    assert link.startswith("http")
    stolen = journey.complete(ben, back["connect_id"], back["completion_code"])
    assert refusal(stolen) == (403, "session_mismatch")
    assert journey.connection(ana).status_code == 404


def test_a_step_up_is_asked_for_and_done(journey: Journey, ana: str) -> None:
    journey.connect(ana)
    session = journey.session(ana)

    async def act(client: Client) -> bool:
        answer = await client.call_tool("delete_contact", {"contact_id": 1})
        return bool(answer.is_error)

    def show(url: str) -> None:
        completes(journey, ana, url)

    journey.put(**journey.configuration(scopes=_WRITE)).raise_for_status()
    with_client(session["mcp_url"], session["bearer"], act, show=show)
    assert "contacts.write" in journey.connection(ana).json()["scopes"]


def test_two_sessions_are_two_users(journey: Journey, ana: str, ben: str) -> None:
    journey.connect(ana)
    journey.connect(ben, "bob")
    sessions = [journey.session(user) for user in (ana, ben)]
    said = [with_client(each["mcp_url"], each["bearer"], whoami) for each in sessions * 2]
    assert said == ["alice", "bob"] * 2


def test_an_ended_session_and_an_erased_user_are_let_in_no_more(
    journey: Journey, bound: Deployment, ana: str
) -> None:
    chat = journey.callers.chat
    ended, other = journey.session(ana), journey.session(ana)
    assert chat.delete(f"/v1/sessions/{ended['session_id']}").status_code == 204
    assert _ping(bound, journey, ended["bearer"]).status_code == 401
    assert _ping(bound, journey, other["bearer"]).status_code == 200
    chat.delete("/v1/connections", params={"user_id": ana}).raise_for_status()
    assert _ping(bound, journey, other["bearer"]).status_code == 401


def test_a_bearer_is_refused_elsewhere_and_challenged(
    journeys: MakeJourney, journey: Journey, bound: Deployment, ana: str
) -> None:
    elsewhere = journeys(journey.callers)
    elsewhere.register()
    bearer = journey.session(ana)["bearer"]
    for server, given in ((elsewhere, bearer), (journey, None), (journey, "x" * 43)):
        refused = _ping(bound, server, given)
        assert refusal(refused) == (401, "invalid_token")
        assert refused.headers["www-authenticate"] == 'Bearer error="invalid_token"'


def test_a_body_of_six_megabytes_is_refused(journey: Journey, bound: Deployment, ana: str) -> None:
    bearer = journey.session(ana)["bearer"]
    with bound.browser() as client:
        headers = {"Authorization": f"Bearer {bearer}"}
        path = f"/mcp/{journey.server_id}"
        assert client.post(path, content="x" * 6_000_000, headers=headers).status_code == 413


def test_where_sessions_are_not_bound_no_link_is_given(open_door: Journey, ana: str) -> None:
    body = {"user_id": ana, "server_ids": [open_door.server_id]}
    started = open_door.callers.chat.post("/v1/sessions", json=body).raise_for_status().json()
    url = started["mcp_urls"][open_door.server_id].replace("broker.localhost", "127.0.0.1")

    async def act(client: Client) -> str:
        return text_of(await client.call_tool("whoami", {}))

    assert "http" not in with_client(url, started["bearer"], act)


def test_one_card_for_several_servers(journeys: MakeJourney, journey: Journey, ana: str) -> None:
    another = journeys(journey.callers)
    another.register()
    ids = [journey.server_id, another.server_id]
    body = {"user_id": ana, "server_ids": ids, "return_url": RETURN_URL}
    card = journey.callers.chat.post("/v1/connections/prompt", json=body).json()
    assert [each["server"]["id"] for each in card["servers"]] == ids
    completes(another, ana, card["servers"][1]["connect_url"])
    card = journey.callers.chat.post("/v1/connections/prompt", json=body).json()
    assert [each["server"]["id"] for each in card["servers"]] == ids[:1]


def _ping(bound: Deployment, journey: Journey, bearer: str | None) -> httpx.Response:
    headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
    body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    with bound.browser() as client:
        return client.post(f"/mcp/{journey.server_id}", json=body, headers=headers)
