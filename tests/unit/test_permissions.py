"""The judge in front of the local stack's services: as strict as IAM."""

from pathlib import Path
from typing import Any

import pytest

from local.account import REGION
from local.permissions import Ask, Judged, Permission, Policy, Statement, granted, policies_of, used
from local.permissions.asks import asks_of
from local.permissions.matrix import matrix
from local.permissions.policies import UnknownPolicyError
from local.template import Template
from tests.unit.transformed import ROOT, TEMPLATE

TABLE = "arn:aws:dynamodb:eu-central-1:123456789012:table/t"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/k"
READ: dict[str, Any] = {
    "Sid": "Read",
    "Effect": "Allow",
    "Action": "dynamodb:GetItem",
    "Resource": TABLE,
}
OPEN: dict[str, Any] = {
    "Sid": "Open",
    "Effect": "Allow",
    "Action": ["kms:Decrypt"],
    "Resource": [KEY],
    "Condition": {"StringEquals": {"kms:EncryptionContext:kind": ["access", "refresh"]}},
}
CHANGE: dict[str, Any] = {
    "Sid": "Change",
    "Effect": "Allow",
    "Action": "dynamodb:UpdateItem",
    "Resource": TABLE,
    "Condition": {"ForAllValues:StringEquals": {"dynamodb:Attributes": ["id", "due_at"]}},
}


def _policy(*written: dict[str, Any]) -> Policy:
    return Policy("F", tuple(Statement.read(each) for each in written))


def _may(ask: Ask, *written: dict[str, Any]) -> bool:
    return bool(_policy(*written).allowing(ask))


def _decrypt(**context: str) -> Ask:
    keys = {f"kms:EncryptionContext:{name}": (value,) for name, value in context.items()}
    return Ask("kms:Decrypt", KEY, keys)


@pytest.mark.parametrize(
    ("ask", "allowed"),
    [
        (Ask("dynamodb:GetItem", TABLE), True),
        (Ask("dynamodb:PutItem", TABLE), False),
        (Ask("dynamodb:GetItem", TABLE + "2"), False),
        (Ask("dynamodb:GetItem", TABLE + "/index/due"), False),
    ],
)
def test_an_action_is_allowed_on_the_resource_that_is_named(ask: Ask, *, allowed: bool) -> None:
    assert _may(ask, READ) is allowed


def test_without_a_statement_nothing_is_allowed() -> None:
    assert not _may(Ask("dynamodb:GetItem", TABLE))


def test_a_denial_wins() -> None:
    ask = Ask("dynamodb:GetItem", TABLE)
    assert not _may(ask, READ, READ | {"Sid": "No", "Effect": "Deny", "Action": "dynamodb:*"})


def test_a_wildcard_stands_for_any_text() -> None:
    anywhere = READ | {"Action": "dynamodb:Get*", "Resource": "arn:aws:dynamodb:*:table/t"}
    assert _may(Ask("dynamodb:GetItem", TABLE), anywhere)
    assert not _may(Ask("dynamodb:PutItem", TABLE), anywhere)


@pytest.mark.parametrize(
    ("ask", "allowed"),
    [
        (_decrypt(kind="access", server_id="s"), True),
        (_decrypt(kind="refresh"), True),
        (_decrypt(kind="client_secret"), False),
        (_decrypt(server_id="access"), False),
        (_decrypt(), False),
    ],
)
def test_a_key_opens_the_kinds_that_are_named(ask: Ask, *, allowed: bool) -> None:
    assert _may(ask, OPEN) is allowed


@pytest.mark.parametrize(
    ("attributes", "allowed"),
    [
        (("id",), True),
        (("due_at", "id"), True),
        (("due_at", "id", "status"), False),
        ((), True),
    ],
)
def test_a_list_of_attributes_must_hold_all_that_a_request_names(
    attributes: tuple[str, ...], *, allowed: bool
) -> None:
    ask = Ask("dynamodb:UpdateItem", TABLE, {"dynamodb:Attributes": attributes})
    assert _may(ask, CHANGE) is allowed


@pytest.mark.parametrize(
    "unknown",
    [
        {"Condition": {"StringLike": {"kms:EncryptionContext:kind": "a*"}}},
        {"NotAction": "kms:Encrypt"},
        {"Principal": "*"},
    ],
)
def test_a_policy_that_cannot_be_judged_is_refused(unknown: dict[str, Any]) -> None:
    with pytest.raises(UnknownPolicyError):
        Statement.read(OPEN | unknown)


def test_an_update_asks_for_every_attribute_it_names() -> None:
    [ask] = asks_of(
        "DynamoDB_20120810.UpdateItem",
        {
            "TableName": "t",
            "Key": {"id": {"S": "1"}},
            "UpdateExpression": "SET #a = :a, plain = if_not_exists(other, :b) REMOVE gone.deep",
            "ConditionExpression": "attribute_exists(#b) AND size(#c) > :n",
            "ExpressionAttributeNames": {"#a": "first", "#b": "second", "#c": "third"},
        },
    )
    assert (ask.action, ask.resource) == ("dynamodb:UpdateItem", TABLE)
    assert set(ask.context["dynamodb:Attributes"]) == {
        *("id", "first", "second", "third"),
        *("plain", "other", "gone"),
    }


def test_a_query_of_an_index_asks_for_the_index() -> None:
    [ask] = asks_of("DynamoDB_20120810.Query", {"TableName": "t", "IndexName": "due"})
    assert ask.resource == f"{TABLE}/index/due"


def test_a_decrypt_that_names_no_key_asks_for_any() -> None:
    [ask] = asks_of("TrentService.Decrypt", {"EncryptionContext": {"kind": "access"}})
    assert not _may(ask, OPEN)
    [named] = asks_of(
        "TrentService.Decrypt", {"KeyId": KEY, "EncryptionContext": {"kind": "access"}}
    )
    assert _may(named, OPEN)


@pytest.mark.parametrize("operation", ["SendMessage", "SendMessageBatch"])
def test_a_batch_needs_the_permission_of_its_single_operation(operation: str) -> None:
    url = "http://127.0.0.1:1/123456789012/q"
    [ask] = asks_of(f"AmazonSQS.{operation}", {"QueueUrl": url})
    assert ask == Ask("sqs:SendMessage", "arn:aws:sqs:eu-central-1:123456789012:q")


def test_events_ask_for_each_bus_they_go_to() -> None:
    entries = [{"EventBusName": "one"}, {"EventBusName": "one"}, {"Source": "x"}]
    asks = asks_of("AWSEvents.PutEvents", {"Entries": entries})
    assert [ask.resource.rpartition(":")[2] for ask in asks] == [
        "event-bus/default",
        "event-bus/one",
    ]


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("", {}),
        ("AmazonSSM.GetParameter", {}),
        ("DynamoDB_20120810.BatchGetItem", {"RequestItems": {}}),
        ("DynamoDB_20120810.UpdateItem", {"TableName": "t", "AttributeUpdates": {"access": {}}}),
        ("AWSEvents.PutEvents", {"Entries": []}),
    ],
)
def test_a_request_that_is_not_understood_is_not_judged(target: str, body: dict[str, Any]) -> None:
    with pytest.raises(LookupError):
        asks_of(target, body)


def test_a_queue_of_another_account_is_another_queue() -> None:
    url = "https://sqs.eu-central-1.amazonaws.com/999999999999/q"
    [ask] = asks_of("AmazonSQS.SendMessage", {"QueueUrl": url})
    assert ask.resource == "arn:aws:sqs:eu-central-1:999999999999:q"


def test_the_case_of_a_condition_key_does_not_matter() -> None:
    written = {"ForAllValues:StringEquals": {"dynamodb:attributes": ["id"]}}
    ask = Ask("dynamodb:UpdateItem", TABLE, {"dynamodb:Attributes": ("id", "access")})
    assert not _may(ask, CHANGE | {"Condition": written})


def test_what_is_granted_is_counted_by_action_and_by_value() -> None:
    assert granted([_policy(READ, OPEN)]) == {
        Permission("F", "Read", "dynamodb:GetItem", TABLE),
        Permission("F", "Open", "kms:Decrypt", KEY, "kms:EncryptionContext:kind", "access"),
        Permission("F", "Open", "kms:Decrypt", KEY, "kms:EncryptionContext:kind", "refresh"),
    }


def test_what_is_used_is_what_a_request_needed_and_no_more() -> None:
    policy, ask = _policy(READ, OPEN), _decrypt(kind="access", server_id="refresh")
    [permission] = used([Judged("F", ask, policy.allowing(ask))])
    assert permission.value == "access"


def test_every_function_of_the_template_has_a_policy_that_can_be_judged() -> None:
    policies = policies_of(Template.load(TEMPLATE, {}, REGION))
    assert len(policies) == 8
    assert all(policy.statements for policy in policies.values())


def test_the_page_of_permissions_is_the_templates() -> None:
    page = Path(ROOT / "docs" / "security" / "permissions.md").read_text(encoding="utf-8")
    assert page == matrix(TEMPLATE), "make permissions"
