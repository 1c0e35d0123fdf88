"""Who may do what (docs: threats, T11): the whole matrix, held against the transformed template."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

from broker.vault import Kind
from tests.unit.transformed import functions, listed, of_type, statements

_UNBOUND: Mapping[str, bool] = {"SessionBindingNone": True}
_SIGNING: Mapping[str, bool] = {"HasSigningKey": True}
_ALWAYS: Mapping[str, bool] = {**_UNBOUND, **_SIGNING}


@dataclass(frozen=True)
class Grant:
    """One statement: these actions on that resource, under that condition."""

    actions: frozenset[str]
    resource: str
    condition: tuple[str, frozenset[str]] | None = None


def db(table: str, *actions: str, only: Iterable[str] = ()) -> Grant:
    named = frozenset(f"dynamodb:{action}" for action in actions)
    attributes = ("ForAllValues:StringEquals dynamodb:Attributes", frozenset(only))
    return Grant(named, table, attributes if only else None)


def kms(action: str, *kinds: str) -> Grant:
    condition = ("StringEquals kms:EncryptionContext:kind", frozenset(kinds))
    return Grant(frozenset({f"kms:{action}"}), "VaultKey", condition)


def sqs(queue: str, *actions: str) -> Grant:
    return Grant(frozenset(f"sqs:{action}" for action in actions), queue)


PUBLISH = Grant(frozenset({"events:PutEvents"}), "EventBus")
RECEIVE = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
GET, PUT, UPDATE, DELETE, QUERY = "GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"
KEY, DUE = ("user_id", "server_id"), ("due_shard", "due_at")

MATRIX = {
    "Authorize": {
        db("ServersTable", GET),
        db("ServerStateTable", GET),
        db("PendingTable", GET, PUT, UPDATE),
        kms("GenerateDataKey", "verifier"),
    },
    "Callback": {
        db("ServersTable", GET),
        db("ServerStateTable", GET),
        db("PendingTable", GET, PUT, UPDATE),
        kms("GenerateDataKey", "code"),
    },
    "McpInvoke": {
        db("ConnectionsTable", GET, UPDATE),
        db("ServersTable", GET),
        db("ServerStateTable", GET, UPDATE),
        db("ToolsTable", QUERY, PUT),
        db("PendingTable", GET, PUT, UPDATE),
        db("SessionsTable", GET),
        kms("Decrypt", "access", "refresh", "client_secret", "bearer"),
        kms("GenerateDataKey", "client_secret"),
        sqs("RescueQueue", "SendMessage"),
        PUBLISH,
    },
    "Connections": {
        db("ConnectionsTable", QUERY, GET, PUT, UPDATE, DELETE),
        db("ConnectionsTable/index/by_server", QUERY),
        db("ServersTable", GET),
        db("ServerStateTable", GET, UPDATE),
        db("PendingTable", GET, PUT, UPDATE),
        db("SessionsTable", PUT, DELETE),
        db("SessionsTable/index/by_user", QUERY),
        db("ToolsTable", DELETE),
        kms("Decrypt", "code", "verifier", "client_secret", "refresh", "access"),
        kms("GenerateDataKey", "access", "refresh", "client_secret"),
        PUBLISH,
    },
    "Servers": {
        db("ServersTable", GET, PUT, DELETE),
        db("ServersTable/index/by_list", QUERY),
        db("ConnectionsTable/index/by_server", QUERY),
        db("ConnectionsTable", GET),
        db(
            "ConnectionsTable",
            UPDATE,
            only=(*KEY, "grant_id", "generation", "status", "removing_since", *DUE, "v"),
        ),
        db("PendingTable", GET),
        db("ServerStateTable", GET, DELETE),
        db("ToolsTable", DELETE),
        kms("GenerateDataKey", "client_secret", "bearer"),
    },
    "Probe": {
        db("ServersTable", GET),
        db("ServerStateTable", GET, UPDATE),
        db("PendingTable", GET, PUT, UPDATE),
        db("ToolsTable", PUT),
        kms("Decrypt", "client_secret", "bearer", "code", "verifier", "test"),
        kms("GenerateDataKey", "test", "client_secret"),
    },
    "RefreshScheduler": {
        db("ConnectionsTable/index/due", QUERY),
        db("ConnectionsTable", UPDATE, only=(*KEY, *DUE, "claim_id", "v")),
        sqs("DueQueue", "SendMessage", "GetQueueAttributes"),
    },
    "RefreshWorker": {
        db("ConnectionsTable", GET, UPDATE, DELETE),
        db("ServersTable", GET),
        db("ServerStateTable", GET, UPDATE),
        db("ToolsTable", DELETE),
        kms("Decrypt", "access", "refresh", "client_secret"),
        sqs("DueQueue", *RECEIVE),
        sqs("RescueQueue", *RECEIVE),
        sqs("RescueQueue", "SendMessage"),
        PUBLISH,
    },
}
CALLBACK_REDEEMS = {
    db("ConnectionsTable", GET, PUT, UPDATE),
    db("ServerStateTable", UPDATE),
    kms("Decrypt", "verifier", "client_secret"),
    kms("GenerateDataKey", "access", "refresh"),
    PUBLISH,
}


def _on_assertion_key(action: str) -> Grant:
    return Grant(frozenset({f"kms:{action}"}), "AssertionKey")


SIGNS = {
    "McpInvoke": _on_assertion_key("Sign"),
    "Connections": _on_assertion_key("Sign"),
    "Probe": _on_assertion_key("Sign"),
    "RefreshWorker": _on_assertion_key("Sign"),
    "Servers": _on_assertion_key("GetPublicKey"),
}


def _resource(written: Any) -> str:
    match written:
        case {"Fn::GetAtt": [name, "Arn"]}:
            return str(name)
        case {"Fn::Sub": str(text)}:
            return text.replace("${", "").replace(".Arn}", "")
    pytest.fail(f"A resource is written as {written}")


def _condition(written: Mapping[str, Mapping[str, Any]]) -> tuple[str, frozenset[str]]:
    [(operator, tests)] = written.items()
    [(key, values)] = tests.items()
    return f"{operator} {key}", frozenset(listed(values))


def _grants(name: str, conditions: Mapping[str, bool] | None = None) -> list[Grant]:
    return [
        Grant(
            frozenset(listed(statement["Action"])),
            _resource(statement["Resource"]),
            _condition(statement["Condition"]) if "Condition" in statement else None,
        )
        for statement in statements(f"{name}FunctionRole", conditions)
        if statement["Sid"] != "WriteItsOwnLog"
    ]


@pytest.mark.parametrize("name", MATRIX)
def test_a_function_may_do_what_the_matrix_says_and_nothing_else(name: str) -> None:
    grants = _grants(name)
    assert set(grants) == MATRIX[name]
    assert len(grants) == len(MATRIX[name])


def test_the_callback_redeems_codes_only_where_session_binding_is_opted_out() -> None:
    assert set(_grants("Callback", _UNBOUND)) == MATRIX["Callback"] | CALLBACK_REDEEMS
    for name in MATRIX.keys() - {"Callback"}:
        assert _grants(name, _UNBOUND) == _grants(name)


def test_the_assertion_key_is_used_by_who_requests_tokens_and_shown_by_the_registry() -> None:
    for name, always in MATRIX.items():
        gained = set(_grants(name, _SIGNING)) - always
        assert gained == ({SIGNS[name]} if name in SIGNS else set()), name
    unbound = MATRIX["Callback"] | CALLBACK_REDEEMS
    assert set(_grants("Callback", _ALWAYS)) - unbound == {_on_assertion_key("Sign")}


def test_every_function_has_a_role_of_its_own_and_the_matrix_knows_all_of_them() -> None:
    roles = {name: function["Role"] for name, function in functions().items()}
    assert roles == {
        f"{name}Function": {"Fn::GetAtt": [f"{name}FunctionRole", "Arn"]} for name in MATRIX
    }


def test_a_role_is_its_inline_policies_and_is_assumed_by_its_service_alone() -> None:
    for name, role in of_type("AWS::IAM::Role").items():
        # No managed policy, no boundary: nothing that adds or takes away beside the statements.
        assert role.keys() <= {"AssumeRolePolicyDocument", "Policies", "Tags"}, name
        [trust] = role["AssumeRolePolicyDocument"]["Statement"]
        service = "scheduler" if name == "RefreshSchedulerFunctionEachMinuteRole" else "lambda"
        stated = {key: listed(value) for key, value in trust.items() if key != "Principal"}
        assert stated == {"Effect": ["Allow"], "Action": ["sts:AssumeRole"]}, name
        assert trust["Principal"].keys() == {"Service"}, name
        assert listed(trust["Principal"]["Service"]) == [f"{service}.amazonaws.com"], name


def test_nothing_else_gives_a_role_a_permission_or_takes_one_from_it() -> None:
    for kind in ("AWS::IAM::Policy", "AWS::IAM::RolePolicy", "AWS::KMS::Grant"):
        assert of_type(kind) == {}
    for name, policy in of_type("AWS::IAM::ManagedPolicy").items():
        assert policy.keys() <= {"Description", "PolicyDocument"}, name
    for name, table in of_type("AWS::DynamoDB::Table").items():
        assert "ResourcePolicy" not in table, name
    for kind in ("AWS::Events::EventBusPolicy", "AWS::Lambda::LayerVersionPermission"):
        assert of_type(kind) == {}


def test_no_role_has_a_wildcard_but_for_the_streams_of_its_own_log() -> None:
    for name in of_type("AWS::IAM::Role"):
        for statement in statements(name, _ALWAYS):
            assert statement.keys() <= {"Sid", "Effect", "Action", "Resource", "Condition"}, name
            assert statement["Effect"] == "Allow", name
            if statement.get("Sid") != "WriteItsOwnLog":
                assert "*" not in json.dumps(statement), name


def test_lambda_polls_a_queue_with_what_its_own_managed_policy_would_allow() -> None:
    [managed] = json.loads(aws_managed_policies_data)["AWSLambdaSQSQueueExecutionRole"]["Document"][
        "Statement"
    ]
    assert {f"sqs:{action}" for action in RECEIVE} == {
        action for action in managed["Action"] if action.startswith("sqs:")
    }


@pytest.mark.parametrize("name", MATRIX)
def test_a_function_writes_its_own_log_and_no_other(name: str) -> None:
    [log] = [s for s in statements(f"{name}FunctionRole") if s["Sid"] == "WriteItsOwnLog"]
    streams = (
        "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:"
        f"${{{name}LogGroup}}:log-stream:*"
    )
    assert log["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert log["Resource"] == {"Fn::Sub": streams}
    assert functions()[f"{name}Function"]["LoggingConfig"] == {
        "LogGroup": {"Ref": f"{name}LogGroup"}
    }


def test_every_statement_says_why_and_says_it_once() -> None:
    for name in MATRIX:
        sids = [statement["Sid"] for statement in statements(f"{name}FunctionRole", _ALWAYS)]
        assert len(sids) == len(set(sids)), name
        assert all(sid.isalnum() for sid in sids), name


def test_no_function_may_scan() -> None:
    roles = of_type("AWS::IAM::Role")
    assert "dynamodb:Scan" not in json.dumps(roles)
    assert "PartiQL" not in json.dumps(roles)


def test_the_key_is_used_under_a_kind_that_the_vault_knows_and_only_to_wrap_and_unwrap() -> None:
    for name in of_type("AWS::IAM::Role"):
        for statement in statements(name, _UNBOUND):
            actions = {
                action for action in listed(statement["Action"]) if action.startswith("kms:")
            }
            if actions:
                assert actions <= {"kms:Decrypt", "kms:GenerateDataKey"}, name
                _, kinds = _condition(statement["Condition"])
                assert kinds <= set(Kind), name


def test_the_schedule_may_invoke_the_scheduler_and_nothing_else() -> None:
    [invoke] = statements("RefreshSchedulerFunctionEachMinuteRole")
    assert listed(invoke["Action"]) == ["lambda:InvokeFunction"]
    assert invoke["Resource"] == {"Fn::GetAtt": ["RefreshSchedulerFunction", "Arn"]}


def test_the_key_policy_is_the_one_exemption_and_names_the_account_alone() -> None:
    for key in of_type("AWS::KMS::Key").values():
        assert "Enabled" not in key  # it is, unless somebody says otherwise
        [statement] = key["KeyPolicy"]["Statement"]
        assert statement == {
            "Sid": "LetTheAccountAdministerItsKey",
            "Effect": "Allow",
            "Principal": {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}},
            "Action": "kms:*",
            "Resource": "*",
        }
