"""docs/api/openapi.yaml says what the template and the error tree say, and its examples fit."""

from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

import broker.endpoint_errors  # noqa: F401 # errors that the tree must know
from broker.errors import BrokerError
from tests.unit.openapi_document import Schema, answers, document, examples, operations, resolved
from tests.unit.transformed import of_type


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


def _methods(stated: str) -> tuple[str, ...]:
    """Return the methods that an API's operation stands for: of ``ANY`` those that MCP names."""
    is_any = stated == "x-amazon-apigateway-any-method"
    return ("DELETE", "GET", "POST") if is_any else (stated.upper(),)


def test_the_document_is_valid_openapi_3_1() -> None:
    assert document()["openapi"].startswith("3.1.")
    assert list(OpenAPIV31SpecValidator(document()).iter_errors()) == []


def test_it_describes_every_route_of_the_template_and_no_other() -> None:
    [api] = of_type("AWS::ApiGatewayV2::Api").values()
    routes = {
        f"{method} {path}"
        for path, item in api["Body"]["paths"].items()
        for stated in item
        for method in _methods(stated)
    }
    assert {route for route, _ in operations()} == routes


def test_the_same_routes_are_public_here_and_in_the_template() -> None:
    [api] = of_type("AWS::ApiGatewayV2::Api").values()
    public = {
        f"{method} {path}"
        for path, item in api["Body"]["paths"].items()
        for stated, operation in item.items()
        for method in _methods(stated)
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


def test_every_field_of_a_request_is_described_in_words() -> None:
    for route, operation in operations():
        body = operation.get("requestBody", {"content": {}})
        for media in body["content"].values():
            for name, field in resolved(media["schema"])["properties"].items():
                assert resolved(field).get("description"), f"{route}: {name}"
        for parameter in operation["parameters"]:
            assert parameter.get("description"), f"{route}: {parameter['name']}"
