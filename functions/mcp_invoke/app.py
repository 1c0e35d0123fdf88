"""Acts as the user: invoke a tool, list the tools, serve MCP clients."""

from datetime import UTC, datetime

from aws_lambda_powertools.event_handler import Response

from broker.inbound import answers
from broker.inbound.door import http_api, invocation, path_of, read_body, read_query
from broker.inbound.invokes import answer_invoke
from broker.inbound.mcp import METHODS, answer_mcp, protected_resource
from broker.inbound.requests import ForUserAt, InvokeRequest
from broker.model import InvokeOutcome
from broker.wiring import wiring

app = http_api(answers.json_error, wiring)


def _invoke() -> InvokeOutcome:
    call = read_body(app, InvokeRequest).call
    return wiring().mcp_invoke.invoke(call, invocation(app, wiring().settings))


@app.post("/v1/invoke")
def invoke() -> Response:
    return answer_invoke(_invoke)


@app.get("/v1/servers/<server_id>/tools")
def tools(server_id: str) -> Response:
    asked = read_query(app, ForUserAt)
    run = invocation(app, wiring().settings)
    listing = wiring().mcp_invoke.tools(asked.server_id, asked.user_id, run)
    return answers.tools(listing, datetime.now(UTC))


@app.route("/mcp/<server_id>", method=METHODS)
def mcp(server_id: str) -> Response:
    return answer_mcp(app, wiring().settings, wiring().mcp_endpoint)


@app.get("/.well-known/oauth-protected-resource/mcp/<server_id>")
def metadata(server_id: str) -> Response:
    run = invocation(app, wiring().settings)
    return protected_resource(wiring().mcp_endpoint.metadata(path_of(app), run))


def lambda_handler(event: dict, context: object) -> dict:
    return app.resolve(event, context)
