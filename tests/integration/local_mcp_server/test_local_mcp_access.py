"""Who may call the MCP server of the local stack, and how the others are refused."""

import httpx
import pytest
from mcp import Client

from local.authorization_server.sample_app import SampleApp
from tests.integration.local_mcp_server.conftest import Caller, bearer, text_of


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
