"""Who may do what, as a page for people: made from the template, so that it cannot be wrong."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from local.account import REGION
from local.permissions.policies import Policy, Statement, policies_of
from local.permissions.usage import BY_THE_PLATFORM
from local.template import Template

_HEAD = """\
# Permissions

Made from [template.yaml](../../template.yaml) by `make permissions`; a test sees that it is.
Each function has a role of its own with these inline statements, and no managed policy.

The local stack holds every function to exactly these: one that is missing fails the tests, and so
does one that no way through the product ever needs. What that cannot show is
[what only an account can](../deploy.md#what-only-a-cloud-account-can-show).
"""
_LOG = """\
Besides, each function may create streams in its own log group and write to them
(`logs:CreateLogStream`, `logs:PutLogEvents`): Lambda does that with the function's role.
"""
_MOST = {"SessionBinding": "none", "SigningKey": "create"}
_LEAST = {"SessionBinding": "backend", "SigningKey": "none"}
_WORD = re.compile(r"[A-Z][a-z]*|[a-z]+")


@dataclass(frozen=True, slots=True)
class _Row:
    function: str
    statement: Statement
    only_with: str
    """The parameter and value without which it is not granted; empty: it always is."""


def matrix(path: Path) -> str:
    """Return the page, in Markdown, for a template."""
    everything = _granted(path, _MOST)
    without = {
        f"{name}={value}": policies_of(_granted(path, {**_MOST, name: _LEAST[name]}))
        for name, value in _MOST.items()
    }
    names = {everything.intrinsics.arn(name): name for name in _nameable(everything)}
    chapters = [
        _chapter(function, list(_rows(policy, without)), names)
        for function, policy in policies_of(everything).items()
    ]
    return "\n".join([_HEAD, *chapters, _LOG])


def _granted(path: Path, parameters: Mapping[str, str]) -> Template:
    return Template.load(path, parameters, REGION)


def _nameable(template: Template) -> Iterator[str]:
    kinds = ("DynamoDB::Table", "Events::EventBus", "KMS::Key", "SQS::Queue")
    for kind in kinds:
        yield from (name for name, _ in template.of_type(f"AWS::{kind}"))


def _rows(policy: Policy, without: Mapping[str, Mapping[str, Policy]]) -> Iterator[_Row]:
    """Yield the statements, each with what it depends on: the policies lack it without that."""
    for statement in policy.statements:
        if not BY_THE_PLATFORM.issuperset(statement.actions):
            needed = [
                f"`{setting}`"
                for setting, policies in without.items()
                if statement.sid not in {each.sid for each in policies[policy.function].statements}
            ]
            yield _Row(policy.function, statement, " and ".join(needed))


def _chapter(function: str, rows: list[_Row], names: Mapping[str, str]) -> str:
    lines = [f"## {function}", "", "| what for | may | on | only |", "|---|---|---|---|"]
    lines += [_line(row, names) for row in rows]
    return "\n".join([*lines, ""])


def _line(row: _Row, names: Mapping[str, str]) -> str:
    actions = ", ".join(f"`{action}`" for action in row.statement.actions)
    resources = ", ".join(_named(resource, names) for resource in row.statement.resources)
    only = [_condition(key, values) for _, key, values in row.statement.conditions]
    only += [f"with {row.only_with}"] if row.only_with else []
    return f"| {_in_words(row.statement.sid)} | {actions} | {resources} | {'; '.join(only)} |"


def _in_words(sid: str) -> str:
    words = _WORD.findall(sid)
    return " ".join([words[0], *(word.lower() for word in words[1:])])


def _named(resource: str, names: Mapping[str, str]) -> str:
    arn, _, index = resource.partition("/index/")
    return f"{names[arn]}, index `{index}`" if index else names[arn]


def _condition(key: str, values: tuple[str, ...]) -> str:
    subject = {
        "dynamodb:Attributes": "the attributes",
        "kms:EncryptionContext:kind": "for data keys of kind",
    }[key]
    return f"{subject} {', '.join(f'`{value}`' for value in values)}"
