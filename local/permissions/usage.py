"""What the policies grant, cut into the smallest pieces, and which of them were used."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from local.permissions.guard import Judged
from local.permissions.policies import Ask, Policy, Statement

BY_THE_PLATFORM = frozenset({"logs:CreateLogStream", "logs:PutLogEvents"})
"""Lambda itself uses these with the function's role; here a container's output goes to a file."""


@dataclass(frozen=True, slots=True, order=True)
class Permission:
    """One action that one statement grants on one resource, for one value of its condition."""

    function: str
    sid: str
    action: str
    resource: str
    key: str = ""
    """A condition key, such as `kms:EncryptionContext:kind`; empty without a condition."""
    value: str = ""
    """One of the values that the condition allows it."""

    def __str__(self) -> str:
        """Read as a line of a report."""
        condition = f" ({self.key} = {self.value})" if self.key else ""
        return f"{self.function}.{self.sid}: {self.action} on {self.resource}{condition}"


def granted(policies: Iterable[Policy]) -> set[Permission]:
    """Return everything that the policies grant to the functions' own code."""
    return {
        permission
        for policy in policies
        for statement in policy.statements
        if statement.effect == "Allow"
        for permission in _pieces(policy.function, statement)
        if permission.action not in BY_THE_PLATFORM
    }


def used(judged: Iterable[Judged]) -> set[Permission]:
    """Return what was needed: an ask that two statements allow uses both."""
    return {
        permission
        for each in judged
        for statement in each.by
        for permission in _pieces(each.function, statement)
        if _is_meant(permission, each.ask)
    }


def _pieces(function: str, statement: Statement) -> Iterator[Permission]:
    conditions = [(key, value) for _, key, values in statement.conditions for value in values]
    for action in statement.actions:
        for resource in statement.resources:
            for key, value in conditions or [("", "")]:
                yield Permission(function, statement.sid, action, resource, key, value)


def _is_meant(permission: Permission, ask: Ask) -> bool:
    return (permission.action, permission.resource) == (ask.action, ask.resource) and (
        not permission.key or permission.value in ask.context.get(permission.key, ())
    )
