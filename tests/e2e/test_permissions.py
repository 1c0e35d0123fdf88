"""Every function has the permissions it needs, and none that it never needs.

The containers of the local stack are held to their functions' own policies, here and in every
other test that runs them; a refusal there fails that test (see conftest).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from local.demo.journey import Callers
from local.demo.neighbours import Neighbours
from local.deployment import Deployment
from local.permissions import Permission, granted, policies_of, used
from local.stack import LocalStack
from local.template import Template
from tests.e2e.conftest import journeys_at
from tests.e2e.permission_styles import StyledWays
from tests.e2e.time_machine import TimeMachine

pytestmark = pytest.mark.timeout(420)  # whoever comes first walks all ways, in a minute or two


@dataclass
class Walk:
    """The permissions that the ways used; none was refused on them."""

    used: set[Permission]


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
        ways = StyledWays(
            stack.guard,
            both,
            TimeMachine(both[0]),
            further_parties,
            lambda origin="": make(at_bound, origin),
            lambda origin="": make(at_unbound, origin),
        )
        for way in ways.all():
            try:
                way()
            finally:  # a refusal is why a way fails, and says more than how it does
                refusals = [f"{one.function}: {one.ask}" for one in stack.guard.refusals[refused:]]
                assert refusals == [], way.__name__
    return Walk(used(stack.guard.judged[began:]))


@pytest.fixture(scope="module")
def grants(both: tuple[Deployment, Deployment]) -> set[Permission]:
    """What the template grants, with either session binding."""
    policies = [policies_of(each.template).values() for each in both]
    return granted(policy for of_one in policies for policy in of_one)


def test_no_function_may_do_what_it_never_needs(
    walk: Walk, grants: set[Permission], bound: Deployment
) -> None:
    # A list of attributes must name the keys of its table and of the table's indexes, or DynamoDB
    # may not use them (developer guide, "Using IAM policy conditions").
    keys = set(_index_keys(bound.template))
    unused = {
        permission
        for permission in grants - walk.used
        if (permission.key, permission.resource, permission.value) not in keys
    }
    assert sorted(map(str, unused)) == []


def test_what_was_used_was_granted(walk: Walk, grants: set[Permission]) -> None:
    assert walk.used <= grants
    assert len(walk.used) > 90


def _index_keys(template: Template) -> Iterator[tuple[str, str, str]]:
    for name, table in template.of_type("AWS::DynamoDB::Table"):
        for index in table.get("GlobalSecondaryIndexes", []):
            for part in index["KeySchema"]:
                yield "dynamodb:Attributes", template.intrinsics.arn(name), part["AttributeName"]
