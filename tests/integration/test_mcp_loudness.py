"""Progress and lines of a log reach MCP clients before the answer, in one stream."""

import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from tests.fakes.services import Step
from tests.integration.conftest import World
from tests.integration.mcp_client import META, McpClient, endpoint, error_of, result_of
from tests.integration.whole import Run

CALL: dict[str, Any] = {"name": "get", "arguments": {}}
BOTH: dict[str, Any] = {"accept": "application/json, text/event-stream"}
LEVEL = f"{META}/logLevel"


@pytest.fixture
def client(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> McpClient:
    world.connect()
    return endpoint(world, monkeypatch, capsys).client()


def tells(*levels: str, **result: Any) -> Step:
    """Answer in a stream: lines that quote the token, progress, the result."""

    def step(request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)
        sent_with = request.headers["authorization"]
        token = asked["params"].get("_meta", {}).get("progressToken")
        said: list[dict[str, Any]] = [
            {"method": "notifications/message", "params": {"level": level, "data": sent_with}}
            for level in levels
        ]
        if token is not None:
            progress = {"progressToken": token, "progress": 1, "message": "half"}
            said.append({"method": "notifications/progress", "params": progress})
        said.append({"id": asked["id"], "result": result or {"content": []}})
        text = "".join(f"data: {json.dumps({'jsonrpc': '2.0', **one})}\n\n" for one in said)
        headers = {"content-type": "text/event-stream"}
        return httpx.Response(200, headers=headers, content=text.encode())

    return step


def call(client: McpClient, meta: Mapping[str, Any] | None = None, **headers: Any) -> Run:
    """Call as a client of 2026-07-28."""
    envelope = {f"{META}/protocolVersion": "2026-07-28", f"{META}/clientCapabilities": {}}
    params = {**CALL, "_meta": {**envelope, **(meta or {})}}
    return client.modern("tools/call", params, **(BOTH | headers))


def older(client: McpClient, params: Mapping[str, Any]) -> Run:
    body = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}
    return client.post(body, {"mcp-protocol-version": "2025-11-25", **BOTH})


def events(run: Run) -> list[dict[str, Any]]:
    assert run.status == 200, run.answer
    assert run.answer["headers"]["Content-Type"] == "text/event-stream"
    told: list[dict[str, Any]] = []
    for event in run.answer["body"].removesuffix("\n\n").split("\n\n"):
        first, data = event.split("\n")
        assert first == "event: message"
        told.append(json.loads(data.removeprefix("data: ")))
    assert {each["jsonrpc"] for each in told} == {"2.0"}
    return told


def test_progress_comes_before_the_answer_under_the_clients_own_token(
    client: McpClient, world: World
) -> None:
    world.mcp.script.append(tells())
    progress, answer = events(call(client, {"progressToken": "mine"}))
    assert progress["method"] == "notifications/progress"
    assert progress["params"] == {"progressToken": "mine", "progress": 1, "message": "half"}
    assert answer["result"] == {"resultType": "complete", "content": []}
    sent = json.loads(world.mcp.requests[-1].content)["params"]["_meta"]
    assert sent["progressToken"] != "mine"


def test_an_older_client_is_told_too(client: McpClient, world: World) -> None:
    world.mcp.script.append(tells())
    progress, answer = events(older(client, {**CALL, "_meta": {"progressToken": 0}}))
    assert progress["params"]["progressToken"] == 0
    assert (answer["id"], answer["result"]) == (7, {"content": []})


def test_for_an_older_client_a_server_is_asked_for_its_log(client: McpClient, world: World) -> None:
    world.mcp.script.append(tells("info"))
    log, _ = events(older(client, CALL))
    assert log["params"]["level"] == "info"
    assert json.loads(world.mcp.requests[-1].content)["params"]["_meta"][LEVEL] == "info"


def test_without_anything_said_the_answer_is_json(client: McpClient) -> None:
    run = call(client, {"progressToken": "mine"})
    assert run.answer["headers"]["Content-Type"] == "application/json"


@pytest.mark.parametrize("accept", ["application/json", "*/*", ""])
def test_a_client_that_takes_no_stream_gets_the_answer_alone(
    client: McpClient, world: World, accept: str
) -> None:
    world.mcp.script.append(tells("error"))
    run = call(client, {"progressToken": "mine", LEVEL: "debug"}, accept=accept)
    assert result_of(run)["content"] == []


def test_a_token_that_is_none_is_no_token(client: McpClient, world: World) -> None:
    world.mcp.script.append(tells())
    run = call(client, {"progressToken": True})
    assert result_of(run)["content"] == []
    assert "progressToken" not in json.loads(world.mcp.requests[-1].content)["params"]["_meta"]


def test_prompts_say_something_on_the_way_as_well(client: McpClient, world: World) -> None:
    world.mcp.script.append(tells("info", messages=[]))
    envelope = {f"{META}/protocolVersion": "2026-07-28", f"{META}/clientCapabilities": {}}
    params = {"name": "p", "_meta": {**envelope, LEVEL: "info"}}
    told = events(client.modern("prompts/get", params, **BOTH))
    assert [one.get("method") for one in told] == ["notifications/message", None]


def test_a_question_of_the_servers_comes_after_what_it_said(
    client: McpClient, world: World
) -> None:
    world.mcp.script.append(tells("error", resultType="input_required", requestState="theirs"))
    log, asked = events(call(client, {LEVEL: "debug"}))
    assert log["params"]["level"] == "error"
    assert asked["result"]["resultType"] == "input_required"


# -------------------------------------------------------------------------- the log's levels


def levels(told: list[dict[str, Any]]) -> list[str]:
    return [each["params"]["level"] for each in told[:-1]]


def test_lines_come_from_the_level_that_was_asked_for(client: McpClient, world: World) -> None:
    world.mcp.script.append(tells("debug", "info", "warning", "shout", "emergency"))
    told = events(call(client, {LEVEL: "warning"}))
    assert levels(told) == ["warning", "emergency"]
    sent = json.loads(world.mcp.requests[-1].content)["params"]["_meta"]
    assert sent[LEVEL] == "warning"


@pytest.mark.parametrize("meta", [{}, {LEVEL: "loud"}, {LEVEL: 5}])
def test_who_asks_for_no_level_is_told_no_line(
    client: McpClient, world: World, meta: dict[str, Any]
) -> None:
    world.mcp.script.append(tells("error"))
    assert result_of(call(client, meta))["content"] == []


def test_an_older_client_sets_its_level(client: McpClient, world: World) -> None:
    everything = tells("debug", "info", "error")
    world.mcp.script += [everything, everything]
    client.initialize()
    assert levels(events(older(client, CALL))) == ["info", "error"]
    assert result_of(client.older("logging/setLevel", {"level": "error"})) == {}
    assert levels(events(older(client, CALL))) == ["error"]


def test_what_the_client_declared_outlives_its_level(
    client: McpClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.initialize(elicitation={"url": {}})
    client.older("logging/setLevel", {"level": "error"})
    world.flag()
    assert error_of(client.older("tools/call", CALL)) == (200, -32042)


@pytest.mark.parametrize("params", [{}, {"level": "loud"}, {"level": ["info"]}])
def test_a_level_that_is_none_is_refused(client: McpClient, params: dict[str, Any]) -> None:
    assert error_of(client.older("logging/setLevel", params)) == (200, -32602)


def test_a_client_of_today_has_no_such_method(client: McpClient) -> None:
    assert error_of(client.modern("logging/setLevel", {"level": "info"})) == (404, -32601)


def test_our_secrets_are_not_in_what_is_told(client: McpClient, world: World) -> None:
    world.mcp.script.append(tells("error"))
    run = call(client, {LEVEL: "debug"})
    assert world.access_token() not in run.answer["body"]
    assert events(run)[0]["params"]["data"].startswith("Bearer ")


def test_a_batch_is_answered_as_one(client: McpClient, world: World) -> None:
    world.mcp.script.append(tells())
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
    body = [{**asked, "params": {**CALL, "_meta": {"progressToken": 1}}}]
    run = client.post(body, {"mcp-protocol-version": "2025-03-26", **BOTH})
    assert run.answer["headers"]["Content-Type"] == "application/json"
    told: Any = run.body
    assert [each["result"] for each in told] == [{"content": []}]
