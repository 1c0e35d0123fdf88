"""docs/api/openapi.yaml says what the request models and the enumerations say."""

from enum import StrEnum
from typing import Any

import pytest

from broker.diagnosis import Cause, Certainty, Kind, Step
from broker.inbound.registry_requests import PresetRequest, PresetsRequest, PutServerRequest
from broker.inbound.requests import (
    AdvanceTestRequest,
    ApiRequest,
    CheckRequest,
    ClientKeysRequest,
    ClientMetadataRequest,
    CompleteRequest,
    ConnectRequest,
    ConsentRequest,
    DeleteServerRequest,
    DiscoverRequest,
    ForUser,
    ForUserAt,
    InvokeRequest,
    Named,
    PageRequest,
    PromptRequest,
    ReadTestRequest,
    ServerConnectionsRequest,
    StartTestRequest,
    TicketRequest,
)
from broker.inbound.session_requests import EndSessionRequest, StartSessionRequest
from broker.model import CheckOutcome, PromptReason, Reason, Revocation, Status, TestStatus
from tests.unit.openapi_document import Schema, document, operations, resolved

BODIES: dict[str, type[ApiRequest]] = {
    "POST /v1/invoke": InvokeRequest,
    "POST /v1/connections/prompt": PromptRequest,
    "POST /v1/sessions": StartSessionRequest,
    "POST /v1/connections/{server_id}/connect": ConnectRequest,
    "POST /v1/connections/{server_id}/complete": CompleteRequest,
    "PUT /v1/servers/{server_id}": PutServerRequest,
    "POST /v1/discover": DiscoverRequest,
    "POST /v1/servers/{server_id}/check": CheckRequest,
    "POST /v1/servers/{server_id}/test": StartTestRequest,
    "POST /v1/servers/{server_id}/test/{test_id}/advance": AdvanceTestRequest,
    "POST /authorize": ConsentRequest,
}
QUERIES: dict[str, type[ApiRequest]] = {
    "GET /v1/servers/{server_id}/tools": ForUserAt,
    "GET /v1/connections": ForUser,
    "DELETE /v1/connections": ForUser,
    "DELETE /v1/sessions/{session_id}": EndSessionRequest,
    "GET /.well-known/oauth-protected-resource/mcp/{server_id}": Named,
    "GET /v1/connections/{server_id}": ForUserAt,
    "DELETE /v1/connections/{server_id}": ForUserAt,
    "GET /v1/servers/{server_id}/connections": ServerConnectionsRequest,
    "GET /v1/servers": PageRequest,
    "GET /v1/servers/{server_id}": Named,
    "GET /v1/presets": PresetsRequest,
    "GET /v1/presets/{preset_id}": PresetRequest,
    "DELETE /v1/servers/{server_id}": DeleteServerRequest,
    "GET /v1/servers/{server_id}/test/{test_id}": ReadTestRequest,
    "GET /authorize": TicketRequest,
    "GET /oauth/client-metadata/{document}": ClientMetadataRequest,
    "GET /oauth/jwks/{document}": ClientKeysRequest,
}
COMPARED = {
    "additionalProperties",
    "default",
    "enum",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minLength",
    "minimum",
    "pattern",
    "propertyNames",
}


def normal(schema: Schema, root: Schema | None = None) -> dict[str, Any]:
    """Return what a schema demands, however it is written."""
    flat = resolved(schema, root)
    for choice in flat.pop("anyOf", []):
        chosen = normal(choice, root)
        types = {*_types(flat), *chosen.pop("type")}
        flat = {**flat, **chosen, "type": sorted(types)}
    if "const" in flat:
        flat["enum"] = [flat["const"]]
    for pattern, inner in flat.pop("patternProperties", {}).items():  # pydantic's word for both
        flat |= {"propertyNames": {"type": "string", "pattern": pattern}}
        flat["additionalProperties"] = inner
    found = {key: flat[key] for key in COMPARED & flat.keys()}
    if "enum" in found:
        found["enum"] = sorted(found["enum"])
    for inner in ("items", "additionalProperties", "propertyNames"):
        if isinstance(found.get(inner), dict):
            found[inner] = normal(found[inner], root)
    if not found.get("default"):
        found.pop("default", None)  # null and empty: pydantic's default_factory says neither
    if found.get("additionalProperties") is True:
        del found["additionalProperties"]
    return {**found, "type": sorted(_types(flat))}


def _types(schema: Schema) -> list[str]:
    stated = schema.get("type", [])
    return [stated] if isinstance(stated, str) else list(stated)


def model_fields(model: type[ApiRequest]) -> tuple[dict[str, dict[str, Any]], set[str]]:
    """Return the fields that are not in the path, and which of them are required."""
    schema = model.model_json_schema()
    in_body = {"server_id"} if model in (InvokeRequest, DiscoverRequest) else set()
    path = {"server_id", "session_id", "test_id", "document", "preset_id"} - in_body
    fields = {
        name: normal({**field, "$ref": field["$ref"]} if "$ref" in field else field, schema)
        for name, field in schema["properties"].items()
        if name not in path
    }
    return fields, set(schema.get("required", [])) - path


def enum_of(name: str, field: str) -> set[str]:
    stated = document()["components"]["schemas"][name]["properties"][field]["enum"]
    return {value for value in stated if value is not None}


@pytest.mark.parametrize("route", BODIES)
def test_a_body_is_described_as_its_model_takes_it(route: str) -> None:
    [media] = dict(operations())[route]["requestBody"]["content"].values()
    described = resolved(media["schema"])
    fields, required = model_fields(BODIES[route])
    assert described["additionalProperties"] is False
    assert set(described.get("required", [])) == required
    assert {name: normal(field) for name, field in described["properties"].items()} == fields


@pytest.mark.parametrize("route", QUERIES)
def test_a_query_is_described_as_its_model_takes_it(route: str) -> None:
    parameters = [one for one in dict(operations())[route]["parameters"] if one["in"] == "query"]
    fields, required = model_fields(QUERIES[route])
    for field in fields.values():
        field["type"] = [kind for kind in field["type"] if kind != "null"]  # left out, that is
    assert {one["name"] for one in parameters if one.get("required")} == required
    assert {one["name"]: normal(one["schema"]) for one in parameters} == fields


def test_every_route_that_reads_something_is_compared_with_its_model() -> None:
    reading = {route for route, _ in operations()} - {"GET /callback/{server_id}"}
    reading -= {f"{method} /mcp/{{server_id}}" for method in ("DELETE", "GET", "POST")}  # JSON-RPC
    assert reading == BODIES.keys() | QUERIES.keys()


@pytest.mark.parametrize(
    ("schema", "field", "kind"),
    [
        ("AuthorizationRequired", "reason", PromptReason),
        ("Connection", "status", Status),
        ("Connection", "reason", Reason),
        ("TestRun", "status", TestStatus),
        ("Diagnosis", "certainty", Certainty),
        ("Checked", "outcome", CheckOutcome),
        ("Observation", "step", Step),
        ("Observation", "outcome", Kind),
    ],
)
def test_an_enumeration_has_the_values_of_the_model(
    schema: str, field: str, kind: type[StrEnum]
) -> None:
    assert enum_of(schema, field) == {member.value for member in kind}


def test_a_failure_is_named_by_the_reason_or_is_one_that_may_pass() -> None:
    assert enum_of("Failure", "code") == {reason.value for reason in Reason} | {"refresh_failed"}


def test_the_causes_are_those_of_the_rules() -> None:
    stated = document()["components"]["schemas"]["Cause"]["enum"]
    assert stated == sorted(member.value for member in Cause)


def test_the_revocations_are_those_of_the_model() -> None:
    stated = document()["components"]["schemas"]["Revocation"]["enum"]
    assert set(stated) == {member.value for member in Revocation}
