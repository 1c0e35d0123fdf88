"""The MCP server of the local stack, in both eras: the SDK's client and plain HTTP against it."""

from typing import Any

import anyio
import httpx
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitRequestParams, ElicitResult

from local.authorization_server.sample_app import SampleApp
from tests.integration.local_mcp_server.conftest import MODERN, OLD, Caller, bearer, text_of

# Tools, as the SDK's client sees them


def test_the_sdks_client_finds_the_era_lists_and_calls(server: Caller) -> None:
    async def act(client: Client) -> None:
        assert client.protocol_version == server.era
        assert "list_contacts" in [tool.name for tool in (await client.list_tools()).tools]
        assert text_of(await client.call_tool("add_numbers", {"first": 2, "second": 3})) == "5"

    server.run(act)


def test_a_modern_server_serves_clients_with_a_handshake_too(modern: Caller) -> None:
    async def act(client: Client) -> None:
        assert client.protocol_version == OLD
        assert text_of(await client.call_tool("whoami")) == "alice"

    modern.run(act, mode="legacy")


def test_each_person_sees_their_own_contacts(server: Caller, app: SampleApp) -> None:
    async def names(client: Client) -> list[str]:
        content = (await client.call_tool("list_contacts")).structured_content
        assert content is not None
        return [contact["name"] for contact in content["result"]]

    alice, bob = server.run(names), server.run(names, bearer(app, "bob"))
    assert (len(alice), len(bob)) == (2, 3)
    assert not set(alice) & set(bob)
    assert {entry["sub"] for entry in server.log()} == {"person-1001", "person-1002"}


def test_calls_of_two_people_at_once_do_not_mix(server: Caller, app: SampleApp) -> None:
    async def ask(token: str, answers: list[str]) -> None:
        async with server.client(token) as client:
            answers += [text_of(await client.call_tool("whoami")) for _ in range(4)]

    async def both() -> tuple[list[str], list[str]]:
        alice: list[str] = []
        bob: list[str] = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask, server.token, alice)
            tasks.start_soon(ask, bearer(app, "bob"), bob)
        return alice, bob

    assert anyio.run(both) == (["alice"] * 4, ["bob"] * 4)


def test_failures_sizes_and_structures_arrive_as_they_are(server: Caller) -> None:
    async def act(client: Client) -> None:
        failed = await client.call_tool("fail")
        assert (failed.is_error, "closed" in text_of(failed)) == (True, True)
        assert len(text_of(await client.call_tool("big", {"size": 100_000}))) == 100_000
        card = await client.call_tool("contact_card", {"name": "Ada Ferry"})
        assert card.structured_content is not None
        assert card.structured_content["email"] == "ada.ferry@example.com"

    server.run(act)


def test_a_slow_tool_reports_progress(server: Caller) -> None:
    async def act(client: Client) -> int:
        steps = []

        async def note(progress: float, total: float | None, message: str | None) -> None:
            steps.append(progress)

        await client.call_tool("slow", {"seconds": 0.05}, progress_callback=note)
        return len(steps)

    assert server.run(act) == 10


def test_confirm_asks_the_person_in_between(server: Caller) -> None:
    async def agree(_context: Any, _params: ElicitRequestParams) -> ElicitResult:
        return ElicitResult(action="accept", content={"sure": True})

    async def act(client: Client) -> str:
        return text_of(await client.call_tool("confirm", {"question": "Sail?"}))

    assert server.run(act, elicitation_callback=agree) == "Sail? Yes, says alice."


# Eras


def test_a_modern_answer_is_one_json_object_and_has_no_session(modern: Caller) -> None:
    answer = modern.call("whoami")
    assert answer.headers["Content-Type"] == "application/json"
    assert "Mcp-Session-Id" not in answer.headers
    assert answer.json()["result"]["resultType"] == "complete"


@pytest.mark.parametrize("form", ["json", "sse"])
def test_answers_can_be_json_or_a_stream(server: Caller, form: str) -> None:
    server.switch(answer_form=form)

    async def act(client: Client) -> str:
        return text_of(await client.call_tool("whoami"))

    assert server.run(act) == "alice"
    if server.era == MODERN:
        types = {"json": "application/json", "sse": "text/event-stream"}
        assert server.call("whoami").headers["Content-Type"] == types[form]


def test_an_argument_may_have_to_be_mirrored_in_a_header(modern: Caller) -> None:
    answer = modern.call("find_contacts", region="north")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32020)
    call = {"name": "find_contacts", "arguments": {"region": "north"}}
    assert "Ada Ferry" in modern.send("tools/call", call, {"Mcp-Param-Region": "north"}).text


def test_input_is_required_only_of_who_can_ask(modern: Caller) -> None:
    answer = modern.call("confirm", question="Sail?")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32021)


def test_an_old_server_turns_a_modern_request_away(old: Caller, ports: dict[str, int]) -> None:
    sessions = {"Mcp-Session-Id": old.open_session()["Mcp-Session-Id"]}
    call = {"name": "whoami", "arguments": {}}
    for answer, reason in (
        (old.call("whoami"), "Missing session ID"),
        (old.send("tools/call", call, sessions), "Unsupported protocol version: 2026-07-28"),
        (Caller(ports["none"]).call("whoami"), "Unsupported protocol version: 2026-07-28"),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32600)
        assert reason in answer.text


@pytest.mark.parametrize("status", [200, 404, 405, 406, 415, 422])
def test_old_servers_turn_it_away_in_many_ways(old: Caller, status: int) -> None:
    old.switch(modern_refusal=status)
    answer = old.call("whoami")
    assert answer.status_code == status
    assert ("not initialized" in answer.text) == (status == 200)


def test_a_server_can_lose_its_sessions(old: Caller) -> None:
    async def act(client: Client) -> None:
        await client.call_tool("whoami")
        assert old.control("POST", "/forget-sessions") == {"forgotten": 1}
        with pytest.raises(MCPError):
            await client.call_tool("whoami")

    old.run(act)
    assert [entry["status"] for entry in old.log() if entry["tool"]] == [200, 404]


# Tenants, switches, log


@pytest.mark.parametrize(
    ("mood", "status", "sign"),
    [
        ("html", 200, "<h1>"),
        ("nonsense", 200, '{"jsonrpc": "2.0", '),
        ("wrong_id", 200, "somebody-else"),
        ("broken_stream", 200, ": still here"),
        ("404", 404, "no"),
        ("429", 429, "no"),
        ("500", 500, "no"),
    ],
)
def test_a_mood_shows_where_and_as_long_as_it_shall(
    modern: Caller, mood: str, status: int, sign: str
) -> None:
    modern.switch(mood=mood, mood_count=1, mood_methods=["tools/call"])
    assert modern.send("tools/list", {}).is_success
    answer = modern.call("whoami")
    assert (answer.status_code, sign in answer.text) == (status, True)
    assert ("Retry-After" in answer.headers) == (mood == "429")
    assert "alice" in modern.call("whoami").text
    assert [entry["mood"] for entry in modern.log()] == ["normal", mood, "normal"]


def test_a_server_can_hang_for_one_tenant_alone(modern: Caller) -> None:
    modern.switch(mood="hang")
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(modern.url, json={}, timeout=0.2)
    assert "alice" in Caller(modern.port, modern.token).call("whoami").text


def test_the_tool_list_can_be_empty_and_says_how_long_it_holds(modern: Caller) -> None:
    modern.switch(empty_tools=True, tools_ttl_ms=5000, tools_cache_scope="public")
    result = modern.send("tools/list", {}).json()["result"]
    assert (result["tools"], result["ttlMs"], result["cacheScope"]) == ([], 5000, "public")


def test_the_log_says_who_called_what_and_holds_no_token(modern: Caller) -> None:
    modern.call("whoami")
    expected = {"method": "tools/call", "tool": "whoami", "sub": "person-1001", "status": 200}
    expected |= {"mcp_method": "tools/call", "protocol_version": MODERN, "has_session": False}
    assert modern.log()[0].items() >= expected.items()
    assert modern.token not in str(modern.log())
    modern.control("DELETE", "/requests")
    assert modern.log() == []


def test_other_host_names_and_unknown_switches_are_refused(modern: Caller) -> None:
    assert httpx.get(modern.url, headers={"Host": "evil.example"}).status_code == 400
    with pytest.raises(httpx.HTTPStatusError, match="400"):
        modern.switch(moood="hang")
