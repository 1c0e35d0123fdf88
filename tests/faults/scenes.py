"""What runs begin with, and which requests they mean."""

from collections.abc import Callable, Iterable, Sequence

from tests.faults.families import Rotation
from tests.faults.kind import Tally
from tests.faults.proxy import Asked, Fits
from tests.faults.stage import Stage
from tests.faults.world import LIFE, World, world

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
    return asked.write == "lease"


def advancing(asked: Asked) -> bool:
    """Whether a refreshed set is stored."""
    return asked.write == "set"


def releasing(asked: Asked) -> bool:
    """Whether a lease is given back after a failure."""
    return asked.write == "release"


def flagging(asked: Asked) -> bool:
    """Whether it is stored that the user must reconnect."""
    return asked.write == "flag"
