"""What the MCP server itself asks of an MCP client: passed on behind a handle."""

import json
from typing import Any

import pytest

from tests.fakes.services import Step, answers
from tests.integration.conftest import World
from tests.integration.mcp_client import McpClient, endpoint, error_of, result_of, said

CALL: dict[str, Any] = {"name": "get", "arguments": {"n": 1}}
FORMS: dict[str, Any] = {"elicitation": {}}
THEIRS = "canary\u2028 state ☂ =?base64?"


@pytest.fixture
def client(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> McpClient:
    return endpoint(world, monkeypatch, capsys).client()


def questions(**result: Any) -> Step:
    def step(request: Any) -> Any:
        asked_id = json.loads(request.content)["id"]
        told = {"resultType": "input_required", **result}
        return answers(200, {"jsonrpc": "2.0", "id": asked_id, "result": told})(request)

    return step


@pytest.fixture
def questioned(client: McpClient, world: World) -> McpClient:
    world.connect()
    asks = {"name": {"method": "elicitation/create", "params": {"mode": "form"}}}
    world.mcp.script.append(questions(inputRequests=asks, requestState=THEIRS))
    return client


def test_the_servers_state_goes_out_behind_a_handle_and_back_byte_for_byte(
    questioned: McpClient, world: World
) -> None:
    first = result_of(questioned.modern("tools/call", CALL, FORMS))
    assert first["inputRequests"]["name"]["params"] == {"mode": "form"}
    state = first["requestState"]
    assert "canary" not in state
    assert "canary" not in str(world.cloud.items("PendingTable"))
    given = {"name": {"action": "accept", "content": {"a": 1}}}
    again = {**CALL, "requestState": state, "inputResponses": given}
    assert result_of(questioned.modern("tools/call", again, FORMS))["content"]
    sent = json.loads(world.mcp.requests[-1].content)["params"]
    assert (sent["requestState"], sent["inputResponses"]) == (THEIRS, given)


def test_a_client_that_fills_in_no_forms_is_told_what_it_lacks(questioned: McpClient) -> None:
    run = questioned.modern("tools/call", CALL, {})
    assert error_of(run) == (400, -32021)
    assert "elicitation" in run.body["error"]["data"]["requiredCapabilities"]


DECLARED: dict[str, Any] = {
    "elicitation": {"form": {}, "url": {}},
    "sampling": {"tools": {}},
    "roots": {},
}
OTHERS: dict[str, Any] = {"extensions": {"io.example/tasks": {}}, "experimental": {"x": {}}}


def declared(world: World) -> Any:
    meta = json.loads(world.mcp.requests[-1].content)["params"]["_meta"]
    return meta["io.modelcontextprotocol/clientCapabilities"]


@pytest.mark.parametrize("method", ["tools/call", "prompts/get"])
def test_the_server_is_told_what_the_client_can_be_asked_and_nothing_else(
    client: McpClient, world: World, method: str
) -> None:
    world.connect()
    params, result = (CALL, {"content": []}) if method == "tools/call" else ({"name": "p"}, PROMPT)
    world.mcp.script += [tells(result)] * 3
    each: list[dict[str, Any]] = [{}, {"sampling": {}}, DECLARED]
    for capabilities in each:
        result_of(client.modern(method, params, capabilities | OTHERS))
        assert declared(world) == capabilities


def test_of_an_older_client_the_server_is_told_nothing(client: McpClient, world: World) -> None:
    world.connect()
    client.initialize(**DECLARED)
    result_of(client.older("tools/call", CALL))
    assert declared(world) == {}


QUESTIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a form": ({"method": "elicitation/create", "params": {}}, {"elicitation": {"form": {}}}),
    "a URL": (
        {"method": "elicitation/create", "params": {"mode": "url"}},
        {"elicitation": {"url": {}}},
    ),
    "sampling": ({"method": "sampling/createMessage", "params": {}}, {"sampling": {}}),
    "roots": ({"method": "roots/list"}, {"roots": {}}),
}


@pytest.mark.parametrize("kind", QUESTIONS)
def test_a_question_is_passed_on_to_a_client_that_declared_its_kind(
    client: McpClient, world: World, kind: str
) -> None:
    world.connect()
    question, needed = QUESTIONS[kind]
    world.mcp.script += [questions(inputRequests={"q": question})] * 2
    assert result_of(client.modern("tools/call", CALL, needed))["inputRequests"] == {"q": question}
    others = {name: DECLARED[name] for name in DECLARED if name not in needed}
    run = client.modern("tools/call", CALL, others)
    assert error_of(run) == (400, -32021)
    assert run.body["error"]["data"] == {"requiredCapabilities": needed}


def wants(request: Any) -> Any:
    required: dict[str, Any] = {"requiredCapabilities": {"sampling": {}}}
    error = {"code": -32021, "message": "evil", "data": required}
    said = {"jsonrpc": "2.0", "id": json.loads(request.content)["id"], "error": error}
    return answers(400, said)(request)


@pytest.mark.parametrize("method", ["tools/call", "prompts/get"])
def test_what_the_server_requires_of_its_client_is_said_in_its_own_code(
    client: McpClient, world: World, method: str
) -> None:
    world.connect()
    params = CALL if method == "tools/call" else {"name": "p"}
    world.mcp.script += [wants, wants]
    run = client.modern(method, params, FORMS)
    assert error_of(run) == (400, -32021)
    assert run.body["error"]["data"] == {"requiredCapabilities": {"sampling": {}}}
    assert "evil" not in str(run.body)
    run = client.older(method, params)
    assert "more input" in str(run.body)
    assert run.status == 200


def test_answers_without_a_state_are_the_servers_to_judge(client: McpClient, world: World) -> None:
    world.connect()
    given = {"name": {"action": "accept", "content": {"a": 1}}}
    result_of(client.modern("tools/call", {**CALL, "inputResponses": given}, FORMS))
    sent = json.loads(world.mcp.requests[-1].content)["params"]
    assert sent["inputResponses"] == given
    assert "requestState" not in sent


def test_an_older_client_is_told_that_it_cannot_be_asked(questioned: McpClient) -> None:
    assert "more input" in said(questioned.older("tools/call", CALL))


def test_answers_that_are_no_object_are_refused(questioned: McpClient, world: World) -> None:
    state = result_of(questioned.modern("tools/call", CALL, FORMS))["requestState"]
    again = {**CALL, "requestState": state, "inputResponses": []}
    assert error_of(questioned.modern("tools/call", again, FORMS)) == (400, -32602)
    assert len(world.mcp.requests) == 1


def test_a_state_that_is_too_large_to_keep_is_an_error(client: McpClient, world: World) -> None:
    world.connect()
    world.mcp.script.append(questions(requestState="x" * 300_001))
    assert error_of(client.modern("tools/call", CALL, FORMS)) == (200, 502)


PROMPT: dict[str, Any] = {"messages": []}
RESULTS: dict[str, dict[str, Any]] = {
    "prompts/list": {"prompts": [{"name": "p"}]},
    "resources/list": {"resources": [{"uri": "a:b", "name": "r"}]},
    "resources/templates/list": {"resourceTemplates": [{"uriTemplate": "a:{b}", "name": "t"}]},
    "prompts/get": {"messages": [{"role": "user"}]},
    "resources/read": {"contents": [{"uri": "a:b", "text": "x"}]},
    "completion/complete": {"completion": {"values": ["x"]}},
}
PARAMS: dict[str, dict[str, Any]] = {
    "prompts/get": {"name": "p"},
    "resources/read": {"uri": "a:b"},
    "completion/complete": {"ref": {"type": "ref/prompt", "name": "p"}, "argument": {}},
}


def tells(result: dict[str, Any]) -> Step:
    def step(request: Any) -> Any:
        asked = json.loads(request.content)
        return answers(200, {"jsonrpc": "2.0", "id": asked["id"], "result": result})(request)

    return step


@pytest.mark.parametrize("modern", [True, False])
@pytest.mark.parametrize("method", RESULTS)
def test_what_a_server_has_beside_tools_is_passed_through(
    client: McpClient, world: World, method: str, modern: bool
) -> None:
    world.connect()
    world.mcp.script.append(tells(RESULTS[method]))
    ask = client.modern if modern else client.older
    result = result_of(ask(method, PARAMS.get(method)))
    assert {key: result[key] for key in RESULTS[method]} == RESULTS[method]
    assert ("cacheScope" in result) == (
        modern and method.rsplit("/", maxsplit=1)[-1] in {"list", "read"}
    )
    assert world.mcp.methods == [method]
    sent = json.loads(world.mcp.requests[0].content)["params"]
    assert {key: sent[key] for key in PARAMS.get(method, {})} == PARAMS.get(method, {})


@pytest.mark.parametrize("method", ["prompts/list", "resources/list", "resources/templates/list"])
def test_before_the_user_connects_these_lists_are_empty(client: McpClient, method: str) -> None:
    [entries] = result_of(client.older(method)).values()
    assert entries == []


@pytest.mark.parametrize("method", ["prompts/get", "resources/read"])
def test_what_needs_the_user_asks_for_them(client: McpClient, method: str) -> None:
    result = result_of(client.modern(method, PARAMS[method], {"elicitation": {"url": {}}}))
    assert result["resultType"] == "input_required"
    run = client.older(method, PARAMS[method])
    assert error_of(run) == (200, 403)
    assert "/authorize?ticket=" in run.body["error"]["message"]


def test_a_completion_does_not_prompt(client: McpClient) -> None:
    method = "completion/complete"
    assert result_of(client.older(method, PARAMS[method])) == {"completion": {"values": []}}


@pytest.mark.parametrize(
    ("method", "theirs", "ours"),
    [
        ("resources/read", -32602, [(400, -32602), (200, -32602)]),
        ("resources/read", -32002, [(400, -32602), (200, -32002)]),
        ("prompts/get", -32602, [(400, -32602), (200, -32602)]),
        ("prompts/get", -32002, [(200, 502), (200, 502)]),
        ("completion/complete", -32602, [(400, -32602), (200, -32602)]),
        ("resources/read", -32603, [(200, 502), (200, 502)]),
    ],
)
def test_a_name_that_the_server_does_not_know_is_said_in_the_clients_code(
    client: McpClient, world: World, method: str, theirs: int, ours: list[tuple[int, int]]
) -> None:
    world.connect()

    def unknown(request: Any) -> Any:
        error = {"code": theirs, "message": "evil"}
        said = {"jsonrpc": "2.0", "id": json.loads(request.content)["id"], "error": error}
        return answers(200, said)(request)

    world.mcp.script += [unknown, unknown]
    runs = (client.modern(method, PARAMS[method]), client.older(method, PARAMS[method]))
    for run, wanted in zip(runs, ours, strict=True):
        assert error_of(run) == wanted
        data = run.body["error"]["data"]
        named = method == "resources/read" and wanted[1] != 502
        assert data.get("uri") == ("a:b" if named else None)
        assert "evil" not in str(run.body)
