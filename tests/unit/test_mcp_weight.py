"""An answer of few bytes that Python makes many of is one that is too large."""

import json
import tracemalloc
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from broker.errors import AnswerTooLarge, McpResultTooLarge
from broker.mcp import ToolResult
from broker.mcp.messages import parse
from broker.mcp.weight import _STRETCH, _STRING, CAP, weigh
from tests.unit.test_mcp_scripts import (
    MODERN,
    SESSION,
    Script,
    Step,
    message,
    plain,
    result,
    stream,
)

SIZE = 3_900_000
DENSE = {
    "lists": "[],",
    "objects": "{},",
    "nested lists": "[[[[]]]],",
    "lists of one": "[0],",
    "objects of one": '{"":0},',
    "numbers": "0,",
    "short texts": '"ab",',
}
MEMORY = 32_000_000
"""Bytes that the largest answer that is taken may be while it is read."""
DISTINCT: dict[str, Callable[[int], str]] = {
    "objects of one, each with its own key": lambda n: f'{{"{n:x}":1000}}',
    "objects of two": lambda n: f'{{"{n:x}":1000,"{n:x}.":1.5}}',
    "objects of six": lambda n: "{" + ",".join(f'"{n:x}.{m}":300' for m in range(6)) + "}",
    "objects of texts": lambda _: '{"":"\\u4e00"}',
}


def dense(unit: str, size: int = SIZE) -> str:
    return "[" + (unit * (size // len(unit)))[:-1] + "]"


def densest(unit: str) -> str:
    """Return as much of it as is taken."""
    parts, values = unit.count("[") + unit.count("{"), unit.count(",")
    return dense(unit, len(unit) * (CAP // max(len(unit), 64 * parts, 24 * values)) - 100)


@pytest.mark.parametrize("unit", DENSE.values(), ids=DENSE)
def test_a_dense_answer_is_too_large_before_it_is_parsed(unit: str) -> None:
    with pytest.raises(AnswerTooLarge):
        weigh(dense(unit))


@pytest.mark.parametrize("unit", [*DENSE.values(), '{"id":1,"name":"x","v":2.5},'])
def test_what_is_taken_holds_no_more_memory_than_a_large_text(unit: str) -> None:
    _check_memory(densest(unit))


@pytest.mark.parametrize("unit", DISTINCT.values(), ids=DISTINCT)
def test_what_is_taken_of_distinct_parts_holds_no_more_either(unit: Callable[[int], str]) -> None:
    sample = unit(CAP)
    heaviest = max(64 * sample.count("{"), 24 * (sample.count(",") + 1), len(sample) + 1)
    _check_memory("[" + ",".join(map(unit, range(CAP // heaviest - 10))) + "]")


def test_one_object_of_many_members_holds_no_more_either() -> None:
    count = CAP // 24 - 10
    _check_memory("{" + ",".join(f'"{n:x}":{n + 300}' for n in range(count)) + "}")


def test_half_an_emoji_costs_half_a_copy_more() -> None:
    text = json.dumps({"text": "\N{GRINNING FACE}" + "x" * (CAP - 200)}, ensure_ascii=False)
    whole, cut_off = (text.replace('"}', f'{end}"}}').encode() for end in ("", "\\ud83d"))
    assert _peak(cut_off) < 1.5 * _peak(whole)


def _check_memory(text: str) -> None:
    assert CAP * 0.9 < weigh(text) <= CAP
    assert _peak(text.encode()) < MEMORY


def _peak(body: bytes) -> int:
    """Return the most that is needed from the bytes of an answer on, those included."""
    tracemalloc.start()
    try:
        weigh(body.decode("latin-1"))
        parse(body)
        return len(body) + tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_what_stands_in_a_text_weighs_nothing() -> None:
    rows = json.dumps([{'"': n} for n in range(80_000)])
    text = json.dumps({"content": [{"type": "text", "text": rows}]})
    assert rows.count("{") * 64 > len(text)
    assert weigh(text) == len(text)


def test_a_usual_answer_weighs_what_it_is_long() -> None:
    tools = [
        {
            "name": f"tool_{n}",
            "description": "Says, among other things, what it does." * 5,
            "inputSchema": {"type": "object", "properties": {"a": {"type": "string"}}},
        }
        for n in range(9_000)
    ]
    text = json.dumps({"tools": tools})
    assert weigh(text) == len(text)


@pytest.mark.parametrize(
    "text", ['"' + '\\"' * 100_000, '["' + "\\" * 100_001, '"a' * 100_001, '"' * 100_001, "[" * 99]
)
def test_a_text_that_does_not_end_is_read_once(text: str) -> None:
    stretches = [match[0] for match in _STRETCH.finditer(text)]
    assert "".join(stretches) == text
    outside = "".join(_STRING.sub("", stretch) for stretch in stretches)
    assert '"' not in outside
    weigh(text)


def test_a_text_of_many_stretches_is_weighed_whole() -> None:
    text = dense('{"a":"}{"},', 2_000_000)
    with pytest.raises(AnswerTooLarge):
        weigh(text)
    assert weigh(text, 8 * CAP) == 64 * (text.count('{"a"') + 1)


def within(value: str) -> Step:
    """Answer with a result that holds a JSON text as it is."""

    def step(request: Any) -> Any:
        whole = json.dumps(message(request, result={"content": [], "structuredContent": "@"}))
        return plain(200, whole.replace('"@"', value))(request)

    return step


def test_a_dense_result_is_one_that_is_too_large() -> None:
    Script.of(within(dense("[],", 400_000))).fails(McpResultTooLarge, MODERN)


def test_a_dense_result_in_a_stream_is_one_that_is_too_large() -> None:
    value: Mapping[str, Any] = {"result": {"content": [], "structuredContent": [[]] * 120_000}}
    Script.of(stream(value)).fails(McpResultTooLarge, SESSION)


def test_a_result_that_is_less_dense_is_passed_on() -> None:
    rows = [{"id": n} for n in range(50_000)]
    called = Script.of(result({"content": [], "structuredContent": {"rows": rows}})).call(MODERN)
    assert isinstance(called.outcome, ToolResult)
    assert called.outcome.result["structuredContent"] == {"rows": rows}


@pytest.mark.parametrize("kind", [result, lambda page: stream({"result": page})])
def test_the_pages_of_a_list_are_weighed_together(kind: Any) -> None:
    tool = {"name": "t", "inputSchema": {"x": [[]] * 30_000}}
    pages = [kind({"tools": [tool], "nextCursor": str(n)}) for n in range(3)]
    script = Script.of(*pages)
    with pytest.raises(McpResultTooLarge):
        script.client().list_tools(MODERN, deadline=1010.0)
    assert len(script.requests) == 3
