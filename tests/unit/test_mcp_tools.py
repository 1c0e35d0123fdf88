"""tools/list, and arguments mirrored in headers."""

import json

import httpx
import pytest

from broker.errors import McpResultTooLarge, McpServerError
from broker.mcp import Era, HeaderMismatch, Target, ToolList, ToolResult
from tests.unit.test_mcp_eras import ACCEPTED, welcome
from tests.unit.test_mcp_scripts import (
    CONTENT,
    MODERN,
    SESSION,
    URL,
    Script,
    Step,
    error,
    message,
    plain,
    result,
)

SCHEMA = {"type": "object"}


def tool(name: object, **members: object) -> dict[str, object]:
    return {"name": name, "inputSchema": SCHEMA, **members}


def page(*tools: object, **members: object) -> Step:
    return result({"tools": list(tools), **members})


def listed(script: Script, target: Target = MODERN) -> ToolList:
    found = script.client().list_tools(target, deadline=1010.0)
    assert not script.steps, "fewer requests than expected"
    return found


def names(found: ToolList) -> list[object]:
    return [entry["name"] for entry in found.tools]


def test_a_list_is_returned_as_the_server_sent_it() -> None:
    sent = tool("get", title="Get", annotations={"x": 1}, outputSchema={})
    found = listed(Script.of(page(sent, ttlMs=300_000, cacheScope="public", _meta={})))
    assert found.tools == (sent,)
    assert (found.ttl_ms, found.cache_scope) == (300_000, "public")
    assert found.learned.era is Era.MODERN


def test_a_modern_list_is_asked_for_with_its_headers() -> None:
    script = Script.of(page())
    listed(script)
    assert script.requests[0].headers["mcp-method"] == "tools/list"
    assert "mcp-name" not in script.requests[0].headers


def test_pages_are_followed_to_the_last() -> None:
    script = Script.of(
        page(tool("a"), nextCursor="2", ttlMs=500, cacheScope="public"),
        page(tool("b"), nextCursor="", ttlMs=100, cacheScope="public"),
        page(tool("c"), ttlMs=900, cacheScope="public"),
    )
    found = listed(script)
    assert names(found) == ["a", "b", "c"]
    assert (found.ttl_ms, found.cache_scope) == (100, "public")
    cursors = [json.loads(r.content)["params"].get("cursor") for r in script.requests]
    assert cursors == [None, "2", ""]


def test_one_private_page_makes_the_list_private() -> None:
    script = Script.of(page(nextCursor="2", cacheScope="public"), page(cacheScope="private"))
    assert listed(script).cache_scope == "private"


@pytest.mark.parametrize("scope", [None, "PUBLIC", "shared", 1])
def test_a_scope_that_is_not_said_is_private(scope: object) -> None:
    assert listed(Script.of(page(cacheScope=scope))).cache_scope == "private"


def test_an_older_servers_list_is_private() -> None:
    found = listed(Script.of(page(ttlMs=5, cacheScope="public")), SESSION)
    assert (found.ttl_ms, found.cache_scope) == (None, "private")


@pytest.mark.parametrize(
    ("ttl", "expected"),
    [(0, 0), (1.5, 1), (10**15, 86_400_000), (-1, None), ("5", None), (True, None), (None, None)],
)
def test_a_lifetime_is_a_number_within_a_day(ttl: object, expected: int | None) -> None:
    assert listed(Script.of(page(ttlMs=ttl))).ttl_ms == expected


@pytest.mark.parametrize("cursors", [["x", "x"], ["x", "y", "x"]])
def test_cursors_in_a_circle_are_no_list(cursors: list[str]) -> None:
    script = Script.of(*(page(tool("a"), nextCursor=cursor) for cursor in cursors))
    with pytest.raises(McpServerError) as failed:
        listed(script)
    assert failed.value.details == {"reason": "endless_list"}
    assert not script.steps


def test_a_list_of_999_pages_is_one() -> None:
    pages = [page(tool(f"t{n}"), nextCursor=str(n)) for n in range(998)]
    assert len(listed(Script.of(*pages, page(tool("last")))).tools) == 999


def test_a_list_of_1000_pages_is_refused() -> None:
    script = Script.of(*(page(tool(f"t{n}"), nextCursor=str(n)) for n in range(999)))
    with pytest.raises(McpServerError) as failed:
        listed(script)
    assert failed.value.details == {"reason": "endless_list"}
    assert not script.steps


def test_all_pages_together_are_limited() -> None:
    large = "x" * 3_000_000
    script = Script.of(page(tool("a", d=large), nextCursor="2"), page(tool("b", d=large)))
    with pytest.raises(McpResultTooLarge):
        listed(script)


def test_a_name_is_kept_once() -> None:
    found = listed(Script.of(page(tool("a", n=1), tool("b"), tool("a", n=2))))
    assert found.tools == (tool("a", n=1), tool("b"))


@pytest.mark.parametrize(
    "entry",
    [
        None,
        "text",
        {},
        tool(""),
        tool(None),
        tool(1),
        tool("x" * 257),
        tool("a\nb"),
        tool("a\0"),
        tool("a\u202eb"),
        tool(["a"]),
    ],
)
def test_a_tool_without_a_printable_name_is_left_out(entry: object) -> None:
    assert names(listed(Script.of(page(entry, tool("good"))))) == ["good"]


@pytest.mark.parametrize("name", ["a", "A.b-c_d", "ns/tool", "with blank", "größe", "x" * 128])
def test_an_unusual_name_is_kept(name: str) -> None:
    assert names(listed(Script.of(page(tool(name))))) == [name]


BAD = {"properties": {"a": {"type": "number", "x-mcp-header": "A"}}}


def test_a_tool_with_an_invalid_annotation_is_left_out() -> None:
    assert names(listed(Script.of(page(tool("a", inputSchema=BAD), tool("b"))))) == ["b"]


def test_to_an_older_server_an_annotation_means_nothing() -> None:
    script = Script.of(page(tool("a", inputSchema=BAD)))
    assert names(listed(script, SESSION)) == ["a"]


@pytest.mark.parametrize(
    "step",
    [
        result({}),
        result({"tools": {}}),
        result({"tools": None}),
        plain(200, "<html>"),
        result({"tools": [], "resultType": "input_required"}),
    ],
)
def test_what_is_no_list_is_an_error(step: Step) -> None:
    with pytest.raises(McpServerError):
        listed(Script.of(step))


def test_the_pages_of_an_older_server_are_read_in_one_session() -> None:
    script = Script.of(
        plain(400), welcome(), ACCEPTED, page(tool("a"), nextCursor="2"), page(tool("b"))
    )
    found = listed(script, Target(URL, {}))
    assert names(found) == ["a", "b"]
    assert found.learned.era is Era.SESSIONS
    assert [r.headers.get("mcp-session-id") for r in script.requests[2:]] == ["s-9"] * 3


MIRRORED = {
    "type": "object",
    "properties": {"a": {"type": "integer", "x-mcp-header": "Amount"}},
}
MISMATCH = error(-32020, 400)


def checking(request: httpx.Request) -> httpx.Response:
    if request.headers.get("mcp-param-amount") == "1":
        return httpx.Response(200, json=message(request, result=CONTENT))
    return MISMATCH(request)


def test_an_argument_is_mirrored_as_the_known_schema_asks() -> None:
    script = Script.of(checking)
    script.call(input_schema=MIRRORED)
    assert script.sent == ["tools/call"]


@pytest.mark.parametrize("target", [MODERN, Target(URL, {})], ids=["known", "unknown"])
def test_without_the_schema_it_is_listed_and_the_call_made_once_more(target: Target) -> None:
    script = Script.of(checking, page(tool("get", inputSchema=MIRRORED)), checking)
    assert script.call(target).outcome == ToolResult(CONTENT)
    assert script.sent == ["tools/call", "tools/list", "tools/call"]


def test_the_call_is_made_once_more_only() -> None:
    script = Script.of(MISMATCH, page(tool("get", inputSchema=MIRRORED)), MISMATCH)
    script.fails(HeaderMismatch)


@pytest.mark.parametrize("entry", [tool("other", inputSchema=MIRRORED), tool("get")])
def test_without_news_the_call_is_not_made_again(entry: object) -> None:
    script = Script.of(MISMATCH, page(entry))
    assert script.fails(HeaderMismatch).details == {"upstream_status": 400, "code": -32020}
    assert script.sent == ["tools/call", "tools/list"]


@pytest.mark.parametrize("status", [200, 404, 500])
def test_a_mismatch_that_is_no_400_proves_nothing(status: int) -> None:
    script = Script.of(error(-32020, status))
    assert not isinstance(script.fails(McpServerError), HeaderMismatch)


def test_to_an_older_server_nothing_is_mirrored() -> None:
    script = Script.of(result())
    script.call(SESSION, input_schema=MIRRORED)
    assert "mcp-param-amount" not in script.requests[0].headers
