"""Mistakes about the MCP server."""

import json
from collections.abc import Callable

from local.loopback import Reply, Request
from tests.e2e.mistake_bench import Bench, Mistake
from tests.e2e.stranger import NOBODY, as_json


def _of(answer: Callable[[Request], Reply]) -> Callable[[Bench], None]:
    """Make an MCP server that answers so the configured one."""
    return lambda bench: bench.put(mcp_url=bench.stranger.answers(answer))


def _is_of_another_time(request: Request) -> Reply:
    asked = json.loads(request.body or b"{}")
    if asked.get("method") != "initialize":
        return Reply(400)
    result = {"protocolVersion": "2024-06-01", "capabilities": {}, "serverInfo": {}}
    return as_json({"jsonrpc": "2.0", "id": asked["id"], "result": result})


def _wants_more(_: Request) -> Reply:
    challenge = 'Bearer error="insufficient_scope", scope="contacts.admin"'
    return as_json({"error": "insufficient_scope"}, 403, WWW_Authenticate=challenge)


def _redirects(_: Request) -> Reply:
    return Reply(307, [("Location", "https://elsewhere.example.com/mcp")])


def _wants_its_own_tokens(bench: Bench) -> None:
    bench.mcp(require_audience=True)


def _wants_its_own_tokens_and_nobody_can_tell(bench: Bench) -> None:
    bench.mcp(require_audience=True)
    bench.put(userinfo_endpoint=...)


def _has_a_wrong_key(bench: Bench) -> None:
    url = f"{bench.others.keyed_mcp_server}/{bench.journey.tenant.name}/mcp"
    keyed = {"name": "Keyed", "mcp_url": url, "auth_type": "bearer", "bearer_token": "wrong"}
    bench.journey.put(**keyed).raise_for_status()


def _has_its_tokens_made_for_somebody_else(bench: Bench) -> None:
    """And the token says so: it is a JWT."""
    bench.switch(jwt_access_token=True)
    bench.put(resource="https://api.example.com/", userinfo_endpoint=...)


MCP: tuple[Mistake, ...] = (
    Mistake("a token for another audience", "wrong_audience", _wants_its_own_tokens),
    Mistake(
        "a resource that is not the MCP server",
        "wrong_audience",
        _has_its_tokens_made_for_somebody_else,
    ),
    Mistake(
        "a refused token of which nobody knows more",
        "mcp_server_refuses_token",
        _wants_its_own_tokens_and_nobody_can_tell,
    ),
    Mistake("too few scopes for the MCP server", "mcp_scope_missing", _of(_wants_more)),
    Mistake(
        "an mcp_url with a wrong path",
        "mcp_url_wrong",
        lambda bench: bench.put(mcp_url=f"{bench.journey.tenant.url}/v2"),
    ),
    Mistake(
        "the authorization server as mcp_url",
        "mcp_url_wrong",
        lambda bench: bench.put(mcp_url=bench.at_service("/mcp")),
    ),
    Mistake("an mcp_url that redirects", "endpoint_redirects", _of(_redirects)),
    Mistake(
        "an MCP server that is down",
        "mcp_server_unreachable",
        lambda bench: bench.put(mcp_url=f"{NOBODY}/mcp"),
    ),
    Mistake("an MCP server that fails", "mcp_server_error", lambda bench: bench.mcp(mood="500")),
    Mistake(
        "a web page as MCP server",
        "html_instead_of_json",
        lambda bench: bench.mcp(mood="html"),
    ),
    Mistake("an MCP server that is too busy", "rate_limited", lambda bench: bench.mcp(mood="429")),
    Mistake("an MCP server of another time", "era_not_supported", _of(_is_of_another_time)),
    Mistake("an MCP server without tools", "no_tools", lambda bench: bench.mcp(empty_tools=True)),
    Mistake("a shared key that is wrong", "shared_key_refused", _has_a_wrong_key),
)
