"""The registry of MCP servers: writes configuration, reads no secret, has no egress."""

from aws_lambda_powertools.event_handler import Response

from broker.inbound import answers, discoveries, presets
from broker.inbound.door import http_api, invocation, precondition, read_body, read_query
from broker.inbound.registry_requests import PresetRequest, PresetsRequest, PutServerRequest
from broker.inbound.requests import (
    ClientKeysRequest,
    ClientMetadataRequest,
    DeleteServerRequest,
    Named,
    PageRequest,
)
from broker.wiring import wiring

app = http_api(answers.json_error, wiring)


@app.get("/v1/servers")
def page() -> Response:
    found, last = wiring().servers.page(read_query(app, PageRequest).start)
    run = invocation(app, wiring().settings)
    return answers.json_answer(answers.servers(found, last, run.base_url))


@app.get("/v1/servers/<server_id>")
def get(server_id: str) -> Response:
    server, found = wiring().servers.shown(read_query(app, Named).server_id)
    run = invocation(app, wiring().settings)
    body = discoveries.registered_server(server, found, run.base_url)
    return answers.json_answer(body, headers=answers.etag(server))


@app.put("/v1/servers/<server_id>")
def put(server_id: str) -> Response:
    wanted = read_body(app, PutServerRequest)
    registered = wiring().servers.put(wanted.server_id, wanted.draft, precondition(app))
    return answers.registered(registered, invocation(app, wiring().settings).base_url)


@app.delete("/v1/servers/<server_id>")
def delete(server_id: str) -> Response:
    asked = read_query(app, DeleteServerRequest)
    remaining = wiring().servers.delete(
        asked.server_id, precondition(app), disconnect=asked.disconnect == "true"
    )
    return answers.deleted(remaining)


@app.get("/v1/presets")
def list_presets() -> Response:
    read_query(app, PresetsRequest)
    return answers.json_answer(presets.listed(wiring().presets.all()))


@app.get("/v1/presets/<preset_id>")
def get_preset(preset_id: str) -> Response:
    found = wiring().presets.get(read_query(app, PresetRequest).preset_id)
    return answers.json_answer(presets.whole(found))


@app.get("/oauth/client-metadata/<document>")
def client_metadata(document: str) -> Response:
    asked = read_query(app, ClientMetadataRequest)
    run = invocation(app, wiring().settings)
    metadata = wiring().servers.client_metadata(asked.server_id, run.base_url)
    return discoveries.client_document(metadata)


@app.get("/oauth/jwks/<document>")
def client_keys(document: str) -> Response:
    asked = read_query(app, ClientKeysRequest)
    return discoveries.client_document(wiring().servers.client_keys(asked.server_id))


def lambda_handler(event: dict, context: object) -> dict:
    return app.resolve(event, context)
