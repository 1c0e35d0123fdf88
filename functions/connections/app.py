"""A user's connections and sessions: list, connect, complete, disconnect, erase."""

from aws_lambda_powertools.event_handler import Response

from broker.inbound import answers
from broker.inbound.door import http_api, invocation, read_body, read_query
from broker.inbound.requests import (
    CompleteRequest,
    ConnectRequest,
    ForUser,
    ForUserAt,
    PromptRequest,
    ServerConnectionsRequest,
)
from broker.inbound.session_requests import EndSessionRequest, StartSessionRequest
from broker.inbound.sessions import started_session
from broker.wiring import wiring

app = http_api(answers.json_error, wiring)


@app.get("/v1/connections")
def of_user() -> Response:
    asked = read_query(app, ForUser)
    return answers.json_answer(answers.connections(wiring().connections.of_user(asked.user_id)))


@app.get("/v1/connections/<server_id>")
def one(server_id: str) -> Response:
    asked = read_query(app, ForUserAt)
    listed = wiring().connections.one(asked.user_id, asked.server_id)
    return answers.json_answer(answers.connection(listed.connection, listed.server))


@app.get("/v1/servers/<server_id>/connections")
def of_server(server_id: str) -> Response:
    asked = read_query(app, ServerConnectionsRequest)
    listed, last = wiring().connections.of_server(asked.server_id, asked.start)
    return answers.json_answer(answers.connections(listed, last))


@app.post("/v1/connections/prompt")
def prompt() -> Response:
    asked = read_body(app, PromptRequest)
    run = invocation(app, wiring().settings)
    card = wiring().connections.prompt(asked.server_ids, asked.wish, run)
    return answers.json_answer(answers.several_required(card))


@app.post("/v1/sessions")
def start_session() -> Response:
    asked = read_body(app, StartSessionRequest)
    run = invocation(app, wiring().settings)
    started = wiring().connections.start_session(asked.wish)
    return answers.json_answer(started_session(started, run.base_url), 201)


@app.delete("/v1/sessions/<session_id>")
def end_session(session_id: str) -> Response:
    asked = read_query(app, EndSessionRequest)
    wiring().connections.end_session(asked.session_id)
    return answers.deleted(0)


@app.post("/v1/connections/<server_id>/connect")
def connect(server_id: str) -> Response:
    asked = read_body(app, ConnectRequest)
    run = invocation(app, wiring().settings)
    link = wiring().connections.connect(asked.server_id, asked.wish, run)
    return answers.json_answer(answers.connect_link(link), 201)


@app.post("/v1/connections/<server_id>/complete")
def complete(server_id: str) -> Response:
    asked = read_body(app, CompleteRequest)
    run = invocation(app, wiring().settings)
    connected = wiring().connections.complete(asked.claimant, asked.code, run)
    return answers.json_answer(answers.connected(connected))


@app.delete("/v1/connections/<server_id>")
def disconnect(server_id: str) -> Response:
    asked = read_query(app, ForUserAt)
    run = invocation(app, wiring().settings)
    revocation = wiring().connections.disconnect(asked.user_id, asked.server_id, run)
    return answers.json_answer(answers.disconnected(revocation))


@app.delete("/v1/connections")
def erase() -> Response:
    asked = read_query(app, ForUser)
    run = invocation(app, wiring().settings)
    return answers.json_answer(answers.erased(wiring().connections.erase(asked.user_id, run)))


def lambda_handler(event: dict, context: object) -> dict:
    return app.resolve(event, context)
