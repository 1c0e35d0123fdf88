"""Whoever is sent a token may say it back; nobody else gets to read it."""

import json
from dataclasses import replace

import httpx
import pytest

from broker.model import AuthorizationRequired, AuthType, Completed, Secret
from broker.redaction import REDACTED
from broker.vault import bearer_token_place
from tests.fakes.services import answers
from tests.integration.conftest import World
from tests.integration.consents import complete, consented
from tests.integration.test_calls import invoke, tools

TOKEN = "canary-access-1"


def says(world: World, result: object) -> None:
    """Let the MCP server answer the next request with this result."""

    def step(request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)
        return answers(200, {"jsonrpc": "2.0", "id": asked["id"], "result": result})(request)

    world.mcp.script.append(step)


def test_a_result_that_quotes_the_token_is_cleaned(world: World) -> None:
    world.connect()
    says(world, {"content": [{"type": "text", "text": f"you sent {TOKEN}"}], "isError": False})
    outcome = invoke(world)
    assert isinstance(outcome, Completed)
    assert outcome.result["content"] == [{"type": "text", "text": f"you sent {REDACTED}"}]


def test_a_tool_that_is_named_after_the_token_is_cleaned(world: World) -> None:
    world.connect()
    says(world, {"tools": [{"name": f"t-{TOKEN}", "inputSchema": {"type": "object"}}]})
    assert TOKEN not in repr(list(tools(world).tools))


def test_a_scope_made_of_the_token_is_not_asked_for(world: World) -> None:
    world.connect()
    challenge = f'Bearer error="insufficient_scope", scope="{TOKEN} more"'
    world.mcp.script.append(answers(403, {}, **{"www-authenticate": challenge}))
    outcome = invoke(world)
    assert isinstance(outcome, AuthorizationRequired)
    assert "more" in outcome.scopes
    assert TOKEN not in outcome.scopes


def test_a_shared_key_is_not_told_to_users(world: World) -> None:
    key = Secret("canary-shared-key")
    sealed = world.core.vault.seal(bearer_token_place("crm"), key)
    world.server = world.register(
        replace(world.server, auth_type=AuthType.BEARER, bearer_token=sealed)
    )
    says(world, {"content": [{"type": "text", "text": key.reveal()}]})
    outcome = invoke(world)
    assert isinstance(outcome, Completed)
    assert key.reveal() not in repr(outcome.result)


@pytest.mark.parametrize("echoed", ["canary-refresh-1", "canary-client-secret"])
def test_a_scope_of_the_token_response_that_holds_a_secret_is_dropped(
    world: World, echoed: str
) -> None:
    back = consented(world)
    grant = {"access_token": TOKEN, "refresh_token": "canary-refresh-1", "expires_in": 3600}
    world.login.script.append(answers(200, {**grant, "scope": f"read {echoed}"}))
    complete(world, back)
    assert world.connection().tokens.scope == ("read",)
