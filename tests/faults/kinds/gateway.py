"""Through the gateway onto containers of the local stack."""

from functools import partial

from tests.faults.gateway import away, frozen, kills, leaving, messages, schedules, storms
from tests.faults.gateway.place import GRACE, MODES, STATIC, STRICT
from tests.faults.kind import Kind

_STORMS = tuple(
    Kind(
        f"gateway: 100 requests at expiry, {mode.name}",
        "100 requests at once through the gateway onto 8 containers, the access token over",
        "one refresh request; all 100 are completed, a 503 that says when to come again included",
        partial(storms.storm, mode=mode),
    )
    for mode in MODES
)

_KILLS = (
    Kind(
        f"gateway: a call killed everywhere, {STRICT.name}",
        "SIGKILL of a called container at each request of a refresh, before and after it",
        "the next call refreshes; where an answer died with it, the user reconnects, asked once",
        partial(kills.killed_everywhere, way=kills.BY_A_CALL, mode=STRICT),
    ),
    Kind(
        f"gateway: the worker killed everywhere, {STRICT.name}",
        "SIGKILL of a worker at each request of a refresh, before and after it",
        "the message comes again, and the same holds as for a call",
        partial(kills.killed_everywhere, way=kills.BY_THE_WORKER, mode=STRICT),
    ),
    *(
        Kind(
            f"gateway: a call killed with the answer, {mode.name}",
            "SIGKILL of a called container between the service's answer and the write",
            "the same refresh token is sent again and brings a set; nobody has to reconnect",
            partial(kills.killed_with_the_answer, way=kills.BY_A_CALL, mode=mode),
        )
        for mode in (GRACE, STATIC)
    ),
)

_FROZEN = (
    Kind(
        "gateway: frozen with the lease",
        "two containers stop with the lease until others have taken over; one goes on, one is "
        "ended by its timeout",
        "the one that goes on sees that it is too late to send; one refresh request for each user",
        frozen.frozen_with_the_lease,
    ),
    Kind(
        "gateway: frozen with the answer",
        "a container stops with the answer on its way, and its lease runs out",
        "the old access token serves meanwhile; the new set is stored when it goes on",
        frozen.frozen_with_the_answer,
        short=True,
    ),
)

_MESSAGES = (
    Kind(
        "gateway: duplicate messages",
        "the same due message ten times, delivered to two workers at once",
        "one refresh request",
        messages.duplicates,
    ),
    Kind(
        "gateway: reordered messages",
        "a rescued set is delivered again, twice, after two more refreshes and after a reconnect",
        "what stands is newer and stays",
        messages.reordered,
    ),
    Kind(
        "gateway: poison messages",
        "three messages that cannot be read, in one batch with a good one",
        "they reach the dead letter queue after five deliveries; the good one is done once",
        messages.poison,
        short=True,
    ),
    Kind(
        "gateway: killed over a batch",
        "SIGKILL of a worker that refreshes five connections at once",
        "all five messages come again, and all five connections are refreshed",
        messages.killed_over_a_batch,
    ),
)

_SCHEDULES = (
    Kind(
        "gateway: two schedulers at once",
        "two schedulers at the same time, and a third, find the same connections due",
        "each is queued once and refreshed once",
        schedules.two_at_once,
    ),
    Kind(
        "gateway: a scheduler killed before it queues",
        "SIGKILL of a scheduler between its claims and its messages",
        "the claims bring the connections back after 15 minutes",
        schedules.killed_before_queueing,
        short=True,
    ),
    Kind(
        "gateway: a scheduler killed after it has queued",
        "SIGKILL of a scheduler when the queue has taken its messages",
        "each connection is refreshed once, also when the claims are over",
        schedules.killed_after_queueing,
    ),
)

_MIDDLE = "in the middle of a refresh: as it is sent, as it is answered, as it is stored"
_LEAVING = (
    Kind(
        "gateway: disconnected in the middle",
        f"the user disconnects {_MIDDLE}",
        "the newest refresh token is the one revoked, and nothing is left",
        leaving.disconnected,
    ),
    Kind(
        "gateway: connected again in the middle",
        f"the user disconnects and connects again {_MIDDLE}",
        "the new grant stands, and refreshes; the late set is not stored",
        leaving.connected_again,
    ),
    Kind(
        "gateway: reconnected in the middle",
        f"the user connects again in place {_MIDDLE}",
        "the new grant stands, and refreshes; the late set is not stored",
        leaving.reconnected,
        short=True,
    ),
    Kind(
        "gateway: server edited in the middle",
        f"the builder gives the server another URL {_MIDDLE}",
        "nothing more is sent under the new one; going back restores the newest set",
        leaving.edited,
    ),
)

_AWAY = (
    *(
        Kind(
            f"gateway: {what}, {by}",
            f"{fault} for {whom} from each of its requests on, until the invocation has ended",
            outcome,
            partial(run, outage=outage),
        )
        for by, whom, run in (
            ("a call", "the called function", away.by_a_call),
            ("the worker", "the worker", away.by_the_worker),
        )
        for what, fault, outcome, outage in (
            (
                "table throttled",
                "the table is throttled",
                "a set that cannot be stored is rescued and applied; else it is tried again later",
                away.THROTTLED,
            ),
            (
                "table fails after writing",
                "the table writes and answers with an error",
                "the write is recognised as the function's own; nothing is sent twice",
                away.TOO_LATE,
            ),
            (
                "key refused",
                "the key is disabled",
                "nothing is sent; the refresh is done when the key is back",
                away.REFUSED,
            ),
        )
    ),
    Kind(
        "gateway: event bus away",
        "the event bus is away while refreshes of the worker fail, and succeed",
        "what happened is recorded; only the events are missing",
        away.without_the_bus,
        short=True,
    ),
)

KINDS = (*_STORMS, *_KILLS, *_FROZEN, *_MESSAGES, *_SCHEDULES, *_LEAVING, *_AWAY)
