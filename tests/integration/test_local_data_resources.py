"""Each data resource of the template is there, at its own service, as the template has it.

The local services skip what they do not know, without a word: a type, or a property. What no
service here can show is asserted on the template, and docs/deploy.md lists it.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.account import ACCOUNT
from local.aws import _DATA
from local.deployment import Deployment
from local.stack import LocalStack
from tests.unit.transformed import of_type, transformed

LOOKED_UP = {
    "AWS::DynamoDB::Table",
    "AWS::Events::EventBus",
    "AWS::KMS::Alias",
    "AWS::KMS::Key",
    "AWS::SQS::Queue",
}
DAYS_14 = str(14 * 24 * 3600)


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("data")
    with LocalStack(third_parties=False, run_folder=folder) as stack:
        yield stack.deployment()


def described(deployment: Deployment, table: str) -> dict[str, Any]:
    found: dict[str, Any] = deployment.aws.client("dynamodb").describe_table(
        TableName=deployment.physical_id(table)
    )["Table"]
    return found


def indexes(table: dict[str, Any]) -> dict[str, Any]:
    return {
        each["IndexName"]: (each["KeySchema"], each["Projection"]["ProjectionType"])
        for each in table.get("GlobalSecondaryIndexes", [])
    }


def attributes(deployment: Deployment, queue: str) -> dict[str, str]:
    found: dict[str, str] = deployment.aws.client("sqs").get_queue_attributes(
        QueueUrl=deployment.physical_id(queue), AttributeNames=["All"]
    )["Attributes"]
    return found


def test_every_type_that_holds_data_is_looked_up_below() -> None:
    assert LOOKED_UP == _DATA
    stateful = {each["Type"] for each in transformed()["Resources"].values()}
    assert stateful >= LOOKED_UP


@pytest.mark.parametrize("name", of_type("AWS::DynamoDB::Table"))
def test_a_table_has_its_keys_and_indexes(deployment: Deployment, name: str) -> None:
    table, declared = described(deployment, name), of_type("AWS::DynamoDB::Table")[name]
    assert table["TableStatus"] == "ACTIVE"
    assert table["KeySchema"] == declared["KeySchema"]
    assert indexes(table) == indexes(declared)
    by_name = {each["AttributeName"]: each["AttributeType"] for each in declared_types(declared)}
    assert {
        each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]
    } == by_name
    assert table["BillingModeSummary"]["BillingMode"] == declared["BillingMode"]


def declared_types(declared: dict[str, Any]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = declared["AttributeDefinitions"]
    return found


def test_no_two_resources_are_one(deployment: Deployment) -> None:
    names = [n for kind in LOOKED_UP - {"AWS::KMS::Alias"} for n in of_type(kind)]
    assert len(names) == 12
    assert len({deployment.physical_id(name) for name in names}) == len(names)


def test_the_key_is_enabled_and_rotates(deployment: Deployment) -> None:
    kms, key = deployment.aws.client("kms"), deployment.physical_id("VaultKey")
    found = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert (found["KeyState"], found["KeySpec"], found["KeyUsage"]) == (
        "Enabled",
        "SYMMETRIC_DEFAULT",
        "ENCRYPT_DECRYPT",
    )
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is True


def test_the_key_lets_the_account_administer_it_and_nobody_else(deployment: Deployment) -> None:
    kms, key = deployment.aws.client("kms"), deployment.physical_id("VaultKey")
    policy = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    [statement] = policy["Statement"]
    assert statement["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}


def test_the_key_of_assertions_can_sign_and_do_nothing_else(deployment: Deployment) -> None:
    kms, key = deployment.aws.client("kms"), deployment.physical_id("AssertionKey")
    found = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert (found["KeySpec"], found["KeyUsage"]) == ("RSA_2048", "SIGN_VERIFY")
    assert "RSASSA_PKCS1_V1_5_SHA_256" in found["SigningAlgorithms"]


def test_the_alias_leads_to_the_key(deployment: Deployment) -> None:
    aliases = deployment.aws.client("kms").list_aliases()["Aliases"]
    [target] = [each["TargetKeyId"] for each in aliases if each["AliasName"].endswith("-vault")]
    assert target == deployment.physical_id("VaultKey")


def test_the_due_queue_sets_aside_what_fails_five_times(deployment: Deployment) -> None:
    due, aside = (attributes(deployment, name) for name in ("DueQueue", "DueDeadLetterQueue"))
    assert due["VisibilityTimeout"] == "180"
    assert f'"deadLetterTargetArn": "{aside["QueueArn"]}"' in due["RedrivePolicy"]
    assert '"maxReceiveCount": 5' in due["RedrivePolicy"]


def test_the_rescue_queue_delivers_every_thirty_seconds_and_gives_up_nothing(
    deployment: Deployment,
) -> None:
    rescue = attributes(deployment, "RescueQueue")
    assert rescue["VisibilityTimeout"] == "30"
    assert "RedrivePolicy" not in rescue


@pytest.mark.parametrize("name", of_type("AWS::SQS::Queue"))
def test_a_queue_keeps_fourteen_days(deployment: Deployment, name: str) -> None:
    assert attributes(deployment, name)["MessageRetentionPeriod"] == DAYS_14


def test_the_event_bus_has_the_name_of_the_stack(deployment: Deployment) -> None:
    name = deployment.physical_id("EventBus")
    found = deployment.aws.client("events").describe_event_bus(Name=name)
    assert found["Name"] == name == deployment.template.intrinsics.stack_name
