"""The local gateway is API Gateway's HTTP API, as far as a caller can tell."""

import json
import re
from typing import Any

import httpx
import pytest

from local.deployment import Deployment, Settings
from local.gateway.answers import MalformedAnswerError, reply_to
from local.stack import LocalStack
from tests.integration.local_gateway.conftest import event_of, outcome


def answered(public: httpx.Client, answer: Any) -> httpx.Response:
    return public.post("/answer", json=answer)


# Routes


def test_a_path_without_a_route_is_not_found(public: httpx.Client) -> None:
    assert outcome(public.get("/nowhere")) == (404, {"message": "Not Found"})


def test_a_method_without_a_route_is_not_found(public: httpx.Client) -> None:
    assert outcome(public.delete("/slow")) == (404, {"message": "Not Found"})


def test_a_trailing_slash_is_another_path(public: httpx.Client) -> None:
    assert public.get("/open/").status_code == 404


def test_any_takes_every_method(public: httpx.Client) -> None:
    for method in ("GET", "POST", "PATCH", "DELETE", "OPTIONS"):
        assert event_of(public.request(method, "/open"))["routeKey"] == "ANY /open"


def test_a_fixed_segment_beats_a_parameter(chat: httpx.Client) -> None:
    assert event_of(chat.get("/v1/items/fixed"))["routeKey"] == "GET /v1/items/fixed"
    assert event_of(chat.get("/v1/items/other"))["routeKey"] == "GET /v1/items/{item_id}"


def test_a_route_is_throttled_as_the_template_says(public: httpx.Client) -> None:
    statuses = [public.get("/throttled").status_code for _ in range(3)]
    assert statuses == [200, 200, 429]


# Events


def test_repeated_query_parameters_are_joined(public: httpx.Client) -> None:
    event = event_of(public.get("/open?a=1&b=x%20y&a=2&c="))
    assert event["queryStringParameters"] == {"a": "1,2", "b": "x y", "c": ""}
    assert event["rawQueryString"] == "a=1&b=x%20y&a=2&c="


def test_cookies_have_a_list_of_their_own(public: httpx.Client) -> None:
    event = event_of(public.get("/open", headers={"Cookie": "a=1; b=two"}))
    assert event["cookies"] == ["a=1", "b=two"]
    assert "cookie" not in event["headers"]


def test_headers_are_lower_case_and_joined(public: httpx.Client) -> None:
    event = event_of(public.get("/open", headers=[("X-Thing", "1"), ("x-thing", "2")]))
    assert event["headers"]["x-thing"] == "1,2"


def test_a_path_parameter_is_decoded(chat: httpx.Client) -> None:
    event = event_of(chat.get("/v1/items/a%2Fb%20c"))
    assert event["pathParameters"] == {"item_id": "a/b c"}
    assert event["rawPath"] == "/v1/items/a/b c"


@pytest.mark.parametrize("content_type", ["application/json", "text/html; charset=utf-8"])
def test_text_arrives_as_it_is(public: httpx.Client, content_type: str) -> None:
    event = event_of(public.post("/open", content="ü", headers={"Content-Type": content_type}))
    assert (event["body"], event["isBase64Encoded"]) == ("ü", False)


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "application/octet-stream", ""]
)
def test_all_else_arrives_in_base64_forms_included(public: httpx.Client, content_type: str) -> None:
    event = event_of(public.post("/open", content="a=1", headers={"Content-Type": content_type}))
    assert (event["body"], event["isBase64Encoded"]) == ("YT0x", True)


def test_absent_parts_are_left_out(public: httpx.Client) -> None:
    event = event_of(public.get("/open"))
    absent = {"body", "cookies", "pathParameters", "queryStringParameters"}
    assert not absent & set(event)


def test_the_request_context_is_whole(deployment: Deployment, public: httpx.Client) -> None:
    context = event_of(public.get("/open", headers={"User-Agent": "me"}))["requestContext"]
    assert context["http"] == {
        "method": "GET",
        "path": "/open",
        "protocol": "HTTP/1.1",
        "sourceIp": "127.0.0.1",
        "userAgent": "me",
    }
    assert context["domainName"] == "broker.localhost"
    assert context["stage"] == "$default"
    assert re.fullmatch(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000", context["time"])


def test_a_chunked_body_arrives_whole(public: httpx.Client) -> None:
    event = event_of(
        public.post("/open", content=iter([b"one ", b"two"]), headers={"Content-Type": "text/x"})
    )
    assert event["body"] == "one two"


# Answers


def test_an_answer_without_a_status_is_json(public: httpx.Client) -> None:
    response = answered(public, {"a": [1]})
    assert (response.status_code, response.json()) == (200, {"a": [1]})
    assert response.headers["content-type"] == "application/json"


def test_each_cookie_gets_its_own_header(public: httpx.Client) -> None:
    response = answered(public, {"statusCode": 204, "cookies": ["a=1; Secure", "b=2"]})
    assert response.headers.get_list("set-cookie") == ["a=1; Secure", "b=2"]


def test_a_base64_body_is_decoded(public: httpx.Client) -> None:
    answer = {"statusCode": 200, "body": "AP8=", "isBase64Encoded": True}
    assert answered(public, answer).content == b"\x00\xff"


def test_headers_and_status_are_passed_on(public: httpx.Client) -> None:
    response = answered(public, {"statusCode": 303, "headers": {"Location": "/x", "Age": 1}})
    assert (response.status_code, response.headers["location"]) == (303, "/x")
    assert response.headers["age"] == "1"


@pytest.mark.parametrize(
    "answer",
    [
        {"statusCode": "soon"},
        {"statusCode": 200, "body": {"not": "text"}},
        {"statusCode": 200, "headers": {"X": "a\r\nSet-Cookie: b"}},
        {"statusCode": 200, "body": "~", "isBase64Encoded": True},
    ],
)
def test_a_malformed_answer_is_an_internal_error(answer: Any) -> None:
    with pytest.raises(MalformedAnswerError):
        reply_to(json.dumps(answer).encode())


def test_the_caller_of_a_malformed_answer_sees_a_500(public: httpx.Client) -> None:
    assert outcome(answered(public, {"statusCode": 1})) == (
        500,
        {"message": "Internal Server Error"},
    )


def test_an_exception_is_an_internal_error_without_details(public: httpx.Client) -> None:
    assert outcome(public.get("/crash")) == (500, {"message": "Internal Server Error"})


# Limits


def test_a_request_over_10_mb_is_refused(public: httpx.Client) -> None:
    response = public.post("/open", content=b"x" * (10 * 1024 * 1024 + 1))
    assert outcome(response) == (413, {"message": "Request Entity Too Large"})


def test_an_event_over_6_mb_is_refused(public: httpx.Client) -> None:
    response = public.post("/open", content=b"x" * (5 * 1024 * 1024))  # base64 makes it longer
    assert outcome(response) == (413, {"message": "Request Entity Too Large"})


def test_an_answer_over_6_mb_is_an_internal_error(public: httpx.Client) -> None:
    response = public.get("/open", params={"size": 6 * 1024 * 1024})
    assert outcome(response) == (500, {"message": "Internal Server Error"})
    assert event_of(public.get("/open"))


def test_an_answer_of_5_mb_is_passed_on(public: httpx.Client) -> None:
    response = public.get("/open", params={"size": 5 * 1024 * 1024})
    assert len(response.content) > 5 * 1024 * 1024


def test_the_gateway_does_not_wait_for_ever(stack: LocalStack) -> None:
    impatient = stack.deployment("impatient", settings=Settings(gateway_seconds=0.2))
    with impatient.browser() as browser:
        response = browser.get("/patient", params={"seconds": 1})
    assert outcome(response) == (503, {"message": "Service Unavailable"})


def test_the_access_log_has_no_queries(deployment: Deployment, public: httpx.Client) -> None:
    public.get("/open?code=canary")
    log = deployment.access_log.read_text(encoding="utf-8")
    assert "canary" not in log
    assert '"route": "ANY /open"' in log


def test_a_browser_client_keeps_secure_cookies_over_local_http(deployment: Deployment) -> None:
    with deployment.browser() as browser:
        cookie = "__Host-flow=1; Path=/; Secure; HttpOnly"
        browser.post("/answer", json={"statusCode": 200, "cookies": [cookie]})
        assert event_of(browser.get("/open"))["cookies"] == ["__Host-flow=1"]
