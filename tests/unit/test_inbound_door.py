"""The door in: what an event says, and what is refused before any flow sees it."""

import base64
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from hypothesis import given
from hypothesis import strategies as st

from broker.errors import RefreshInProgress
from broker.inbound import answers
from broker.inbound.door import (
    cookies,
    http_api,
    invocation,
    precondition,
    query,
    read_arrival,
    read_body,
    read_form,
    read_query,
)
from broker.inbound.pages import page_error
from broker.inbound.requests import (
    ConsentRequest,
    ForUserAt,
    InvokeRequest,
    PutServerRequest,
)
from broker.settings import Settings

CONTEXT = SimpleNamespace(
    get_remaining_time_in_millis=lambda: 29_000,
    aws_request_id="run-1",
    function_name="f",
    memory_limit_in_mb=512,
    invoked_function_arn="arn",
)
REQUIRED = {n: "x" for n, f in Settings.model_fields.items() if f.is_required()}
type Route = Callable[[APIGatewayHttpResolver], object]


@pytest.fixture(autouse=True)
def _metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Test")


def event(body: str | None = None, *, encoded: bool = False, **more: Any) -> dict[str, Any]:
    """Return an API Gateway HTTP API event, payload version 2.0."""
    return {
        "version": "2.0",
        "routeKey": "POST /x",
        "rawPath": "/x",
        "rawQueryString": "",
        "headers": {},
        "requestContext": {
            "requestId": "request-1",
            "domainName": "abc.execute-api.example.com",
            "stage": "$default",
            "http": {"method": "POST", "path": "/x"},
        },
        "body": body,
        "isBase64Encoded": encoded,
    } | more


def ask(route: Route, sent: dict[str, Any], render: Any = answers.json_error) -> dict[str, Any]:
    """Run one route on one event; return the response as the gateway gets it."""
    app = http_api(render)

    @app.post("/x")
    def handle() -> Any:
        return answers.json_answer({"read": repr(route(app))})

    return app.resolve(sent, CONTEXT)  # type: ignore[arg-type]


def settings_with(public_base_url: str) -> Settings:
    return Settings(**REQUIRED, public_base_url=public_base_url)


def refusal(route: Route, sent: dict[str, Any]) -> dict[str, Any]:
    answer = ask(route, sent)
    assert answer["statusCode"] == 400, answer
    body: dict[str, Any] = json.loads(answer["body"])
    assert body.keys() == {"error", "error_description", "request_id"}
    assert (body["error"], body["request_id"]) == ("invalid_request", "request-1")
    return body


def body_of(**members: object) -> str:
    return json.dumps({"user_id": "jo", "server_id": "crm", "tool": "get"} | members)


def invoked(app: APIGatewayHttpResolver) -> InvokeRequest:
    return read_body(app, InvokeRequest)


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


def test_the_path_wins_over_the_body() -> None:
    sent = event(body_of(server_id="evil"), pathParameters={"server_id": "crm"})
    assert "server_id='crm'" in ask(invoked, sent)["body"]


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


def boom(_: APIGatewayHttpResolver) -> object:
    raise RuntimeError("canary-secret")


def test_a_bug_of_ours_says_nothing_of_itself(capsys: pytest.CaptureFixture[str]) -> None:
    answer = ask(boom, event("{}"))
    assert answer["statusCode"] == 500
    assert json.loads(answer["body"])["error"] == "server_error"
    printed = capsys.readouterr()
    assert "canary" not in answer["body"] + printed.out + printed.err


def test_a_bug_of_ours_is_a_page_where_pages_are_shown() -> None:
    answer = ask(boom, event("{}"), page_error)
    assert answer["headers"]["Content-Type"] == "text/html; charset=utf-8"
    assert "canary" not in answer["body"]


def test_an_error_says_when_to_come_back() -> None:
    def busy(_: APIGatewayHttpResolver) -> object:
        raise RefreshInProgress("Wait.", retry_after=2)

    answer = ask(busy, event("{}"))
    assert (answer["statusCode"], answer["headers"]["Retry-After"]) == (503, "2")


def test_an_unknown_address_is_a_404_of_ours() -> None:
    sent = event("{}")
    sent["requestContext"]["http"]["path"] = sent["rawPath"] = "/nowhere"
    answer = ask(boom, sent)
    assert (answer["statusCode"], json.loads(answer["body"])["error"]) == (404, "not_found")


def test_cookies_are_read_and_of_a_repeated_name_the_first_counts() -> None:
    sent = event("{}", cookies=["a=1", "b= 2 ", "a=3", "c=x=y", "d"])
    read = json.loads(ask(cookies, sent)["body"])["read"]
    assert read == repr({"a": "1", "b": "2", "c": "x=y", "d": ""})


def test_preconditions_are_read() -> None:
    sent = event("{}", headers={"if-match": '"3"'})
    assert "if_match='\"3\"'" in json.loads(ask(precondition, sent)["body"])["read"]


@pytest.mark.parametrize(
    ("configured", "expected"),
    [
        ("", "https://abc.execute-api.example.com"),
        ("https://b.example.com", "https://b.example.com"),
    ],
)
def test_the_public_address_is_configured_or_the_gateways_own(
    configured: str, expected: str
) -> None:
    settings = settings_with(configured)
    read = ask(lambda app: invocation(app, settings).base_url, event("{}"))
    assert json.loads(read["body"])["read"] == repr(expected)


def test_the_forwarded_host_is_not_believed() -> None:
    headers = {"host": "evil.example.com", "x-forwarded-host": "evil.example.com"}
    settings = settings_with("")
    read = ask(lambda app: invocation(app, settings).base_url, event("{}", headers=headers))
    assert "evil" not in read["body"]


def test_what_the_browser_brings_never_prints() -> None:
    sent = event(
        None,
        rawQueryString="code=canary-code&state=canary-state",
        pathParameters={"server_id": "crm"},
        cookies=["__Host-flow-1=canary-cookie"],
    )
    assert "canary" not in ask(read_arrival, sent)["body"]
