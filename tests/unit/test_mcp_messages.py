"""JSON-RPC 2.0, read strictly."""

import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.mcp.messages import VERSION, NotJsonRpc, Request, encode, find_response, parse

ID = "r1"


def answer(**members: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": ID, **members}


def test_a_request_is_written_with_an_id_of_its_own() -> None:
    first, second = Request("tools/list", {}), Request("tools/list", {})
    assert json.loads(first.encode()) == {
        "jsonrpc": "2.0",
        "id": first.id,
        "method": "tools/list",
        "params": {},
    }
    assert first.id != second.id


def test_the_id_cannot_be_taken_for_a_number() -> None:
    ids = [Request("x", {}).id for _ in range(200)]
    assert all(name[0].isalpha() and len(name) == 25 for name in ids)


def test_the_parameters_of_a_request_are_not_in_its_repr() -> None:
    assert "secret" not in repr(Request("tools/call", {"arguments": {"password": "secret"}}))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_json_does_not_have_is_not_written(value: float) -> None:
    with pytest.raises(ValueError):
        encode({"a": value})


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"<html></html>",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": -1e999}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": "\xff"}',
        b'{"a": "\xed\xa0\x80"}',
        '{"a": 1}'.encode("utf-16"),
        b'{"a": 1} trailing',
        b'{"a": 1',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 101 + b"]" * 101,
        b'{"a":' * 101 + b"1" + b"}" * 101,
    ],
)
def test_what_is_not_sound_json_is_not_read(text: bytes) -> None:
    with pytest.raises(NotJsonRpc) as refused:
        parse(text)
    assert str(refused.value) == ""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"1", 1),
        (b'\xef\xbb\xbf{"a": 1.5}', {"a": 1.5}),
        (b"[" * 100 + b"]" * 100, None),
        (b'{"a": 12345678901234567890}', {"a": 12345678901234567890}),
        (rb'"\ud83d\ude00"', "\N{GRINNING FACE}"),
        (rb'"half \ud83d"', "half \ufffd"),
        (rb'"\ude00\ud83d"', "\ufffd\ufffd"),
        (rb'{"\ud83d": ["\\ud83d", 1.25]}', {"\ufffd": [r"\ud83d", 1.25]}),
    ],
)
def test_sound_json_is_read(text: bytes, value: object) -> None:
    assert value is None or parse(text) == value


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=20))
def test_what_was_read_can_be_written_as_utf_8(value: object) -> None:
    read = parse(json.dumps(value))
    assert json.dumps(read, ensure_ascii=False).encode()


def test_the_response_to_the_request_is_found() -> None:
    response = find_response(answer(result={"a": 1}), ID)
    assert response is not None
    assert response.result == {"a": 1}


def test_a_response_is_found_in_a_batch() -> None:
    batch = [{"jsonrpc": "2.0", "method": "notifications/message"}, answer(result={})]
    assert find_response(batch, ID) is not None


def test_an_error_without_an_id_is_ours_but_not_an_echo() -> None:
    error = {"code": -32600, "message": "Bad Request"}
    for message in ({"jsonrpc": "2.0", "error": error}, {**answer(error=error), "id": None}):
        response = find_response(message, ID)
        assert response is not None
        assert response.error is not None
        assert not response.error.echoed


@pytest.mark.parametrize(
    "message",
    [
        None,
        [],
        "text",
        {},
        answer(),
        {**answer(result={}), "id": "r2"},
        {**answer(result={}), "id": None},
        {**answer(result={}), "id": 1},
        {"jsonrpc": "2.0", "result": {}},
        {**answer(result={}), "jsonrpc": "1.0"},
        {"id": ID, "result": {}},
        answer(method="ping", result={}),
        {"error": "invalid_token", "error_description": "expired"},
        {**answer(error={"code": 1, "message": ""}), "id": "r2"},
    ],
)
def test_what_does_not_answer_the_request_is_passed_over(message: object) -> None:
    assert find_response(message, ID) is None


@pytest.mark.parametrize(
    "message",
    [
        answer(result={}, error={"code": 1, "message": "x"}),
        answer(result=None),
        answer(error=None),
        answer(result=None, error=None),
        answer(result=[]),
        answer(result="text"),
        answer(error="text"),
        answer(error={}),
        answer(error={"code": "1", "message": "x"}),
        answer(error={"code": True, "message": "x"}),
        answer(error={"code": 1.5, "message": "x"}),
        answer(error={"code": 10**30, "message": "x"}),
        [answer(result={}), answer(result={})],
        [answer(result={}), {"jsonrpc": "2.0", "error": {"code": 1, "message": "x"}}],
    ],
)
def test_a_malformed_response_is_no_response(message: object) -> None:
    with pytest.raises(NotJsonRpc):
        find_response(message, ID)


def test_the_version_we_tell_is_the_projects() -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION
