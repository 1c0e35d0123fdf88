"""What a container keeps of the lists that servers give: little, whatever they hold."""

import json
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from broker.calls.learning import _MOST_MIRRORED, _mirrored
from broker.calls.memory import Memory, Owner
from broker.mcp import Era, Learned, Listing
from broker.mcp.headers import only_mirrored, param_headers

NOW = datetime(2027, 1, 1, tzinfo=UTC)
OWNER = Owner("crm", "digest", "jo", "grant")
MARK = {"type": "string", "x-mcp-header": "Region", "description": "x" * 1000, "enum": ["eu"]}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "region": MARK,
        "size": {"type": "integer", "x-mcp-header": "Size"},
        "deep": {"type": "object", "properties": {"er": {**MARK, "x-mcp-header": "Deep"}}},
        "other": {"type": "array", "items": [[]] * 50_000},
    },
    "required": ["region"],
}
ARGUMENTS = {"region": "größe", "size": 7, "deep": {"er": "b"}, "other": "x"}


def test_what_is_kept_of_a_schema_asks_for_the_same_headers() -> None:
    kept = _mirrored([{"name": "get", "inputSchema": SCHEMA}])["get"]
    assert len(json.dumps(kept)) < 400
    assert param_headers(kept, ARGUMENTS) == param_headers(SCHEMA, ARGUMENTS)
    assert len(param_headers(kept, ARGUMENTS)) == 3


@pytest.mark.parametrize("schema", [None, 7, {}, {"properties": {"a": {"x-mcp-header": "a b"}}}])
def test_of_a_schema_that_asks_for_no_header_nothing_is_kept(schema: object) -> None:
    assert only_mirrored(schema) is None
    assert _mirrored([{"name": "get", "inputSchema": schema}]) == {}


def test_a_list_that_marks_everything_is_kept_as_far_as_there_is_room() -> None:
    tools = [
        {
            "name": f"tool-{n}",
            "inputSchema": {
                "properties": {
                    f"argument-{n}-{m}": {"type": "string", "x-mcp-header": f"H-{m}"}
                    for m in range(50)
                }
            },
        }
        for n in range(1000)
    ]
    tracemalloc.start()
    try:
        kept = _mirrored(tools)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert list(kept) == [f"tool-{n}" for n in range(len(kept))]
    assert 10 < len(kept) < 40
    assert used < 16 * _MOST_MIRRORED


def test_a_list_is_kept_as_text() -> None:
    entries = ({"name": "p", "x": [[]] * 60_000},)
    listing = Listing(entries, 60_000, "private", Learned(Era.MODERN, None, "2026-07-28"))
    memory = Memory()
    tracemalloc.start()
    try:
        memory.keep_list(OWNER, "prompts/list", listing, NOW)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used < 300_000
    found = memory.listed(OWNER, "prompts/list", NOW)
    assert found
    assert [*found.entries] == [*entries]
    assert (found.ttl_ms, found.learned) == (listing.ttl_ms, listing.learned)
    assert memory.listed(OWNER, "prompts/list", NOW + timedelta(seconds=60)) is None


def test_a_shared_list_is_for_those_at_the_same_place() -> None:
    entries = ({"name": "p"},)
    listing = Listing(entries, 60_000, "public", Learned(Era.MODERN, None, "2026-07-28"))
    memory = Memory()
    mallory, bob, cid = (
        Owner("crm", "digest", name, "grant", f"https://{place}.example.com/mcp")
        for name, place in (("mallory", "evil"), ("bob", "good"), ("cid", "evil"))
    )
    memory.keep_list(mallory, "tools/list", listing, NOW)
    assert memory.listed(bob, "tools/list", NOW) is None
    assert memory.listed(cid, "tools/list", NOW)
