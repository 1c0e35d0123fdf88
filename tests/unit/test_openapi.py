"""docs/api/openapi.yaml says what the template, the error tree and the request models say."""

import functools
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

import pytest
import yaml
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from broker.diagnosis import Cause
from broker.errors import BrokerError
from broker.inbound.requests import (
    AdvanceTestRequest,
    ApiRequest,
    CompleteRequest,
    ConnectRequest,
    ConsentRequest,
    DeleteServerRequest,
    ForUser,
    ForUserAt,
    InvokeRequest,
    Named,
    PageRequest,
    PutServerRequest,
    ReadTestRequest,
    ServerConnectionsRequest,
    StartTestRequest,
    TicketRequest,
)
from broker.model import PromptReason, Reason, Revocation, Status, TestStatus
from tests.unit.transformed import ROOT, of_type

DOCUMENT = ROOT / "docs" / "api" / "openapi.yaml"
BODIES: dict[str, type[ApiRequest]] = {
    "POST /v1/invoke": InvokeRequest,
    "POST /v1/connections/{server_id}/connect": ConnectRequest,
    "POST /v1/connections/{server_id}/complete": CompleteRequest,
    "PUT /v1/servers/{server_id}": PutServerRequest,
    "POST /v1/servers/{server_id}/test": StartTestRequest,
    "POST /v1/servers/{server_id}/test/{test_id}/advance": AdvanceTestRequest,
    "POST /authorize": ConsentRequest,
}
QUERIES: dict[str, type[ApiRequest]] = {
    "GET /v1/servers/{server_id}/tools": ForUserAt,
    "GET /v1/connections": ForUser,
    "DELETE /v1/connections": ForUser,
    "GET /v1/connections/{server_id}": ForUserAt,
    "DELETE /v1/connections/{server_id}": ForUserAt,
    "GET /v1/servers/{server_id}/connections": ServerConnectionsRequest,
    "GET /v1/servers": PageRequest,
    "GET /v1/servers/{server_id}": Named,
    "DELETE /v1/servers/{server_id}": DeleteServerRequest,
    "GET /v1/servers/{server_id}/test/{test_id}": ReadTestRequest,
    "GET /authorize": TicketRequest,
}
METHODS = {"get", "put", "post", "delete", "patch", "head", "options", "trace"}
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

type Schema = Mapping[str, Any]


@functools.cache
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))
    return loaded


def resolved(node: Schema, root: Schema | None = None) -> dict[str, Any]:
    """Follow ``$ref``; what stands beside it wins."""
    found = dict(node)
    while (reference := found.pop("$ref", None)) is not None:
        target: Any = document() if root is None else root
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]
        found = {**target, **found}
    return found


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document()["paths"].items():
        for method in METHODS & item.keys():
            parameters = [*item.get("parameters", []), *item[method].get("parameters", [])]
            found = {**item[method], "parameters": [resolved(one) for one in parameters]}
            yield f"{method.upper()} {path}", found


def answers() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield route, status and response."""
    for route, operation in operations():
        for status, response in operation["responses"].items():
            yield route, status, resolved(response)


def examples() -> Iterator[tuple[str, str, Any, Schema]]:
    """Yield where it stands, its name, its value, and the schema it is an example of."""
    for route, operation in operations():
        body = operation.get("requestBody")
        for media in body["content"].values() if body else []:
            for name, example in media.get("examples", {}).items():
                yield route, name, resolved(example)["value"], media["schema"]
    for route, status, response in answers():
        for media in response.get("content", {}).values():
            for name, example in media.get("examples", {}).items():
                yield f"{route} {status}", name, resolved(example)["value"], media["schema"]


def error_tree() -> dict[str, int]:
    """Return every code of the broker with its status."""
    found, waiting = {}, [BrokerError]
    while waiting:
        kind = waiting.pop()
        found[kind.error] = kind.status
        waiting += kind.__subclasses__()
    return found


def validator(schema: Schema) -> OAS31Validator:
    resource = DRAFT202012.create_resource(document())
    registry: Registry[Any] = Registry().with_resource("urn:api", resource)
    return OAS31Validator(_absolute(schema), registry=registry)


def _absolute(node: Any) -> Any:
    match node:
        case {"$ref": str(reference), **rest}:
            return {"$ref": f"urn:api{reference}", **_absolute(rest)}
        case dict():
            return {key: _absolute(member) for key, member in node.items()}
        case list():
            return [_absolute(member) for member in node]
    return node


def normal(schema: Schema, root: Schema | None = None) -> dict[str, Any]:
    """Return what a schema demands, however it is written."""
    flat = resolved(schema, root)
    for choice in flat.pop("anyOf", []):
        chosen = normal(choice, root)
        types = {*_types(flat), *chosen.pop("type")}
        flat = {**flat, **chosen, "type": sorted(types)}
    if "const" in flat:
        flat["enum"] = [flat["const"]]
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
    path = {"server_id", "test_id"} - ({"server_id"} if model is InvokeRequest else set())
    fields = {
        name: normal({**field, "$ref": field["$ref"]} if "$ref" in field else field, schema)
        for name, field in schema["properties"].items()
        if name not in path
    }
    return fields, set(schema.get("required", [])) - path


def enum_of(name: str, field: str) -> set[str]:
    stated = document()["components"]["schemas"][name]["properties"][field]["enum"]
    return {value for value in stated if value is not None}


def test_the_document_is_valid_openapi_3_1() -> None:
    assert document()["openapi"].startswith("3.1.")
    assert list(OpenAPIV31SpecValidator(document()).iter_errors()) == []


def test_it_describes_every_route_of_the_template_and_no_other() -> None:
    [api] = of_type("AWS::ApiGatewayV2::Api").values()
    routes = {
        f"{method.upper()} {path}" for path, item in api["Body"]["paths"].items() for method in item
    }
    assert {route for route, _ in operations()} == routes


def test_the_same_routes_are_public_here_and_in_the_template() -> None:
    [api] = of_type("AWS::ApiGatewayV2::Api").values()
    public = {
        f"{method.upper()} {path}"
        for path, item in api["Body"]["paths"].items()
        for method, operation in item.items()
        if operation["security"] == [{"NONE": []}]
    }
    assert document()["security"] == [{"AWS_IAM": []}]
    assert {route for route, found in operations() if found.get("security") == []} == public


def test_the_path_parameters_are_those_of_the_path() -> None:
    for route, operation in operations():
        named = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
        assert named == {part.strip("{}") for part in route.split("/") if part.startswith("{")}


def test_the_list_of_codes_is_the_tree_of_errors() -> None:
    stated = document()["components"]["schemas"]["Error"]["properties"]["error"]["enum"]
    assert sorted(stated) == sorted(error_tree())


def test_every_code_stands_under_its_own_status_and_under_its_own_name() -> None:
    tree = error_tree()
    shown = {
        (name, value["error"], status)
        for route, status, response in answers()
        for media in response.get("content", {}).values()
        for name, example in media.get("examples", {}).items()
        if "error" in (value := resolved(example)["value"])
    }
    assert {name for name, _, _ in shown} == tree.keys()
    assert [one for one in shown if one[0] != one[1] or str(tree[one[1]]) != one[2]] == []


def test_every_signed_route_can_be_refused_by_the_gateway_and_every_route_can_fail() -> None:
    for route, operation in operations():
        expected = {"400", "429", "500", "503"}
        signed = operation.get("security") is None
        assert operation["responses"].keys() >= expected | ({"403"} if signed else set()), route


def test_a_route_with_a_body_says_what_becomes_of_one_that_is_too_large() -> None:
    for route, operation in operations():
        assert ("requestBody" in operation) == ("413" in operation["responses"]), route


@pytest.mark.parametrize(
    ("where", "name", "value", "schema"),
    [pytest.param(*one, id=f"{one[0]} {one[1]}") for one in examples()],
)
def test_every_example_fits_its_schema(where: str, name: str, value: Any, schema: Schema) -> None:
    assert [fault.message for fault in validator(schema).iter_errors(value)] == []


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
    assert reading == BODIES.keys() | QUERIES.keys()


def test_every_field_of_a_request_is_described_in_words() -> None:
    for route, operation in operations():
        body = operation.get("requestBody", {"content": {}})
        for media in body["content"].values():
            for name, field in resolved(media["schema"])["properties"].items():
                assert resolved(field).get("description"), f"{route}: {name}"
        for parameter in operation["parameters"]:
            assert parameter.get("description"), f"{route}: {parameter['name']}"


@pytest.mark.parametrize(
    ("schema", "field", "kind"),
    [
        ("AuthorizationRequired", "reason", PromptReason),
        ("Connection", "status", Status),
        ("Connection", "reason", Reason),
        ("TestRun", "status", TestStatus),
        ("Diagnosis", "cause", Cause),
    ],
)
def test_an_enumeration_has_the_values_of_the_model(
    schema: str, field: str, kind: type[StrEnum]
) -> None:
    assert enum_of(schema, field) == {member.value for member in kind}


def test_a_failure_is_named_by_the_reason_or_is_one_that_may_pass() -> None:
    assert enum_of("Failure", "code") == {reason.value for reason in Reason} | {"refresh_failed"}


def test_the_revocations_are_those_of_the_model() -> None:
    stated = document()["components"]["schemas"]["Revocation"]["enum"]
    assert set(stated) == {member.value for member in Revocation}
