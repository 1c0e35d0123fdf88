"""Headers that mirror the body (2026-07-28, Streamable HTTP, Request Metadata)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.shared.inbound import (
    decode_header_value,
    encode_header_value,
    find_invalid_x_mcp_header,
    validate_mcp_param_headers,
    x_mcp_header_map,
)

from broker.mcp.headers import annotations, disagreeing, encode_value, param_headers


@pytest.mark.parametrize(
    ("text", "value"),
    [
        # Value Encoding: the specification's own table
        ("us-west1", "us-west1"),
        ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
        (" padded ", "=?base64?IHBhZGRlZCA=?="),
        ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
        ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
        ("", ""),
        ("a b", "a b"),
        ("tab\there", "=?base64?dGFiCWhlcmU=?="),
    ],
)
def test_a_value_is_encoded_where_it_would_not_survive(text: str, value: str) -> None:
    assert encode_value(text) == value


@given(st.text(st.characters(exclude_categories=["Cs"])) | st.from_regex(r"=\?base64\?.*\?="))
def test_the_sdk_encodes_and_decodes_alike(text: str) -> None:
    assert encode_value(text) == encode_header_value(text)
    assert decode_header_value(encode_value(text)) == text


def test_a_text_that_is_not_one_is_refused() -> None:
    with pytest.raises(ValueError):
        encode_value("\ud800")


def schema(**properties: object) -> dict[str, object]:
    return {"type": "object", "properties": properties}


REGION = {"type": "string", "x-mcp-header": "Region"}
VALID = [
    ({"type": "object"}, {}),
    (schema(region=REGION), {("region",): "Region"}),
    (schema(a=schema(b={"type": "integer", "x-mcp-header": "B"})), {("a", "b"): "B"}),
    (schema(**{"x-mcp-header": {"type": "string"}}), {}),
    (schema(a={"type": "string", "default": {"x-mcp-header": "B"}}), {}),
    (None, {}),
]
INVALID = [
    {"type": "string", "x-mcp-header": "Root"},
    schema(a={"type": "number", "x-mcp-header": "A"}),
    schema(a={"type": "object", "x-mcp-header": "A"}),
    schema(a={"type": ["string", "null"], "x-mcp-header": "A"}),
    schema(a={"x-mcp-header": "A"}),
    schema(a={"type": "string", "x-mcp-header": ""}),
    schema(a={"type": "string", "x-mcp-header": "A B"}),
    schema(a={"type": "string", "x-mcp-header": "A\r\nX: y"}),
    schema(a={"type": "string", "x-mcp-header": "Ä"}),
    schema(a={"type": "string", "x-mcp-header": 1}),
    schema(a={"type": "string", "x-mcp-header": None}),
    schema(a=REGION, b={"type": "string", "x-mcp-header": "REGION"}),
    schema(a={"type": "array", "items": REGION}),
    {"allOf": [schema(a=REGION)]},
    {"anyOf": [REGION]},
    {"if": schema(a=REGION)},
    {"$defs": {"r": REGION}},
    {"patternProperties": {".*": REGION}},
    {"additionalProperties": REGION},
]


@pytest.mark.parametrize(("tool_schema", "names"), VALID)
def test_annotations_are_found_on_the_chain_of_properties(
    tool_schema: object, names: object
) -> None:
    assert annotations(tool_schema) == names
    assert find_invalid_x_mcp_header(tool_schema) is None
    assert x_mcp_header_map(tool_schema) == names


@pytest.mark.parametrize("tool_schema", INVALID)
def test_an_invalid_annotation_makes_the_tool_invalid(tool_schema: object) -> None:
    assert annotations(tool_schema) is None
    assert find_invalid_x_mcp_header(tool_schema) is not None


def test_a_deep_schema_is_walked_without_recursion() -> None:
    deep: dict[str, object] = {}
    for _ in range(5000):
        deep = {"not": deep}
    assert annotations(deep) == {}


MIRRORED = schema(
    s={"type": "string", "x-mcp-header": "S"},
    i={"type": "integer", "x-mcp-header": "I"},
    b={"type": "boolean", "x-mcp-header": "B"},
    o=schema(n={"type": "string", "x-mcp-header": "N"}),
)


@pytest.mark.parametrize(
    ("arguments", "headers"),
    [
        ({}, {}),
        ({"s": "x", "other": 1}, {"Mcp-Param-S": "x"}),
        ({"s": "ü"}, {"Mcp-Param-S": "=?base64?w7w=?="}),
        ({"s": "a\r\nX: y"}, {"Mcp-Param-S": "=?base64?YQ0KWDogeQ==?="}),
        ({"s": ""}, {"Mcp-Param-S": ""}),
        ({"s": None}, {}),
        ({"s": ["x"]}, {}),
        ({"i": 42}, {"Mcp-Param-I": "42"}),
        ({"i": -7}, {"Mcp-Param-I": "-7"}),
        ({"i": 42.0}, {"Mcp-Param-I": "42"}),
        ({"i": 10**400}, {"Mcp-Param-I": str(10**400)}),
        ({"i": 10**5000}, {}),
        ({"b": True}, {"Mcp-Param-B": "true"}),
        ({"b": False}, {"Mcp-Param-B": "false"}),
        ({"o": {"n": "deep"}}, {"Mcp-Param-N": "deep"}),
        ({"o": "n"}, {}),
    ],
)
def test_arguments_are_mirrored_as_the_schema_asks(
    arguments: dict[str, object], headers: dict[str, str]
) -> None:
    assert param_headers(MIRRORED, arguments) == headers
    assert validate_mcp_param_headers(MIRRORED, arguments, headers) is None


def test_an_invalid_schema_mirrors_nothing() -> None:
    assert param_headers(INVALID[0], {"a": "x"}) == {}


ARGUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "s": st.none() | st.sampled_from(["x", "3", ""]) | st.just(["x"]),
        "i": st.none() | st.integers(-5, 5) | st.sampled_from([3.0, 3.5, 10**20]),
        "b": st.none() | st.booleans(),
        "o": st.none() | st.fixed_dictionaries({}, optional={"n": st.sampled_from(["x", "y"])}),
    },
)
SAID = st.sampled_from(
    ["x", "3", "3.0", "3.5", "-0", "", "true", "x,x", "=?base64?eA==?=", "=?base64?!?="]
)


@given(
    ARGUMENTS,
    st.dictionaries(st.sampled_from(["Mcp-Param-S", "mcp-param-i", "Mcp-Param-B", "x"]), SAID),
)
def test_the_sdk_finds_the_same_headers_to_disagree(
    arguments: dict[str, object], headers: dict[str, str]
) -> None:
    given = {
        name.lower().removeprefix("mcp-param-"): decode_header_value(value)
        for name, value in headers.items()
    }
    theirs = validate_mcp_param_headers(MIRRORED, arguments, headers)
    ours = disagreeing(MIRRORED, arguments, given)
    assert (ours is None) is (theirs is None)


@given(ARGUMENTS)
def test_what_we_mirror_agrees_with_itself(arguments: dict[str, object]) -> None:
    given = {
        name.lower().removeprefix("mcp-param-"): decode_header_value(value)
        for name, value in param_headers(MIRRORED, arguments).items()
    }
    assert disagreeing(MIRRORED, arguments, given) is None
