"""The policy of a function's role, and what IAM would say by it.

(IAM user guide, "Policy evaluation logic" and "Condition operators".)
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from local.template import Template

type Context = Mapping[str, tuple[str, ...]]


_CASE = {key.lower(): key for key in ("dynamodb:Attributes", "kms:EncryptionContext:kind")}
"""A key's case does not matter; they are compared as the requests name them."""


class UnknownPolicyError(Exception):
    """A policy says something that is not judged here, so nothing may be concluded from it."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One action on one resource, with the condition keys that its request carries."""

    action: str
    """`dynamodb:GetItem`"""
    resource: str
    """An ARN."""
    context: Context = field(default_factory=dict)
    key: tuple[str, ...] = ()
    """The key of the item that it names, if any; no policy is judged by it."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy."""

    sid: str
    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    """Operator, condition key, values; all of them must hold."""

    @classmethod
    def read(cls, written: Mapping[str, Any]) -> Self:
        """Read a resolved statement; raise UnknownPolicyError."""
        known = {"Sid", "Effect", "Action", "Resource", "Condition"}
        if surplus := written.keys() - known:
            raise UnknownPolicyError(f"{sorted(surplus)} in {written.get('Sid')}")
        conditions = [
            (operator, _CASE.get(key.lower(), key), tuple(_listed(values)))
            for operator, tests in written.get("Condition", {}).items()
            for key, values in tests.items()
        ]
        if unknown := {operator for operator, _, _ in conditions} - _OPERATORS.keys():
            raise UnknownPolicyError(f"{sorted(unknown)} in {written.get('Sid')}")
        return cls(
            sid=str(written.get("Sid", "")),
            effect=str(written["Effect"]),
            actions=tuple(_listed(written["Action"])),
            resources=tuple(_listed(written["Resource"])),
            conditions=tuple(conditions),
        )

    def applies_to(self, ask: Ask) -> bool:
        """Judge action, resource and conditions; an action's case does not matter."""
        return (
            any(_fits(pattern.lower(), ask.action.lower()) for pattern in self.actions)
            and any(_fits(pattern, ask.resource) for pattern in self.resources)
            and all(
                _OPERATORS[operator](values, ask.context.get(key, ()))
                for operator, key, values in self.conditions
            )
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """What one function may do."""

    function: str
    """Logical id."""
    statements: tuple[Statement, ...]

    def allowing(self, ask: Ask) -> tuple[Statement, ...]:
        """Return the statements by which it is allowed; none: it is denied.

        A denial wins over every permission; what no statement allows is denied.
        """
        applicable = [each for each in self.statements if each.applies_to(ask)]
        if any(each.effect != "Allow" for each in applicable):
            return ()
        return tuple(applicable)


def policies_of(template: Template) -> dict[str, Policy]:
    """Return each function's policy by its logical id: the inline policies of its role.

    Managed policies are not looked into; a role of ours has none, which a test sees to.
    """
    roles = dict(template.of_type("AWS::IAM::Role"))
    return {
        logical_id: Policy(logical_id, tuple(_statements(template, roles, properties["Role"])))
        for logical_id, properties in template.of_type("AWS::Lambda::Function")
    }


def _statements(
    template: Template, roles: Mapping[str, Any], reference: Any
) -> Iterable[Statement]:
    match reference:
        case {"Fn::GetAtt": [str(name), "Arn"]}:
            for policy in template.resolve(roles[name].get("Policies", [])):
                yield from map(Statement.read, _listed(policy["PolicyDocument"]["Statement"]))
        case _:
            raise UnknownPolicyError(f"A role is written as {reference}.")


def _string_equals(values: tuple[str, ...], given: tuple[str, ...]) -> bool:
    """Hold where the one value that the request carries is among those named; not without one."""
    return len(given) == 1 and given[0] in values


def _for_all_values(values: tuple[str, ...], given: tuple[str, ...]) -> bool:
    """Hold where every value is among those named; also, as in IAM, where there is none."""
    return set(given) <= set(values)


_OPERATORS: Mapping[str, Callable[[tuple[str, ...], tuple[str, ...]], bool]] = {
    "ForAllValues:StringEquals": _for_all_values,
    "StringEquals": _string_equals,
}


def _fits(pattern: str, text: str) -> bool:
    wildcards = {"*": ".*", "?": "."}
    expression = "".join(wildcards.get(character, re.escape(character)) for character in pattern)
    return re.fullmatch(expression, text, re.DOTALL) is not None


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
