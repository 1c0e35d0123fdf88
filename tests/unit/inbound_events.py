"""Events as the gateway hands them over, and one route that is asked with them."""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from broker.inbound import answers
from broker.inbound.door import http_api, read_body
from broker.inbound.requests import InvokeRequest

CONTEXT = SimpleNamespace(
    get_remaining_time_in_millis=lambda: 29_000,
    aws_request_id="run-1",
    function_name="f",
    memory_limit_in_mb=512,
    invoked_function_arn="arn",
)
type Route = Callable[[APIGatewayHttpResolver], object]


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


def ask(
    route: Route,
    sent: dict[str, Any],
    render: Any = answers.json_error,
    configured: Callable[[], object] = dict,
) -> dict[str, Any]:
    """Run one route on one event; return the response as the gateway gets it."""
    app = http_api(render, configured)

    @app.post("/x")
    def handle() -> Any:
        return answers.json_answer({"read": repr(route(app))})

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Test")
        return app.resolve(sent, CONTEXT)  # type: ignore[arg-type]


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
