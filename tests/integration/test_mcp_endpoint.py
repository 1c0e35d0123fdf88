"""The MCP endpoint's wire: both eras on one route, and what is refused."""

import base64
import json
from typing import Any

import pytest

from tests.integration.conftest import World
from tests.integration.mcp_client import (
    META,
    MODERN,
    ORIGIN,
    Endpoint,
    McpClient,
    endpoint,
    error_of,
    result_of,
)

REVISIONS = [MODERN, "2025-11-25", "2025-06-18", "2025-03-26"]


@pytest.fixture
def at(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Endpoint:
    return endpoint(world, monkeypatch, capsys)


@pytest.fixture
def client(at: Endpoint) -> McpClient:
    return at.client()


def message(method: str, **more: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, **more}


# ------------------------------------------------------------------------------------- HTTP


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS"])
def test_only_post_is_answered(client: McpClient, method: str) -> None:
    run = client.mcp(client.event(method, "", {}))
    assert (run.status, run.answer["headers"]["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://chat.example.com", 200),
        (ORIGIN, 200),
        ("https://evil.example.com", 403),
        ("http://chat.example.com", 403),
        ("https://chat.example.com.evil.example.com", 403),
        ("null", 403),
        ("", 403),
    ],
)
def test_a_page_of_another_origin_is_refused(client: McpClient, origin: str, status: int) -> None:
    assert client.post(message("ping"), {"origin": origin}).status == status


def test_a_body_over_one_megabyte_is_refused_before_anybody_is_looked_up(
    client: McpClient,
) -> None:
    run = client.post("x" * 6_000_000)
    assert (run.status, run.body["error"]) == (413, "request_too_large")
    assert run.requests == {}


def test_who_is_not_let_in_is_not_read(client: McpClient) -> None:
    client.bearer = None
    assert client.post("{").status == 401


# ---------------------------------------------------------------------------------- JSON-RPC


@pytest.mark.parametrize("body", ["{", "", '{"a":1,"a":2}', "[NaN]", "[" * 100_000])
def test_what_is_not_json_is_a_parse_error(client: McpClient, body: str) -> None:
    run = client.post(body)
    assert error_of(run) == (400, -32700)
    assert run.body["id"] is None


@pytest.mark.parametrize(
    ("body", "message_id"),
    [
        ({}, None),
        ("text", None),
        (7, None),
        ({"jsonrpc": "1.0", "id": 1, "method": "ping"}, None),
        ({"jsonrpc": "2.0", "id": 1}, None),
        ({"jsonrpc": "2.0", "id": None, "method": "ping"}, None),
        ({"jsonrpc": "2.0", "id": True, "method": "ping"}, None),
        ({"jsonrpc": "2.0", "id": {}, "method": "ping"}, None),
        ({"jsonrpc": "2.0", "id": 1, "method": 7}, 1),
        ({"jsonrpc": "2.0", "id": 1, "method": ""}, 1),
        ({"jsonrpc": "2.0", "id": 1, "result": {}, "error": {}}, None),
    ],
)
def test_what_is_no_request_is_an_invalid_request(
    client: McpClient, body: object, message_id: object
) -> None:
    run = client.post(json.dumps(body))
    assert error_of(run) == (400, -32600)
    assert run.body["id"] == message_id


def test_params_that_are_a_list_are_invalid(client: McpClient) -> None:
    assert error_of(client.post(message("ping", params=[]))) == (200, -32602)


@pytest.mark.parametrize("version", [None, *REVISIONS])
@pytest.mark.parametrize(
    "told",
    [
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}},
        {"jsonrpc": "2.0", "id": 9, "result": {}},
        {"jsonrpc": "2.0", "id": 9, "error": {"code": 1, "message": "x"}},
    ],
    ids=["initialized", "cancelled", "result", "error"],
)
def test_what_is_told_is_taken_note_of(
    client: McpClient, told: dict[str, Any], version: str | None
) -> None:
    run = client.post(told, {} if version is None else {"mcp-protocol-version": version})
    assert (run.status, run.answer["body"]) == (202, "")


def test_a_notification_of_an_unknown_revision_is_refused(client: McpClient) -> None:
    told = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    assert error_of(client.post(told, {"mcp-protocol-version": "2099-01-01"})) == (400, -32022)


# ----------------------------------------------------------------------------------- batches


def test_a_batch_of_2025_03_26_is_answered_message_by_message(client: McpClient) -> None:
    told = {"jsonrpc": "2.0", "method": "notifications/x"}
    run = client.post([message("ping"), told, message("nothing"), {"jsonrpc": "2.0"}])
    answered: Any = run.body
    assert run.status == 200
    assert answered[0]["result"] == {}
    assert [one["error"]["code"] for one in answered[1:]] == [-32601, -32600]


def test_a_batch_of_notifications_is_taken_note_of(client: McpClient) -> None:
    assert client.post([{"jsonrpc": "2.0", "method": "notifications/x"}]).status == 202


@pytest.mark.parametrize("version", REVISIONS[:3])
def test_no_later_revision_has_batches(client: McpClient, version: str) -> None:
    run = client.post([message("ping")], {"mcp-protocol-version": version})
    assert error_of(run) == (400, -32600)


@pytest.mark.parametrize(
    "batch", [[], [{}] * 21, [message("initialize", params={})]], ids=["none", "many", "start"]
)
def test_a_batch_that_may_not_be_is_refused_whole(client: McpClient, batch: list[Any]) -> None:
    assert error_of(client.post(batch)) == (400, -32600)


# -------------------------------------------------------------------------- before 2026-07-28


@pytest.mark.parametrize("version", REVISIONS[1:])
def test_initialize_agrees_on_the_clients_revision_and_gives_no_session(
    client: McpClient, version: str
) -> None:
    run = client.initialize(version)
    told = result_of(run)
    assert told["protocolVersion"] == version
    assert told["capabilities"].keys() >= {"tools"}
    assert told["serverInfo"]["title"] == "CRM"
    assert "mcp-session-id" not in {name.lower() for name in run.answer["headers"]}


@pytest.mark.parametrize("version", ["2024-11-05", "2099-01-01", ""])
def test_initialize_offers_our_latest_where_the_clients_is_not_ours(
    client: McpClient, version: str
) -> None:
    assert result_of(client.initialize(version))["protocolVersion"] == "2025-11-25"


@pytest.mark.parametrize("params", [{}, {"protocolVersion": 1, "capabilities": {}}])
def test_initialize_without_its_parameters_is_refused(
    client: McpClient, params: dict[str, Any]
) -> None:
    assert error_of(client.older("initialize", params, version=None)) == (200, -32602)


@pytest.mark.parametrize("version", [None, *REVISIONS[1:]])
def test_a_ping_is_answered(client: McpClient, version: str | None) -> None:
    assert result_of(client.older("ping", version=version)) == {}


@pytest.mark.parametrize("method", ["server/discover", "x", "resources/subscribe"])
def test_an_unknown_method_is_an_error_of_json_rpc(client: McpClient, method: str) -> None:
    assert error_of(client.older(method)) == (200, -32601)


def test_an_unknown_version_is_refused_with_those_that_we_speak(client: McpClient) -> None:
    run = client.older("ping", version="2099-01-01")
    assert error_of(run) == (400, -32022)
    assert run.body["error"]["data"] == {"supported": REVISIONS, "requested": "2099-01-01"}


# -------------------------------------------------------------------------------- 2026-07-28


def test_discover_says_what_we_speak(client: McpClient) -> None:
    told = result_of(client.modern("server/discover"))
    assert told["supportedVersions"] == REVISIONS
    assert told["capabilities"].keys() >= {"tools"}
    assert told["_meta"][f"{META}/serverInfo"]["name"] == "crm"
    assert (told["resultType"], told["cacheScope"]) == ("complete", "private")
    assert told["ttlMs"] > 0


@pytest.mark.parametrize("method", ["initialize", "ping", "x", "subscriptions/listen"])
def test_an_unknown_method_is_a_404(client: McpClient, method: str) -> None:
    assert error_of(client.modern(method)) == (404, -32601)


@pytest.mark.parametrize(
    "headers",
    [
        {"mcp_protocol_version": None},
        {"mcp_protocol_version": "2025-11-25"},
        {"mcp_method": None},
        {"mcp_method": "tools/list"},
        {"mcp_method": "tools/call,tools/call"},
        {"mcp_name": None},
        {"mcp_name": "other"},
        {"mcp_name": "=?base64?!?="},
        {"mcp_name": "=?base64?Z2V0?= "},
    ],
)
def test_headers_that_do_not_fit_the_body_are_refused(
    client: McpClient, world: World, headers: dict[str, Any]
) -> None:
    world.connect()
    run = client.modern("tools/call", {"name": "get", "arguments": {}}, **headers)
    assert error_of(run) == (400, -32020)
    assert world.mcp.requests == []


def test_a_name_may_come_encoded(client: McpClient, world: World) -> None:
    world.connect()
    encoded = f"=?base64?{base64.b64encode('höl'.encode()).decode()}?="
    run = client.modern("tools/call", {"name": "höl"}, mcp_name=encoded)
    assert result_of(run)["content"][0]["text"] == "done"


def test_a_request_of_a_later_revision_is_told_ours(client: McpClient) -> None:
    meta = {f"{META}/protocolVersion": "2099-01-01", f"{META}/clientCapabilities": {}}
    headers = {"mcp-protocol-version": "2099-01-01", "mcp-method": "tools/list"}
    run = client.post(message("tools/list", params={"_meta": meta}), headers)
    assert error_of(run) == (400, -32022)
    assert MODERN in run.body["error"]["data"]["supported"]


@pytest.mark.parametrize("meta", [None, {}, {f"{META}/protocolVersion": MODERN}, 7])
def test_a_request_without_its_envelope_is_refused(client: McpClient, meta: object) -> None:
    params = {} if meta is None else {"_meta": meta}
    headers = {"mcp-protocol-version": MODERN, "mcp-method": "tools/list"}
    run = client.post(message("tools/list", params=params), headers)
    assert error_of(run) == (400, -32602)


def test_a_cursor_is_none_of_ours(client: McpClient) -> None:
    assert error_of(client.older("tools/list", {"cursor": "x"})) == (200, -32602)
