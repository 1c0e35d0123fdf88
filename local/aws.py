"""The AWS services: a moto server, and in it the data resources of the transformed template."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.account import REGION, STACK_NAME, isolated_session
from local.processes import Child, Children
from local.template import Template

_KEY = "AWS::KMS::Key"
_DATA = {
    "AWS::DynamoDB::Table",
    "AWS::Events::EventBus",
    "AWS::KMS::Alias",
    _KEY,
    "AWS::SQS::Queue",
}


@dataclass(frozen=True, slots=True)
class Aws:
    """The endpoint of the running services."""

    endpoint: str

    def client(self, service: str, access_key_id: str = "LOCALSTACK") -> Any:
        """Return a client (`"dynamodb"`, `"sqs"`, …) of these services, as boto3 would make it."""
        return isolated_session().create_client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=access_key_id,
            aws_secret_access_key="local",
        )

    def create(self, template: Template) -> dict[str, str]:
        """Create the template's data resources; return logical id → physical id."""
        cloudformation = self.client("cloudformation")
        parameters = [
            {"ParameterKey": name, "ParameterValue": _parameter(value)}
            for name, value in template.intrinsics.parameters.items()
        ]
        cloudformation.create_stack(
            StackName=STACK_NAME,
            TemplateBody=json.dumps(data_resources(template)),
            Parameters=parameters,
        )
        made = cloudformation.describe_stack_resources(StackName=STACK_NAME)["StackResources"]
        ids = {each["LogicalResourceId"]: _physical_id(each, template) for each in made}
        return ids | self._create_signing_keys(template)

    def _create_signing_keys(self, template: Template) -> dict[str, str]:
        """Create keys that sign as KMS does: by CloudFormation, moto makes none but for sealing."""
        kms = self.client("kms")
        keys = {
            name: {part: properties[part] for part in ("KeySpec", "KeyUsage")}
            for name, properties in template.of_type(_KEY)
            if _signs(properties)
        }
        return {name: kms.create_key(**key)["KeyMetadata"]["KeyId"] for name, key in keys.items()}


def start_moto(children: Children, logs: Path) -> Child:
    """Start the services; they announce their port when they are ready."""
    environment = {"AWS_ACCESS_KEY_ID": "LOCALSTACK", "AWS_SECRET_ACCESS_KEY": "local"}
    return children.start_module("local.moto_server", log=logs / "moto.log", env=environment)


def data_resources(template: Template) -> dict[str, Any]:
    """Return the part of the document that is made here: tables, keys, queues and buses."""
    data = {
        name: each
        for name, each in template.resources.items()
        if each["Type"] in _DATA and not _signs(each.get("Properties", {}))
    }
    absent = set(template.document["Resources"]) - set(data)
    return {
        "Parameters": template.document.get("Parameters", {}),
        "Conditions": template.document.get("Conditions", {}),
        "Mappings": template.document.get("Mappings", {}),
        "Resources": {
            name: {
                "Type": each["Type"],
                "Properties": _properties(each, absent, template),
            }
            for name, each in data.items()
        },
    }


def _signs(properties: Mapping[str, Any]) -> bool:
    return properties.get("KeyUsage") == "SIGN_VERIFY"


def _properties(resource: Mapping[str, Any], absent: set[str], template: Template) -> Any:
    """Return the properties; a key's policy as text, since moto cannot describe a key without."""
    properties = _detached(resource.get("Properties", {}), absent, template)
    if resource["Type"] == "AWS::KMS::Key" and "KeyPolicy" in properties:
        return {**properties, "KeyPolicy": json.dumps(template.resolve(properties["KeyPolicy"]))}
    return properties


def _detached(value: Any, absent: set[str], template: Template) -> Any:
    """Resolve what refers to a resource that is not made here, such as a role in a key policy."""
    if isinstance(value, list):
        return [_detached(item, absent, template) for item in value]
    if not isinstance(value, dict):
        return value
    if _mentioned(value) & absent:
        return template.resolve(value)
    return {name: _detached(item, absent, template) for name, item in value.items()}


def _mentioned(expression: Mapping[str, Any]) -> set[str]:
    """Return the names that this Ref, GetAtt or Sub mentions."""
    match expression:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
            return {name}
        case {"Fn::Sub": str(text)} | {"Fn::Sub": [str(text), _]}:
            return {part.partition("}")[0].partition(".")[0] for part in text.split("${")[1:]}
    return set()


def _parameter(value: Any) -> str:
    return ",".join(value) if isinstance(value, list) else str(value)


def _physical_id(made: Mapping[str, Any], template: Template) -> str:
    """Return the id that moto gave; it forgets that of a bus, whose id is its name."""
    if given := made.get("PhysicalResourceId"):
        return str(given)
    return str(
        template.resolve(template.resources[made["LogicalResourceId"]]["Properties"]["Name"])
    )
