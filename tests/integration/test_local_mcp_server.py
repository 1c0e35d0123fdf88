"""The MCP server of the local stack, in both eras: the SDK's client and plain HTTP against it."""

import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import anyio
import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, ElicitRequestParams, ElicitResult, TextContent

from local.authorization_server.sample_app import SampleApp
from local.mcp_server.sample_caller import SampleCaller
from local.processes import Child, Children

MODERN, OLD = "2026-07-28", "2025-11-25"


@dataclass(slots=True)
class Caller(SampleCaller):
    """A caller who has the SDK's own client as well."""

    era: str = MODERN

    @contextlib.asynccontextmanager
    async def client(self, token: str = "", **options: Any) -> AsyncIterator[Client]:
        token = token or self.token
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        async with (
            httpx2.AsyncClient(headers=bearer, trust_env=False) as http,
            Client(streamable_http_client(self.url, http_client=http), **options) as client,
        ):
            yield client

    def run(self, act: Callable[[Client], Awaitable[Any]], token: str = "", **options: Any) -> Any:
        async def connected() -> Any:
            async with self.client(token, **options) as client:
                return await act(client)

        return anyio.run(connected)


@pytest.fixture(scope="module")
def children(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., int]]:
    logs = tmp_path_factory.mktemp("local")
    with Children() as running:

        def start(module: str, *arguments: str) -> int:
            log = logs / f"{secrets.token_hex(4)}.log"
            child: Child = running.start_module(module, *arguments, log=log, env={})
            port: int = child.announced()["port"]
            return port

        yield start
    assert not [log for log in logs.iterdir() if "Traceback" in log.read_text()]


@pytest.fixture(scope="module")
def app(children: Callable[..., int]) -> Iterator[SampleApp]:
    app = SampleApp(children("local.authorization_server"))
    yield app
    app.close()


@pytest.fixture(scope="module")
def ports(children: Callable[..., int], app: SampleApp) -> dict[str, int]:
    auth = ["--introspection", f"{app.issuer}/introspect", "--issuer", app.issuer]
    return {
        MODERN: children("local.mcp_server", *auth),
        OLD: children("local.mcp_server", "--era", OLD, *auth),
        "key": children("local.mcp_server", "--auth", "bearer:k-1"),
        "none": children("local.mcp_server", "--auth", "none", "--era", OLD, "--stateless"),
    }


@pytest.fixture(params=[MODERN, OLD])
def server(request: pytest.FixtureRequest, ports: dict[str, int], app: SampleApp) -> Caller:
    return Caller(ports[request.param], bearer(app), era=request.param)


@pytest.fixture
def modern(ports: dict[str, int], app: SampleApp) -> Caller:
    return Caller(ports[MODERN], bearer(app))


@pytest.fixture
def old(ports: dict[str, int], app: SampleApp) -> Caller:
    return Caller(ports[OLD], bearer(app), era=OLD)


def bearer(app: SampleApp, username: str = "alice", **more: str) -> str:
    token: str = app.tokens(username, **more)["access_token"]
    return token


def text_of(result: CallToolResult) -> str:
    assert isinstance(result.content[0], TextContent)
    return result.content[0].text


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


# Who may call


@pytest.mark.parametrize("token", ["", "nonsense"])
def test_without_a_living_token_the_way_to_one_is_shown(
    modern: Caller, app: SampleApp, token: str
) -> None:
    modern.token = token
    answer = modern.call("whoami")
    challenge = answer.headers["WWW-Authenticate"]
    assert answer.status_code == 401
    assert ('error="invalid_token"' in challenge) == bool(token)
    assert 'scope="contacts.read"' in challenge
    metadata = httpx.get(challenge.partition('resource_metadata="')[2].partition('"')[0]).json()
    assert (metadata["resource"], metadata["authorization_servers"]) == (modern.url, [app.issuer])


@pytest.mark.parametrize("action", ["/tokens/expire", "/grants/revoke"])
def test_a_token_that_dies_is_refused_at_the_next_call(
    modern: Caller, app: SampleApp, action: str
) -> None:
    assert modern.call("whoami").status_code == 200
    app.control("POST", action, json={"client_id": app.client_id, "username": "alice"})
    assert modern.call("whoami").status_code == 401


def test_a_refresh_token_is_no_bearer(modern: Caller, app: SampleApp) -> None:
    modern.token = app.tokens()["refresh_token"]
    assert modern.call("whoami").status_code == 401


def test_a_tool_may_need_a_scope_that_the_token_lacks(modern: Caller, app: SampleApp) -> None:
    assert modern.call("delete_contact", name="Ada Ferry").status_code == 200
    modern.token = bearer(app, scope="contacts.read")
    answer = modern.call("delete_contact", name="Ada Ferry")
    assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")
    assert 'scope="contacts.write"' in answer.headers["WWW-Authenticate"]
    modern.switch(tools_by_scope=True)
    assert "delete_contact" not in modern.send("tools/list", {}).text


def test_a_token_for_another_resource_is_refused(modern: Caller, app: SampleApp) -> None:
    modern.token = bearer(app, resource="https://elsewhere.example/mcp")
    assert modern.call("whoami").status_code == 401
    modern.token = bearer(app, resource=modern.url)
    assert modern.call("whoami").status_code == 200
    modern.token = bearer(app)
    modern.switch(require_audience=True)
    assert modern.call("whoami").status_code == 401


def test_tokens_can_be_refused_by_switch_and_without_a_challenge(modern: Caller) -> None:
    modern.switch(reject_tokens=True, bare_401=True)
    answer = modern.call("whoami")
    assert (answer.status_code, "WWW-Authenticate" in answer.headers) == (401, False)


def test_a_session_belongs_to_who_opened_it(old: Caller, app: SampleApp) -> None:
    session, body = old.open_session(), {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
    assert old.post(body, session).status_code == 200
    old.token = bearer(app, "bob")
    assert old.post(body, session).status_code == 404


def test_a_shared_key_can_be_the_rule(ports: dict[str, int]) -> None:
    keyed = Caller(ports["key"], "k-1")
    assert "office@example.com" in keyed.call("list_contacts").text
    keyed.token = "k-2"
    answer = keyed.call("list_contacts")
    assert answer.headers["WWW-Authenticate"].startswith('Bearer error="invalid_token"')
    assert "resource_metadata" not in answer.headers["WWW-Authenticate"]


def test_no_key_can_be_the_rule(ports: dict[str, int]) -> None:
    async def act(client: Client) -> str:
        return text_of(await client.call_tool("whoami"))

    assert Caller(ports["none"]).run(act) == "nobody"


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
