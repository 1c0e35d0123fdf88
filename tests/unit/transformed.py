"""template.yaml as CloudFormation gets it: transformed by SAM, here and without AWS.

``python -m tests.unit.transformed`` prints it.
"""

import copy
import functools
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "template.yaml"
_UPLOADED = "s3://a-bucket/a-key"
_NO_VALUE = {"Ref": "AWS::NoValue"}

type Properties = dict[str, Any]


@functools.cache
def source() -> dict[str, Any]:
    """Return template.yaml as it is written, with intrinsics in their long form."""
    template: dict[str, Any] = yaml_parse(TEMPLATE.read_text(encoding="utf-8"))
    return template


@functools.cache
def transformed() -> dict[str, Any]:
    """Return the template after the SAM transform, as `sam deploy` would send it off."""
    template = copy.deepcopy(source())
    for resource in template["Resources"].values():
        for uri in {"CodeUri", "ContentUri"} & resource["Properties"].keys():
            resource["Properties"][uri] = _UPLOADED
    translator = Translator({}, Parser(), boto_session=boto3.Session(region_name="us-east-1"))
    result: dict[str, Any] = json.loads(json.dumps(translator.translate(template, {})))
    return result


def of_type(resource_type: str) -> dict[str, Properties]:
    """Return the properties of every transformed resource of a type, by logical id."""
    return {
        name: resource.get("Properties", {})
        for name, resource in transformed()["Resources"].items()
        if resource["Type"] == resource_type
    }


def functions() -> dict[str, Properties]:
    """Return the Lambda functions by logical id."""
    return of_type("AWS::Lambda::Function")


def chosen(value: Any, conditions: Mapping[str, bool]) -> Any:
    """Resolve Fn::If by the given conditions (an unnamed one is false) and drop AWS::NoValue."""
    match value:
        case {"Fn::If": [condition, yes, no]}:
            return chosen(yes if conditions.get(condition, False) else no, conditions)
        case dict():
            members = {key: chosen(member, conditions) for key, member in value.items()}
            return {key: member for key, member in members.items() if member != _NO_VALUE}
        case list():
            chosen_members = [chosen(member, conditions) for member in value]
            return [member for member in chosen_members if member != _NO_VALUE]
    return value


def statements(role: str, conditions: Mapping[str, bool] | None = None) -> Iterator[Properties]:
    """Yield every statement of a role's inline policies."""
    policies = chosen(of_type("AWS::IAM::Role")[role]["Policies"], conditions or {})
    for policy in policies:
        yield from policy["PolicyDocument"]["Statement"]


def listed(value: Any) -> list[Any]:
    """Return what IAM lets one write as one value or as a list."""
    return value if isinstance(value, list) else [value]


if __name__ == "__main__":
    json.dump(transformed(), sys.stdout, indent=1)
