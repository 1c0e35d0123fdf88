"""The API: its routes, who may call them, what is logged of a call, and where it answers."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.unit.transformed import chosen, of_type, source, transformed

ROUTES = {
    "GET /authorize": "AuthorizeFunction",
    "POST /authorize": "AuthorizeFunction",
    "GET /callback/{server_id}": "CallbackFunction",
    "POST /v1/invoke": "McpInvokeFunction",
    "GET /v1/servers/{server_id}/tools": "McpInvokeFunction",
    "ANY /mcp/{server_id}": "McpInvokeFunction",
    "GET /.well-known/oauth-protected-resource/mcp/{server_id}": "McpInvokeFunction",
    "GET /v1/servers": "ServersFunction",
    "GET /v1/servers/{server_id}": "ServersFunction",
    "PUT /v1/servers/{server_id}": "ServersFunction",
    "DELETE /v1/servers/{server_id}": "ServersFunction",
    "GET /v1/presets": "ServersFunction",
    "GET /v1/presets/{preset_id}": "ServersFunction",
    "GET /oauth/client-metadata/{document}": "ServersFunction",
    "GET /oauth/jwks/{document}": "ServersFunction",
    "POST /v1/discover": "ProbeFunction",
    "POST /v1/servers/{server_id}/check": "ProbeFunction",
    "POST /v1/servers/{server_id}/test": "ProbeFunction",
    "GET /v1/servers/{server_id}/test/{test_id}": "ProbeFunction",
    "POST /v1/servers/{server_id}/test/{test_id}/advance": "ProbeFunction",
    "GET /v1/connections": "ConnectionsFunction",
    "DELETE /v1/connections": "ConnectionsFunction",
    "GET /v1/connections/{server_id}": "ConnectionsFunction",
    "DELETE /v1/connections/{server_id}": "ConnectionsFunction",
    "POST /v1/connections/{server_id}/connect": "ConnectionsFunction",
    "POST /v1/connections/{server_id}/complete": "ConnectionsFunction",
    "POST /v1/connections/prompt": "ConnectionsFunction",
    "POST /v1/sessions": "ConnectionsFunction",
    "DELETE /v1/sessions/{session_id}": "ConnectionsFunction",
    "GET /v1/servers/{server_id}/connections": "ConnectionsFunction",
}
_ANY = "x-amazon-apigateway-any-method"
CUSTOM_DOMAIN = {"HasCustomDomain": True}
PUBLIC_BASE_URL = {"HasPublicBaseUrl": True}


def _operations() -> Iterator[tuple[str, dict[str, Any]]]:
    [api] = of_type("AWS::ApiGatewayV2::Api").values()
    for path, methods in api["Body"]["paths"].items():
        for method, operation in methods.items():
            yield f"{method.replace(_ANY, 'any').upper()} {path}", operation


def _stage() -> dict[str, Any]:
    [stage] = of_type("AWS::ApiGatewayV2::Stage").values()
    return stage


def _stated_public() -> set[str]:
    events = [
        event["Properties"]
        for resource in source()["Resources"].values()
        for event in resource["Properties"].get("Events", {}).values()
    ]
    return {
        f"{event['Method']} {event['Path']}"
        for event in events
        if event.get("Auth") == {"Authorizer": "NONE"}
    }


def test_every_route_leads_to_its_function_and_there_are_no_others() -> None:
    uris = {
        route: operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
        for route, operation in _operations()
    }
    found = {route: re.findall(r"\$\{(\w+)\.Arn\}", uri) for route, uri in uris.items()}
    assert found == {route: [function] for route, function in ROUTES.items()}


def test_every_v1_route_needs_iam_authorization_and_every_other_route_says_that_it_is_public() -> (
    None
):
    for route, operation in _operations():
        wanted = "AWS_IAM" if " /v1/" in route else "NONE"
        assert operation["security"] == [{wanted: []}], route
    assert _stated_public() == {route for route in ROUTES if " /v1/" not in route}


def test_iam_authorization_is_the_gateways_own_signature_check() -> None:
    [api] = of_type("AWS::ApiGatewayV2::Api").values()
    schemes = api["Body"]["components"]["securitySchemes"]
    assert schemes.keys() == {"AWS_IAM"}
    assert schemes["AWS_IAM"]["x-amazon-apigateway-authtype"] == "awsSigv4"


def test_every_route_hands_over_payload_format_2() -> None:
    for route, operation in _operations():
        integration = operation["x-amazon-apigateway-integration"]
        assert integration["payloadFormatVersion"] == "2.0", route


def test_the_api_has_no_cors_configuration_of_its_own() -> None:
    [api] = of_type("AWS::ApiGatewayV2::Api").values()
    assert "x-amazon-apigateway-cors" not in api["Body"]


def test_the_access_log_names_the_route_and_never_what_was_asked_for() -> None:
    settings = _stage()["AccessLogSettings"]
    logged = json.loads(settings["Format"])
    assert logged == {
        "requestId": "$context.requestId",
        "routeKey": "$context.routeKey",
        "status": "$context.status",
        "latency": "$context.responseLatency",
        "integrationError": "$context.integrationErrorMessage",
    }
    assert settings["DestinationArn"] == {"Fn::GetAtt": ["ApiLogGroup", "Arn"]}


def test_the_default_stage_is_throttled_and_its_public_routes_more_so() -> None:
    stage = _stage()
    assert stage["StageName"] == "$default"
    assert stage["DefaultRouteSettings"] == {
        "ThrottlingRateLimit": {"Ref": "ThrottleRate"},
        "ThrottlingBurstLimit": {"Ref": "ThrottleBurst"},
    }
    assert stage["RouteSettings"].keys() == {route for route in ROUTES if " /v1/" not in route}
    for route, throttle in stage["RouteSettings"].items():
        if route == "ANY /mcp/{server_id}":  # model vendors' connectors: many users at once
            assert throttle == stage["DefaultRouteSettings"]
            continue
        assert throttle == {"ThrottlingRateLimit": 20, "ThrottlingBurstLimit": 40}, route


def test_the_custom_domain_exists_under_its_condition_and_leads_to_the_stage() -> None:
    resources = transformed()["Resources"]
    for name in ("CustomDomain", "CustomDomainMapping"):
        assert resources[name]["Condition"] == "HasCustomDomain"
    assert resources["CustomDomainMapping"]["Properties"] == {
        "ApiId": {"Ref": "Api"},
        "DomainName": {"Ref": "CustomDomain"},
        "Stage": {"Ref": "ApiApiGatewayDefaultStage"},
    }
    domain = resources["CustomDomain"]["Properties"]
    assert domain["DomainName"] == {"Ref": "CustomDomainName"}
    assert domain["DomainNameConfigurations"] == [
        {
            "CertificateArn": {"Ref": "CertificateArn"},
            "EndpointType": "REGIONAL",
            "SecurityPolicy": "TLS_1_2",
        }
    ]


@pytest.mark.parametrize(
    ("conditions", "disabled"),
    [({}, False), (CUSTOM_DOMAIN, True), (PUBLIC_BASE_URL, False)],
)
def test_the_default_address_is_switched_off_with_a_custom_domain_only(
    conditions: Mapping[str, bool], *, disabled: bool
) -> None:
    [api] = of_type("AWS::ApiGatewayV2::Api").values()
    [server] = chosen(api["Body"]["servers"], conditions)
    endpoint = server["x-amazon-apigateway-endpoint-configuration"]
    assert endpoint == {"disableExecuteApiEndpoint": disabled}


@pytest.mark.parametrize("needs", [{"CustomDomainName"}, {"CertificateArn"}])
def test_a_custom_domain_and_its_certificate_come_together(needs: set[str]) -> None:
    rules = transformed()["Rules"].values()
    assert len(rules) == 2
    stated = [
        (re.findall(r'"Ref": "(\w+)"', json.dumps(rule["RuleCondition"])), rule["Assertions"])
        for rule in rules
    ]
    [assertions] = [found for names, found in stated if set(names) == needs]
    asserted = set(re.findall(r'"Ref": "(\w+)"', json.dumps(assertions)))
    assert asserted == {"CustomDomainName", "CertificateArn"} - needs


API_URL = "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}"


@pytest.mark.parametrize(
    ("conditions", "origin"),
    [
        ({}, {"Fn::Sub": API_URL}),
        (CUSTOM_DOMAIN, {"Fn::Sub": "https://${CustomDomainName}"}),
        (CUSTOM_DOMAIN | PUBLIC_BASE_URL, {"Ref": "PublicBaseUrl"}),
    ],
)
def test_the_outputs_say_where_the_api_answers(
    conditions: Mapping[str, bool], origin: dict[str, str]
) -> None:
    outputs = chosen(transformed()["Outputs"], conditions)
    assert outputs["ApiUrl"]["Value"] == origin
    stem = origin.get("Fn::Sub", "${PublicBaseUrl}")
    assert outputs["RedirectUriPattern"]["Value"] == {"Fn::Sub": stem + "/callback/{server_id}"}
