"""Bodies and queries are read at the door, or refused before any flow sees them."""

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.inbound.door import query, read_body, read_form, read_query
from broker.inbound.registry_requests import PutServerRequest
from broker.inbound.requests import ConsentRequest, ForUserAt
from tests.unit.inbound_events import ask, body_of, event, invoked, refusal


def test_a_body_is_read() -> None:
    assert ask(invoked, event(body_of()))["statusCode"] == 200


def test_a_base64_body_is_read() -> None:
    encoded = base64.b64encode(body_of(user_id="jö").encode()).decode()
    answer = ask(invoked, event(encoded, encoded=True))
    assert "jö" in answer["body"]


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "[]",
        '"text"',
        "null",
        "1",
        body_of()[:-1] + ',"arguments":{"a":NaN}}',
        body_of()[:-1] + ',"arguments":{"a":Infinity}}',
        body_of()[:-1] + ',"arguments":{"a":-Infinity}}',
        body_of()[:-1] + ',"arguments":{"a":1e999}}',
        body_of()[:-1] + ',"arguments":{"a":"\\ud800"}}',
        body_of()[:-1] + ',"arguments":{"\\udfff":1}}',
        body_of()[:-1] + ',"arguments":' + "[" * 200_000 + "]" * 200_000 + "}",
        body_of()[:-1] + ',"arguments":' + '{"a":' * 50_000 + "1" + "}" * 50_000 + "}",
        body_of()[:-1] + ',"arguments":{"a":' + "9" * 5000 + "}}",
    ],
    ids=range(14),
)
def test_a_body_that_is_not_a_sane_json_object_is_refused(body: str) -> None:
    refusal(invoked, event(body))


def test_a_body_that_is_not_utf8_is_refused() -> None:
    encoded = base64.b64encode(b'{"user_id":"\xff"}').decode()
    refusal(invoked, event(encoded, encoded=True))


def test_a_form_that_is_not_utf8_is_refused() -> None:
    encoded = base64.b64encode(b"ticket=\xff&csrf=x").decode()
    refusal(lambda app: read_form(app, ConsentRequest), event(encoded, encoded=True))


def test_a_body_over_one_megabyte_is_too_large() -> None:
    body = body_of(arguments={"a": "x" * 1_000_000})
    answer = ask(invoked, event(body))
    assert answer["statusCode"] == 413
    assert json.loads(answer["body"])["error"] == "request_too_large"


def test_a_megabyte_counts_as_bytes_not_characters() -> None:
    body = json.dumps({"user_id": "jo", "tool": "ä" * 500_001}, ensure_ascii=False)
    assert ask(invoked, event(body))["statusCode"] == 413


@pytest.mark.parametrize("query", ["user_id=a&user_id=b", "user_id=a&x=1&user_id=a", "a&a"])
def test_a_repeated_parameter_is_refused(query: str) -> None:
    sent = event(rawQueryString=query, pathParameters={"server_id": "crm"})
    refusal(lambda app: read_query(app, ForUserAt), sent)


def test_a_comma_in_a_parameter_is_a_comma() -> None:
    sent = event(rawQueryString="user_id=a,b", pathParameters={"server_id": "crm"})
    assert "user_id='a,b'" in json.loads(ask(lambda app: read_query(app, ForUserAt), sent)["body"])[
        "read"
    ].replace('\\"', '"')


def test_parameters_that_are_not_utf8_are_refused() -> None:
    refusal(query, event(rawQueryString="user_id=%ff"))


def test_hundreds_of_parameters_are_refused() -> None:
    refusal(query, event(rawQueryString="&".join(f"p{n}=1" for n in range(500))))


def test_a_body_that_names_another_server_than_the_path_is_refused() -> None:
    sent = event(body_of(server_id="evil"), pathParameters={"server_id": "crm"})
    answer = ask(invoked, sent)
    assert answer["statusCode"] == 400
    assert "evil" not in answer["body"]


def test_a_member_that_stands_twice_in_the_body_is_refused() -> None:
    assert ask(invoked, event('{"user_id": "a", "user_id": "b"}'))["statusCode"] == 400


def test_an_unknown_field_is_named() -> None:
    told = refusal(invoked, event(body_of(toool="x")))["error_description"]
    assert told == "toool: not a field of this request."


def test_an_unknown_field_with_a_hostile_name_is_named_safely() -> None:
    name = "<script>alert(1)</script>\r\nSet-Cookie: x" + "a" * 500
    told = refusal(invoked, event(body_of(**{name: 1})))["error_description"]
    assert "<" not in told
    assert "\n" not in told
    assert len(told) < 150


@pytest.mark.parametrize(
    "member",
    [
        {"user_id": "canary\x00"},
        {"user_id": ["canary"]},
        {"tool": "canary\n"},
        {"server_id": "CANARY"},
        {"return_url": "canary\x7f"},
        {"client_state": "canary" * 200},
        {"locale": "canary canary"},
        {"arguments": "canary"},
        {"request_state": 17},
        {"canary": "canary-value"},
    ],
    ids=lambda m: next(iter(m)),
)
def test_a_refusal_never_repeats_a_value(member: dict[str, object]) -> None:
    told = json.dumps(refusal(invoked, event(body_of(**member))))
    assert "canary-value" not in told
    if "canary" not in member:
        assert "canary" not in told.lower()


def test_a_refused_server_never_repeats_its_secret() -> None:
    body = json.dumps({"client_secret": "canary\x00", "bearer_token": 17, "auth_type": "canary"})
    sent = event(body, pathParameters={"server_id": "crm"})
    assert "canary" not in json.dumps(refusal(lambda app: read_body(app, PutServerRequest), sent))


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_text_in_a_query_is_an_unexpected_error(name: str, value: str) -> None:
    raw = f"{quote(name, errors='replace')}={quote(value, errors='replace')}"
    sent = event(rawQueryString=raw, pathParameters={"server_id": "crm"})
    assert ask(lambda app: read_query(app, ForUserAt), sent)["statusCode"] in {200, 400}


@given(st.binary(max_size=60))
def test_no_bytes_in_a_body_are_an_unexpected_error(raw: bytes) -> None:
    sent = event(base64.b64encode(raw).decode(), encoded=True)
    assert ask(invoked, sent)["statusCode"] == 400
    assert ask(lambda app: read_form(app, ConsentRequest), sent)["statusCode"] == 400
