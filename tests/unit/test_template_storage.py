"""What is kept, and how: tables, queues, the key and the bus."""

from typing import Any

import pytest

from tests.unit.transformed import functions, of_type, transformed

KEYS = {
    "ServersTable": ("server_id S",),
    "ServerStateTable": ("server_id S",),
    "ConnectionsTable": ("user_id S", "server_id S"),
    "PendingTable": ("id S",),
    "ToolsTable": ("server_id S", "part S"),
    "SessionsTable": ("session_id S",),
}
INDEXES = {
    ("ServersTable", "by_list"): (("listed S", "server_id S"), "ALL"),
    ("ConnectionsTable", "due"): (("due_shard N", "due_at N"), "KEYS_ONLY"),
    ("ConnectionsTable", "by_server"): (("server_id S", "user_id S"), "KEYS_ONLY"),
    ("SessionsTable", "by_user"): (("user_id S",), "KEYS_ONLY"),
}
KEPT = (*KEYS, "VaultKey")
FOURTEEN_DAYS = 14 * 24 * 3600


def _tables() -> dict[str, dict[str, Any]]:
    return of_type("AWS::DynamoDB::Table")


def _key(table: dict[str, Any], schema: list[dict[str, str]]) -> tuple[str, ...]:
    """Return hash and range key with their types; fail if they stand in another order."""
    assert [part["KeyType"] for part in schema] == ["HASH", "RANGE"][: len(schema)]
    types = {a["AttributeName"]: a["AttributeType"] for a in table["AttributeDefinitions"]}
    return tuple(f"{part['AttributeName']} {types[part['AttributeName']]}" for part in schema)


def test_each_table_has_its_key() -> None:
    assert {name: _key(table, table["KeySchema"]) for name, table in _tables().items()} == KEYS


def test_each_index_has_its_key_and_carries_no_more_than_it_must() -> None:
    found = {
        (name, index["IndexName"]): (
            _key(table, index["KeySchema"]),
            index["Projection"]["ProjectionType"],
        )
        for name, table in _tables().items()
        for index in table.get("GlobalSecondaryIndexes", [])
    }
    assert found == INDEXES


def test_what_is_pending_and_cached_expires_by_itself() -> None:
    expiring = {
        name: table["TimeToLiveSpecification"]
        for name, table in _tables().items()
        if "TimeToLiveSpecification" in table
    }
    by_ttl = {"AttributeName": "ttl", "Enabled": True}
    assert expiring == {"PendingTable": by_ttl, "SessionsTable": by_ttl, "ToolsTable": by_ttl}


def test_connections_and_servers_can_be_recovered_for_seven_days_and_nothing_else_can() -> None:
    recoverable = {
        name: table["PointInTimeRecoverySpecification"]
        for name, table in _tables().items()
        if "PointInTimeRecoverySpecification" in table
    }
    week = {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 7}
    assert recoverable == {"ServersTable": week, "ConnectionsTable": week}


def test_tables_are_paid_by_request_and_encrypted_with_keys_that_aws_owns() -> None:
    for name, table in _tables().items():
        assert table["BillingMode"] == "PAY_PER_REQUEST", name
        assert "SSESpecification" not in table, name


@pytest.mark.parametrize("name", KEPT)
def test_what_cannot_be_made_again_outlives_the_stack(name: str) -> None:
    resource = transformed()["Resources"][name]
    assert resource["UpdateReplacePolicy"] == "Retain"
    # Of a first deployment that fails, nothing stays: there would be a key to pay for and tables
    # that no stack knows. Whatever has once been deployed is retained.
    assert resource["DeletionPolicy"] == "RetainExceptOnCreate"


def test_the_vaults_key_rotates_and_waits_a_month_before_it_is_deleted() -> None:
    key = of_type("AWS::KMS::Key")["VaultKey"]
    assert key["EnableKeyRotation"] is True
    assert key["PendingWindowInDays"] == 30
    [alias] = of_type("AWS::KMS::Alias").values()
    assert alias["TargetKeyId"] == {"Ref": "VaultKey"}


def test_there_is_a_key_that_signs_only_where_it_is_asked_for() -> None:
    resource = transformed()["Resources"]["AssertionKey"]
    assert resource["Condition"] == "HasSigningKey"
    wanted = {"Fn::Equals": [{"Ref": "SigningKey"}, "create"]}
    assert transformed()["Conditions"]["HasSigningKey"] == wanted
    assert transformed()["Parameters"]["SigningKey"]["Default"] == "none"
    key = resource["Properties"]
    assert (key["KeySpec"], key["KeyUsage"]) == ("RSA_2048", "SIGN_VERIFY")
    assert key["PendingWindowInDays"] == 30


def test_a_due_message_stays_invisible_six_times_as_long_as_a_worker_may_take() -> None:
    worker = functions()["RefreshWorkerFunction"]
    due = of_type("AWS::SQS::Queue")["DueQueue"]
    assert worker["Timeout"] == 30
    assert due["VisibilityTimeout"] == 180 >= 6 * worker["Timeout"]


def test_a_due_message_that_fails_five_times_goes_to_the_dead_letter_queue() -> None:
    assert of_type("AWS::SQS::Queue")["DueQueue"]["RedrivePolicy"] == {
        "deadLetterTargetArn": {"Fn::GetAtt": ["DueDeadLetterQueue", "Arn"]},
        "maxReceiveCount": 5,
    }


def test_a_rescued_token_set_is_tried_every_thirty_seconds_and_never_given_up() -> None:
    rescue = of_type("AWS::SQS::Queue")["RescueQueue"]
    assert rescue["VisibilityTimeout"] == 30
    assert rescue["MessageRetentionPeriod"] == FOURTEEN_DAYS
    assert "RedrivePolicy" not in rescue


def test_queues_keep_fourteen_days_encrypt_and_refuse_plain_http() -> None:
    queues = of_type("AWS::SQS::Queue")
    assert queues.keys() == {"DueQueue", "DueDeadLetterQueue", "RescueQueue"}
    policies = of_type("AWS::SQS::QueuePolicy").values()
    guarded = {policy["Queues"][0]["Ref"]: policy for policy in policies}
    for name, queue in queues.items():
        assert queue["MessageRetentionPeriod"] == FOURTEEN_DAYS
        assert queue["SqsManagedSseEnabled"] is True
        [refusal] = guarded[name]["PolicyDocument"]["Statement"]
        assert refusal["Effect"] == "Deny"
        assert refusal["Principal"] == "*"
        assert refusal["Action"] == "sqs:*"
        assert refusal["Resource"] == {"Fn::GetAtt": [name, "Arn"]}
        assert refusal["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
