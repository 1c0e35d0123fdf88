"""What an update of the stack must not replace, as the last release had it.

``make release-shape`` writes the shape of today's template into ``tests/releases``, named by the
version of the project. The newest file is what the next update starts from.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.unit.transformed import ROOT, transformed

FOLDER = ROOT / "tests" / "releases"

FIXED: Mapping[str, tuple[str, ...]] = {
    "AWS::ApiGatewayV2::Api": ("ProtocolType",),
    "AWS::ApiGatewayV2::DomainName": ("DomainName",),
    "AWS::DynamoDB::Table": ("TableName", "KeySchema", "ImportSourceSpecification"),
    "AWS::Events::EventBus": ("Name", "EventSourceName"),
    "AWS::IAM::ManagedPolicy": ("ManagedPolicyName", "Path", "Description"),
    "AWS::KMS::Alias": ("AliasName", "TargetKeyId"),
    "AWS::KMS::Key": ("KeySpec", "KeyUsage", "MultiRegion", "Origin"),
    "AWS::SQS::Queue": ("QueueName", "FifoQueue"),
}
"""The types whose resources hold data, or an address or name that others were given; and the
properties whose change CloudFormation answers with another resource, or (KMS) refuses."""
_POLICIES = ("DeletionPolicy", "UpdateReplacePolicy", "Condition")

type Shape = dict[str, dict[str, Any]]


def shape_of(template: Mapping[str, Any]) -> Shape:
    """Return, by logical id, what must stay as it is."""
    return {
        name: _resource(resource)
        for name, resource in sorted(template["Resources"].items())
        if resource["Type"] in FIXED
    }


def _resource(resource: Mapping[str, Any]) -> dict[str, Any]:
    properties = resource.get("Properties", {})
    kept = {"Type": resource["Type"]}
    kept |= {name: resource[name] for name in _POLICIES if name in resource}
    kept |= {name: properties[name] for name in FIXED[resource["Type"]] if name in properties}
    if resource["Type"] == "AWS::DynamoDB::Table":
        kept["AttributeTypes"] = {
            each["AttributeName"]: each["AttributeType"]
            for each in properties["AttributeDefinitions"]
        }
        kept["Indexes"] = {
            each["IndexName"]: {"KeySchema": each["KeySchema"], "Projection": each["Projection"]}
            for each in properties.get("GlobalSecondaryIndexes", [])
        }
    return kept


def faults(released: Shape, today: Shape) -> Iterator[str]:
    """Say each thing by which an update from the release would lose or replace something."""
    for name, before in released.items():
        now = today.get(name)
        if now is None:
            yield f"{name}: is gone, or has another logical id"
            continue
        for part in sorted((before.keys() | now.keys()) - {"AttributeTypes", "Indexes"}):
            if before.get(part) != now.get(part):
                yield f"{name}: {part} is another"
        if "Indexes" in before and "Indexes" in now:
            yield from _table_faults(name, before, now)


def _table_faults(name: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for attribute, kind in before["AttributeTypes"].items():
        if now["AttributeTypes"].get(attribute) != kind:
            yield f"{name}: the type of {attribute} is another"
    for index, was in before["Indexes"].items():
        if index not in now["Indexes"]:
            yield f"{name}: index {index} is gone"
        elif now["Indexes"][index] != was:
            yield f"{name}: index {index} is another"
    # DynamoDB creates or deletes one index in an update, and CloudFormation fails on more.
    if len(now["Indexes"].keys() - before["Indexes"].keys()) > 1:
        yield f"{name}: more than one new index in one release"


def releases() -> list[Path]:
    """Return the files of all releases, oldest first."""
    return sorted(FOLDER.glob("*.json"), key=lambda path: _numbers(path.stem))


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def version() -> str:
    """Return the version of the project."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


if __name__ == "__main__":
    text = json.dumps(shape_of(transformed()), indent=1)
    (FOLDER / f"{version()}.json").write_text(text + "\n", encoding="utf-8")
