"""CloudFormation's intrinsic functions, as far as templates like ours use them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.account import ACCOUNT, PARTITION

# Service, whether the ARN names the region, and what follows the account.
_ARNS: Mapping[str, tuple[str, bool, str]] = {
    "AWS::DynamoDB::Table": ("dynamodb", True, "table/{}"),
    "AWS::Events::EventBus": ("events", True, "event-bus/{}"),
    "AWS::IAM::Role": ("iam", False, "role/{}"),
    "AWS::KMS::Key": ("kms", True, "key/{}"),
    "AWS::Lambda::Function": ("lambda", True, "function:{}"),
    "AWS::Logs::LogGroup": ("logs", True, "log-group:{}:*"),
    "AWS::SNS::Topic": ("sns", True, "{}"),
    "AWS::SQS::Queue": ("sqs", True, "{}"),
}
_VARIABLE = re.compile(r"\$\{(!?[^{}]+)\}")


class UnresolvableError(Exception):
    """A template uses a function, or refers to something, that is not known here."""


class _NoValue:
    """AWS::NoValue: its property is left out."""


_NO_VALUE = _NoValue()


@dataclass(frozen=True)
class Intrinsics:
    """Resolves expressions of one template under given parameters and physical ids."""

    parameters: Mapping[str, Any]
    conditions: Mapping[str, Any]
    mappings: Mapping[str, Any]
    types: Mapping[str, str]
    """Logical id → resource type."""
    region: str
    stack_name: str
    physical_ids: Mapping[str, str] = field(default_factory=dict)

    def resolve(self, value: Any) -> Any:
        """Return the value with every intrinsic function in it carried out."""
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not _NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            if name == "Ref":
                return self._ref(argument)
            if name.startswith("Fn::"):
                return self._function(name)(argument)
        resolved = {name: self.resolve(item) for name, item in value.items()}
        return {name: item for name, item in resolved.items() if item is not _NO_VALUE}

    def holds(self, condition: str) -> bool:
        """Judge a condition by its name."""
        return self._judge(self.conditions[condition])

    def arn(self, logical_id: str) -> str:
        """Return the ARN of a resource."""
        kind = self.types[logical_id]
        if kind not in _ARNS:
            raise UnresolvableError(f"The ARN of a {kind} ({logical_id}) is not known here.")
        service, regional, rest = _ARNS[kind]
        name = self.physical_id(logical_id).rpartition("/")[2]
        region = self.region if regional else ""
        return f"arn:{PARTITION}:{service}:{region}:{ACCOUNT}:{rest.format(name)}"

    def physical_id(self, logical_id: str) -> str:
        """Return the id that a Ref gives; for what is not really made here, a made-up one."""
        return self.physical_ids.get(logical_id, f"{self.stack_name}-{logical_id}")

    def _ref(self, name: str) -> Any:
        pseudo: dict[str, Any] = {
            "AWS::AccountId": ACCOUNT,
            "AWS::NoValue": _NO_VALUE,
            "AWS::Partition": PARTITION,
            "AWS::Region": self.region,
            "AWS::StackName": self.stack_name,
            "AWS::URLSuffix": "amazonaws.com",
        }
        if name in pseudo:
            return pseudo[name]
        if name in self.parameters:
            return self.parameters[name]
        if name in self.types:
            return self.physical_id(name)
        raise UnresolvableError(f"Nothing is called {name}.")

    def _function(self, name: str) -> Callable[[Any], Any]:
        functions: dict[str, Callable[[Any], Any]] = {
            "Fn::FindInMap": self._find_in_map,
            "Fn::GetAtt": self._get_att,
            "Fn::If": self._if,
            "Fn::Join": self._join,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::Sub": self._sub,
        }
        if name not in functions:
            raise UnresolvableError(f"{name} is not known here.")
        return functions[name]

    def _find_in_map(self, path: list[Any]) -> Any:
        name, first, second = self.resolve(path)
        return self.mappings[name][first][second]

    def _get_att(self, path: list[str] | str) -> str:
        logical_id, _, attribute = (path if isinstance(path, str) else ".".join(path)).partition(
            "."
        )
        if attribute == "Arn":
            return self.arn(logical_id)
        if attribute in {"Name", "QueueName", "TopicName"}:
            return self.physical_id(logical_id).rpartition("/")[2]
        if attribute in {"QueueUrl", "KeyId"}:
            return self.physical_id(logical_id)
        raise UnresolvableError(f"{logical_id}.{attribute} is not known here.")

    def _if(self, argument: list[Any]) -> Any:
        condition, yes, no = argument
        return self.resolve(yes if self.holds(condition) else no)

    def _join(self, argument: list[Any]) -> str:
        separator, parts = argument
        return str(separator).join(str(part) for part in self.resolve(parts))

    def _select(self, argument: list[Any]) -> Any:
        index, items = self.resolve(argument)
        return items[int(index)]

    def _split(self, argument: list[Any]) -> list[str]:
        separator, text = self.resolve(argument)
        return str(text).split(separator)

    def _sub(self, argument: list[Any] | str) -> str:
        text, local = (argument, {}) if isinstance(argument, str) else argument

        def value(match: re.Match[str]) -> str:
            name = match[1].strip()
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            if name in local:
                return str(self.resolve(local[name]))
            return str(self._get_att(name) if "." in name else self._ref(name))

        return _VARIABLE.sub(value, text)

    def _judge(self, expression: Any) -> bool:
        name, argument = next(iter(expression.items()))
        if name == "Condition":
            return self.holds(argument)
        if name == "Fn::Equals":
            left, right = self.resolve(argument)
            return str(left) == str(right)
        if name == "Fn::Not":
            return not self._judge(argument[0])
        if name in {"Fn::And", "Fn::Or"}:
            judgements = [self._judge(item) for item in argument]
            return all(judgements) if name == "Fn::And" else any(judgements)
        raise UnresolvableError(f"A condition cannot be made of {name}.")
