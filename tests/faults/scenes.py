"""What runs begin with, and which requests they mean."""

from collections.abc import Callable, Iterable, Sequence

from tests.faults.families import Rotation
from tests.faults.kind import Tally
from tests.faults.proxy import Asked, Fits
from tests.faults.stage import Stage
from tests.faults.world import LIFE, World, world

CONNECTIONS = "ConnectionsTable"

type Run = Callable[[Stage], Tally]


def opened(
    stage: Stage, users: Iterable[str], rotation: Rotation, life: int = LIFE, **server: object
) -> World:
    """Return the world, empty but for one server and so many connections."""
    given = stage.shared(world)
    given.empty()
    given.register(**server)
    given.connect_all(users, rotation, life)
    return given


def named(prefix: str, number: int) -> Sequence[str]:
    """Return so many names of users."""
    return [f"{prefix}{each}" for each in range(number)]


def each_asked(world: World, users: Iterable[str], times: int) -> None:
    """See that nobody's set was refreshed more often, nor everybody's less often.

    On a busy machine a worker's own request to a service may take too long, and it gives up.
    """
    sent = sorted(world.grants[user][-1].requests for user in users)
    assert sent[-1] == times, f"refresh requests of each: {sent}, not {times}"


def of(operation: str, table: str = "") -> Fits:
    """Return what fits an operation, on one table or any."""
    return lambda asked: asked.operation == operation and table in ("", asked.table)


def leasing(asked: Asked) -> bool:
    """Whether a lease is taken."""
    return _changes(asked) and "lease_id" in asked.attributes and not advancing_names(asked)


def advancing(asked: Asked) -> bool:
    """Whether a refreshed set is stored."""
    return _changes(asked) and "generation" in asked.attributes


def releasing(asked: Asked) -> bool:
    """Whether a lease is given back after a failure."""
    names = asked.attributes
    return _changes(asked) and "attempts" in names and not names & {"generation", "status"}


def flagging(asked: Asked) -> bool:
    """Whether it is stored that the user must reconnect."""
    names = asked.attributes
    return _changes(asked) and names >= {"status", "reason"} and "generation" not in names


def advancing_names(asked: Asked) -> bool:
    """Whether an update does more than take a lease."""
    return bool(asked.attributes & {"generation", "attempts", "status"})


def _changes(asked: Asked) -> bool:
    return asked.operation == "UpdateItem" and asked.table == CONNECTIONS
