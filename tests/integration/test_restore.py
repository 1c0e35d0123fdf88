"""What a restored connection means: rows of an earlier moment, beside a service that moved on."""

from typing import Any

import pytest

from broker.model import Reason
from broker.tokens import Unusable, Usable
from tests.integration.conftest import World
from tests.integration.consents import complete, consented
from tests.integration.test_calls import invoke
from tests.integration.test_lease import DEAD, STALE
from tests.integration.test_refresh import NEW, OLD, token
from tests.integration.test_removal import disconnect
from tests.unit.documents import page
from tests.unit.transformed import of_type

TABLE = "ConnectionsTable"


def backup(world: World) -> dict[str, Any]:
    """Return the one row as point-in-time recovery would give it back."""
    [row] = world.cloud.items(TABLE)
    return row


def lost(world: World) -> None:
    """Let the row vanish, as by somebody's mistake."""
    world.core.connections.remove(world.connection())


def copied_back(world: World, row: dict[str, Any]) -> bool:
    """Copy a row as the handbook says; False: one stands there."""
    client = world.cloud.clients["dynamodb"]
    condition = "attribute_not_exists(user_id)"
    try:
        client.put_item(TableName=TABLE, Item=row, ConditionExpression=condition)
    except client.exceptions.ConditionalCheckFailedException:
        return False
    return True


def found(world: World) -> Usable | Unusable:
    return world.container().tokens.for_call(world.server, "jo", world.run())


def test_a_row_that_was_not_refreshed_since_works_on(world: World) -> None:
    world.connect()
    row = backup(world)
    lost(world)
    assert copied_back(world, row)
    assert token(world) == OLD
    world.time.passes(STALE)
    assert token(world) == NEW


def test_a_row_that_still_stands_is_not_overwritten(world: World) -> None:
    world.connect()
    row = backup(world)
    world.time.passes(STALE)
    token(world)
    assert not copied_back(world, row)
    assert token(world) == NEW
    assert world.login.reused == []


def test_the_refresh_of_a_row_that_was_refreshed_since_is_taken_for_theft_and_ends_the_grant(
    world: World,
) -> None:
    world.connect()
    row = backup(world)
    world.time.passes(STALE)
    token(world)
    lost(world)
    copied_back(world, row)
    world.time.passes(DEAD)
    refused = found(world)
    assert isinstance(refused, Unusable)
    assert refused.connection
    assert refused.connection.reason is Reason.REFRESH_REJECTED
    assert world.login.reused == ["canary-refresh-1"]
    assert not world.login.accepts(NEW)


def test_its_user_connects_again_and_goes_on(world: World) -> None:
    world.connect()
    row = backup(world)
    world.time.passes(STALE)
    token(world)
    lost(world)
    copied_back(world, row)
    world.time.passes(DEAD)
    found(world)
    complete(world, consented(world))
    invoke(world)
    assert world.mcp.tokens == ["canary-access-3"]


def test_a_row_of_a_user_who_was_erased_would_serve_again(world: World) -> None:
    world.connect()
    row = backup(world)
    disconnect(world)
    assert copied_back(world, row)  # hence the erasures are replayed before anything is copied
    assert isinstance(found(world), Usable)


@pytest.mark.parametrize("table", ["ConnectionsTable", "ServersTable"])
def test_the_condition_of_the_handbook_names_the_tables_own_key(table: str) -> None:
    key = of_type("AWS::DynamoDB::Table")[table]["KeySchema"][0]["AttributeName"]
    assert f"attribute_not_exists({key})" in page("docs/operations.md").text
