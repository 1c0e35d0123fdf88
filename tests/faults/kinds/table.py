"""The table, failing before or after a write of the refresh is applied, and slow."""

from contextlib import ExitStack
from typing import Any

from tests.faults.failures import cut, failing, slow, throttled
from tests.faults.families import Rotation
from tests.faults.history import calls, checked
from tests.faults.kind import Kind, Tally
from tests.faults.proxy import CONNECTIONS, Act, Fits
from tests.faults.scenes import Run, advancing, leasing, named, of, opened
from tests.faults.stage import Stage
from tests.faults.world import LIFE, World

USERS = 6


def meets(
    fits: Fits,
    act: Act,
    *,
    after: bool = False,
    times: int = 1_000,
    rotation: Rotation = Rotation.STRICT,
    requests: int = 1,
    rescued: bool = False,
) -> Run:
    """A few users call while something fails; each finds the fault. One request each, or none."""

    def run(stage: Stage) -> Tally:
        users = list(named("u", USERS))
        world = opened(stage, users, rotation)
        world.time.passes(LIFE + 1)
        worker = world.crew.healthy(1)[0]
        with ExitStack() as stack:
            for user in users:
                rule: dict[str, Any] = {"after" if after else "before": act}
                mine = _of_user(fits, user)
                stack.enter_context(world.proxy.rule(mine, times=times, **rule))
            told = calls(worker, users, seconds=20.0)
        sent = {world.grants[user][-1].requests for user in users}
        assert sent == {requests}, f"{sent} requests for each"
        served = sum("token" in each for each in told)
        assert served == (len(users) if requests else 0), told
        waiting = len(_peeked(world)) if rescued else 0
        assert waiting == (len(users) if rescued else 0), f"{waiting} sets were rescued"
        tally = checked(world, worker, users, runs=len(users))
        assert tally.ambiguous == 0, tally
        return tally

    return run


def _of_user(fits: Fits, user: str) -> Fits:
    """Narrow down to a user's row; what has no row is everybody's."""
    return lambda asked: fits(asked) and asked.user in ("", user)


def _peeked(world: World) -> list[str]:
    bodies = world.messages("RescueQueue")
    for body in bodies:
        world.clients["sqs"].send_message(QueueUrl=world.physical["RescueQueue"], MessageBody=body)
    return bodies


_ONCE = "the SDK repeats it: one refresh request, all served"
_RESCUED = "the calls are served; the set goes to the rescue queue and is applied"
NOTHING = "nothing is sent; the calls get a stated 503, and the next ones are served"

_TABLE: tuple[tuple[str, str, str, Run], ...] = (
    (
        "lease throttled",
        "the table takes no lease, for as long as a call tries",
        NOTHING,
        meets(leasing, throttled, requests=0),
    ),
    (
        "lease fails once",
        "the write of the lease fails once, before it is applied",
        _ONCE,
        meets(leasing, failing, times=1),
    ),
    (
        "lease applied, answer broken",
        "the lease is written, and the answer is a 500",
        "the repeated write meets our own lease and knows it: one refresh request, all served",
        meets(leasing, failing, after=True, times=1),
    ),
    (
        "lease applied, answer cut off",
        "the lease is written, and the connection ends before the answer",
        "the repeated write meets our own lease and knows it: one refresh request, all served",
        meets(leasing, cut, after=True, times=1),
    ),
    (
        "lease applied, both answers cut off",
        "the lease is written, and neither try of the SDK gets an answer",
        NOTHING + ", after the recovery",
        meets(leasing, cut, after=True, requests=0),
    ),
    (
        "set refused once",
        "the write of the new set fails once, before it is applied",
        _ONCE,
        meets(advancing, failing, times=1),
    ),
    (
        "set throttled",
        "the table takes no new set, for as long as the holder tries",
        _RESCUED,
        meets(advancing, throttled, rescued=True),
    ),
    (
        "set refused for good, grace",
        "the table takes no new set, for as long as the holder tries",
        _RESCUED,
        meets(advancing, failing, rescued=True, rotation=Rotation.GRACE),
    ),
    (
        "set refused for good, static",
        "the table takes no new set, for as long as the holder tries",
        _RESCUED,
        meets(advancing, failing, rescued=True, rotation=Rotation.STATIC),
    ),
    (
        "set applied, answer broken",
        "the new set is written, and the answer is a 500",
        "the repeated write finds our own set and knows it",
        meets(advancing, failing, after=True, times=1),
    ),
    (
        "set applied, no answer ever",
        "the new set is written, and no try gets an answer",
        "the set is in use, and lies in the rescue queue as well, where it changes nothing",
        meets(advancing, cut, after=True, rescued=True),
    ),
    (
        "table slow",
        "each request to the table takes most of a second",
        "one refresh request, all served",
        meets(of("UpdateItem"), slow(0.7)),
    ),
    (
        "reads throttled",
        "the table answers no read of a connection",
        NOTHING,
        meets(of("GetItem", CONNECTIONS), throttled, requests=0),
    ),
    (
        "state of the server unreadable",
        "the table of what was learned of a server answers no read",
        NOTHING,
        meets(of("GetItem", "ServerStateTable"), throttled, requests=0),
    ),
)


KINDS = tuple(
    Kind(name, fault, outcome, run, short=name in {"set throttled", "lease applied, answer broken"})
    for name, fault, outcome, run in _TABLE
)
