"""Talks to a service or MCP server for the builder: discovery, check, and test."""

from aws_lambda_powertools.event_handler import Response

from broker.inbound import answers, check_reports, discoveries, test_reports
from broker.inbound.door import http_api, invocation, read_body, read_query
from broker.inbound.requests import (
    AdvanceTestRequest,
    CheckRequest,
    DiscoverRequest,
    ReadTestRequest,
    StartTestRequest,
)
from broker.wiring import wiring

app = http_api(answers.json_error, wiring)


@app.post("/v1/discover")
def discover() -> Response:
    asked = read_body(app, DiscoverRequest)
    run = invocation(app, wiring().settings)
    found = wiring().discovery.discover(asked.mcp_url, asked.server_id, run)
    return answers.json_answer(discoveries.discovered(found, run.base_url))


@app.post("/v1/servers/<server_id>/check")
def check(server_id: str) -> Response:
    asked = read_body(app, CheckRequest)
    run = invocation(app, wiring().settings)
    found = wiring().check.check(asked.server_id, run)
    return answers.json_answer(check_reports.check_report(found))


@app.post("/v1/servers/<server_id>/test")
def start(server_id: str) -> Response:
    asked = read_body(app, StartTestRequest)
    run = invocation(app, wiring().settings)
    started = wiring().probe.start(
        asked.server_id, asked.return_url, publish=asked.publish_tools, invocation=run
    )
    return answers.json_answer(test_reports.started_test(started), 201)


@app.get("/v1/servers/<server_id>/test/<test_id>")
def report(server_id: str, test_id: str) -> Response:
    asked = read_query(app, ReadTestRequest)
    run = invocation(app, wiring().settings)
    found = wiring().probe.report(asked.server_id, asked.test_id, run)
    return answers.json_answer(test_reports.test_run(found))


@app.post("/v1/servers/<server_id>/test/<test_id>/advance")
def advance(server_id: str, test_id: str) -> Response:
    asked = read_body(app, AdvanceTestRequest)
    run = invocation(app, wiring().settings)
    report = wiring().probe.advance(
        asked.server_id, asked.test_id, asked.code, revoke=asked.revoke, invocation=run
    )
    return answers.json_answer(test_reports.test_run(report))


def lambda_handler(event: dict, context: object) -> dict:
    return app.resolve(event, context)
