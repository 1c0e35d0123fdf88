"""Who may call which routes: the managed policies of chat backend and builder."""

import pytest

from tests.unit.transformed import of_type

API = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/$default/"


@pytest.mark.parametrize(
    ("policy", "paths"),
    [
        (
            "ChatBackendPolicy",
            [
                "POST/v1/invoke",
                "GET/v1/servers/*/tools",
                "*/v1/connections",
                "*/v1/connections/*",
                "POST/v1/sessions",
                "DELETE/v1/sessions/*",
            ],
        ),
        (
            "BuilderPolicy",
            [
                "POST/v1/discover",
                "GET/v1/presets",
                "GET/v1/presets/*",
                "*/v1/servers",
                "*/v1/servers/*",
            ],
        ),
    ],
)
def test_a_caller_may_call_its_own_routes_of_this_api(policy: str, paths: list[str]) -> None:
    document = of_type("AWS::IAM::ManagedPolicy")[policy]["PolicyDocument"]
    allows = [s for s in document["Statement"] if s["Effect"] == "Allow"]
    granted = [(s["Action"], r) for s in allows for r in s["Resource"]]
    assert granted == [("execute-api:Invoke", {"Fn::Sub": API + path}) for path in paths]


def test_a_builder_is_denied_the_one_route_there_that_acts_as_a_user() -> None:
    document = of_type("AWS::IAM::ManagedPolicy")["BuilderPolicy"]["PolicyDocument"]
    [denial] = [s for s in document["Statement"] if s["Effect"] == "Deny"]
    assert denial["Action"] == "execute-api:Invoke"
    assert denial["Resource"] == {"Fn::Sub": API + "GET/v1/servers/*/tools"}
