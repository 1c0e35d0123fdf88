"""Every function has the permissions it needs, and none that it never needs.

The containers of the local stack are held to their functions' own policies, here and in every
other test that runs them; a refusal there fails that test (see conftest).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from local.demo.journey import Callers
from local.demo.neighbours import Neighbours
from local.deployment import Deployment
from local.permissions import Permission, granted, policies_of, used
from local.stack import LocalStack
from local.template import Template
from tests.e2e.conftest import journeys_at
from tests.e2e.permission_paths import Ways
from tests.e2e.time_machine import TimeMachine


@dataclass
class Walk:
    """What the ways showed."""

    used: set[Permission] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def both(bound: Deployment, unbound: Deployment) -> tuple[Deployment, Deployment]:
    """A deployment of each kind of session binding."""
    return bound, unbound


@pytest.fixture(scope="module")
def at_both(at_bound: Callers, at_unbound: Callers) -> tuple[Callers, Callers]:
    """Clients of both."""
    return at_bound, at_unbound


@pytest.fixture(scope="module")
def walk(
    stack: LocalStack,
    further_parties: Neighbours,
    both: tuple[Deployment, Deployment],
    at_both: tuple[Callers, Callers],
) -> Walk:
    """All ways, walked once."""
    at_bound, at_unbound = at_both
    began, refused = len(stack.guard.judged), len(stack.guard.refusals)
    with journeys_at(stack) as make:
        ways = Ways(
            stack.guard,
            both,
            TimeMachine(both[0]),
            further_parties,
            lambda origin="": make(at_bound, origin),
            lambda origin="": make(at_unbound, origin),
        )
        for way in ways.all():
            way()
    judged = stack.guard.judged[began:]
    refusals = [f"{one.function}: {one.ask}" for one in stack.guard.refusals[refused:]]
    return Walk(used=used(judged), refused=refusals)


@pytest.fixture(scope="module")
def grants(both: tuple[Deployment, Deployment]) -> set[Permission]:
    """What the template grants, with either session binding."""
    policies = [policies_of(each.template).values() for each in both]
    return granted(policy for of_one in policies for policy in of_one)


def test_no_function_asks_for_what_it_may_not_do(walk: Walk) -> None:
    assert walk.refused == []


def test_no_function_may_do_what_it_never_needs(
    walk: Walk, grants: set[Permission], bound: Deployment
) -> None:
    keys = set(_index_keys(bound.template))
    unused = {
        permission
        for permission in grants - walk.used
        # A list of attributes must name the keys of the table and of its indexes, or DynamoDB
        # may not use them (developer guide, "Using IAM policy conditions").
        if not (permission.key == "dynamodb:Attributes" and permission.value in keys)
    }
    assert sorted(map(str, unused)) == []


def test_what_was_used_was_granted(walk: Walk, grants: set[Permission]) -> None:
    assert walk.used <= grants
    assert len(walk.used) > 90


def _index_keys(template: Template) -> Iterator[str]:
    for _, table in template.of_type("AWS::DynamoDB::Table"):
        for index in table.get("GlobalSecondaryIndexes", []):
            yield from (part["AttributeName"] for part in index["KeySchema"])
