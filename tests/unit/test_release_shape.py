"""An update of the stack replaces nothing that holds data, or that others know by its name."""

import copy
import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from tests.unit.release_shape import FIXED, faults, releases, shape_of, version
from tests.unit.transformed import transformed

type Change = Callable[[dict[str, Any]], object]


def read(release: Path) -> dict[str, Any]:
    shape: dict[str, Any] = json.loads(release.read_text(encoding="utf-8"))
    return shape


def after(change: Change) -> list[str]:
    """Return what is found once the resources of the template are changed so."""
    template = copy.deepcopy(transformed())
    change(template["Resources"])
    return list(faults(shape_of(transformed()), shape_of(template)))


def renamed(resources: dict[str, Any]) -> None:
    resources["LinksTable"] = resources.pop("ConnectionsTable")


def retyped(resources: dict[str, Any]) -> None:
    resources["ConnectionsTable"]["Properties"]["AttributeDefinitions"][0]["AttributeType"] = "B"


def properties(resource: str, **changed: Any) -> Change:
    return lambda resources: resources[resource]["Properties"].update(changed)


def index(number: int, **changed: Any) -> Change:
    def change(resources: dict[str, Any]) -> None:
        table = resources["ConnectionsTable"]["Properties"]
        table["GlobalSecondaryIndexes"][number].update(changed)

    return change


def new_index(*names: str) -> Change:
    def change(resources: dict[str, Any]) -> None:
        table = resources["ConnectionsTable"]["Properties"]
        first = table["GlobalSecondaryIndexes"][0]
        table["GlobalSecondaryIndexes"] += [first | {"IndexName": name} for name in names]

    return change


HASH_ONLY = [{"AttributeName": "user_id", "KeyType": "HASH"}]
CHANGES: dict[str, tuple[Change, str]] = {
    "a table with another logical id": (
        renamed,
        "ConnectionsTable: is gone, or has another logical id",
    ),
    "a queue that is gone": (
        lambda resources: resources.pop("RescueQueue"),
        "RescueQueue: is gone, or has another logical id",
    ),
    "an api with another logical id": (
        lambda resources: resources.update(Gateway=resources.pop("Api")),
        "Api: is gone, or has another logical id",
    ),
    "another type": (
        lambda resources: resources["ServersTable"].update(Type="AWS::DynamoDB::GlobalTable"),
        "ServersTable: is gone, or has another logical id",
    ),
    "another key": (
        properties("ConnectionsTable", KeySchema=HASH_ONLY),
        "ConnectionsTable: KeySchema is another",
    ),
    "another type of a key's attribute": (
        retyped,
        "ConnectionsTable: the type of user_id is another",
    ),
    "another key of an index": (
        index(0, KeySchema=HASH_ONLY),
        "ConnectionsTable: index due is another",
    ),
    "another projection of an index": (
        index(1, Projection={"ProjectionType": "ALL"}),
        "ConnectionsTable: index by_server is another",
    ),
    "an index with another name": (
        index(0, IndexName="ready"),
        "ConnectionsTable: index due is gone",
    ),
    "two new indexes": (
        new_index("one", "two"),
        "ConnectionsTable: more than one new index in one release",
    ),
    "a table with a name": (
        properties("PendingTable", TableName="pending"),
        "PendingTable: TableName is another",
    ),
    "a queue with a name": (
        properties("DueQueue", QueueName="due"),
        "DueQueue: QueueName is another",
    ),
    "a queue in order": (properties("DueQueue", FifoQueue=True), "DueQueue: FifoQueue is another"),
    "another name of the bus": (
        properties("EventBus", Name="bus"),
        "EventBus: Name is another",
    ),
    "another alias": (
        properties("VaultKeyAlias", AliasName="alias/vault"),
        "VaultKeyAlias: AliasName is another",
    ),
    "another key behind the alias": (
        properties("VaultKeyAlias", TargetKeyId={"Ref": "NewKey"}),
        "VaultKeyAlias: TargetKeyId is another",
    ),
    "a key of another kind": (
        properties("VaultKey", KeySpec="RSA_2048"),
        "VaultKey: KeySpec is another",
    ),
    "a policy with other words": (
        properties("BuilderPolicy", Description="For builders"),
        "BuilderPolicy: Description is another",
    ),
    "a table that goes with the stack": (
        lambda resources: resources["ServersTable"].pop("DeletionPolicy"),
        "ServersTable: DeletionPolicy is another",
    ),
    "a key that goes when it is replaced": (
        lambda resources: resources["VaultKey"].update(UpdateReplacePolicy="Delete"),
        "VaultKey: UpdateReplacePolicy is another",
    ),
    "a table under a condition": (
        lambda resources: resources["ToolsTable"].update(Condition="HasAlarmEmail"),
        "ToolsTable: Condition is another",
    ),
}


def test_the_last_release_is_updated_without_losing_or_replacing_anything() -> None:
    assert list(faults(read(releases()[-1]), shape_of(transformed()))) == []


def test_each_release_was_such_an_update_of_the_one_before() -> None:
    for before, after_it in pairwise(releases()):
        assert list(faults(read(before), read(after_it))) == [], after_it.stem


def test_the_files_end_with_the_version_of_the_project() -> None:
    assert releases()[-1].stem == version()


@pytest.mark.parametrize(("change", "found"), CHANGES.values(), ids=list(CHANGES))
def test_a_change_that_replaces_or_loses_is_found(change: Change, found: str) -> None:
    assert found in after(change)


@pytest.mark.parametrize(
    "change",
    [
        new_index("one"),
        lambda resources: resources.update(Further=resources["ToolsTable"]),
        properties("DueQueue", VisibilityTimeout=240),
        properties("ToolsTable", TimeToLiveSpecification={"Enabled": False}),
        properties("VaultKey", EnableKeyRotation=False),
    ],
    ids=["an index", "a table", "a timeout", "an expiry", "a rotation"],
)
def test_what_is_added_or_changed_in_place_is_allowed(change: Change) -> None:
    assert after(change) == []


@pytest.mark.parametrize("kind", FIXED)
def test_every_property_that_cloudformation_cannot_change_in_place_is_known(kind: str) -> None:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    fixed = [
        *schema.get("createOnlyProperties", []),
        *schema.get("conditionalCreateOnlyProperties", []),
    ]
    assert {path.removeprefix("/properties/") for path in fixed} <= set(FIXED[kind])


def test_every_resource_that_outlives_the_stack_is_in_the_shape() -> None:
    kept = {
        name
        for name, resource in transformed()["Resources"].items()
        if resource.get("DeletionPolicy", "").startswith("Retain")
    }
    assert kept
    assert kept <= shape_of(transformed()).keys()
