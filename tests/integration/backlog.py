"""A backlog in the schedule: rows with nothing but what it looks at, in any shard."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import batched
from typing import Any

from broker.flows.refresh_scheduler import RefreshScheduler
from broker.queues import DueMessage
from tests.integration.conftest import World

_TABLE = "ConnectionsTable"


def lay(
    world: World,
    server_id: str,
    number: int,
    *,
    shard: int = 7,
    since: float = 60.0,
    version: int = 1,
) -> list[str]:
    """Let so many connections of a server be due since so many seconds, a second apart at most.

    The first is due longest. Return their users.
    """
    start = int(world.time.now().timestamp() - since)
    users = [f"{server_id}-{shard}-{n:04}" for n in range(number)]
    rows = [
        {
            "user_id": {"S": user},
            "server_id": {"S": server_id},
            "due_shard": {"N": str(shard)},
            "due_at": {"N": str(start + n * int(since) // number)},
            "v": {"N": str(version)},
        }
        for n, user in enumerate(users)
    ]
    for some in batched(rows, 25, strict=False):
        puts = [{"PutRequest": {"Item": row}} for row in some]
        world.cloud.clients["dynamodb"].batch_write_item(RequestItems={_TABLE: puts})
    return users


def scheduler(world: World, clears: int = 3000) -> RefreshScheduler:
    """Return the scheduler of a new container, for workers that clear so many in two minutes."""
    return replace(world.container().flows.refresh_scheduler, workers_clear=clears)


def taken(world: World) -> list[DueMessage]:
    """Take what is queued."""
    return [DueMessage.model_validate_json(b) for b in world.cloud.messages("DueQueue")]


def by_server(messages: Iterable[DueMessage]) -> Counter[str]:
    return Counter(message.server_id for message in messages)


def claimed(world: World) -> set[str]:
    """Return the users whose row bears a claim."""
    rows: list[dict[str, Any]] = world.cloud.items(_TABLE)
    return {row["user_id"]["S"] for row in rows if "claim_id" in row}
