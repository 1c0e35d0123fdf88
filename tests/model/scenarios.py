"""What is searched through, each from its beginning to its last state."""

from dataclasses import replace

from broker.model import RevocationScope
from tests.model.actors import OF_A_CALL, Spec, call, connect, disconnect, look, refused_call
from tests.model.authorization import GRACE, Kind
from tests.model.state import Faults, Scenario

DEAD = 650
"""Seconds after the consent: the access token has run out."""
TAKEOVER = (0, 40, 90)
"""Starts, in seconds: together, after a lease has run out, and after the recovery from that."""
CALL = Spec("a call", call)
SLOW_CALL = replace(CALL, turns=OF_A_CALL)
LOOK = Spec("a look", look, seconds=30)
REFUSED = Spec("a refused call", refused_call)
DISCONNECT = Spec("a disconnect", disconnect)
CONNECT = Spec("a reconnect", connect)
FAST = replace(CALL, name="a call whose clock is fast", wrong_by=120)
BEHIND = replace(CALL, name="a call whose clock is slow", wrong_by=-120)
TOKEN, GRANT = RevocationScope.TOKEN, RevocationScope.GRANT


def of(spec: Spec, number: int = 1, *starts: int) -> Spec:
    """Return as many of the same kind, each to start at any of these moments."""
    return replace(spec, number=number, starts=starts or (0,))


SCENARIOS = (
    Scenario(
        "calls, two killed, two answers lost",
        (of(replace(CALL, turns=(0,)), 3, *TAKEOVER),),
        Faults(crashes=2, lost=2),
        begins_at=DEAD,
    ),
    Scenario(
        "calls while the token still serves", (of(CALL, 3, *TAKEOVER),), Faults(crashes=1, lost=1)
    ),
    Scenario(
        "calls held up to their end",
        (of(SLOW_CALL, 2, *TAKEOVER),),
        Faults(crashes=1, slow=1),
        begins_at=DEAD,
    ),
    Scenario("slow answers", (of(SLOW_CALL, 2),), Faults(lost=1, slow=2), begins_at=DEAD),
    Scenario(
        "requests that arrive late, or never",
        (of(CALL, 3, 0, 20),),
        Faults(belated=1, broken=1),
        begins_at=DEAD,
    ),
    Scenario("wrong clocks", (FAST, BEHIND, CALL), Faults(crashes=1, lost=1), begins_at=DEAD),
    Scenario(
        "wrong clocks while the token still serves",
        (FAST, BEHIND, CALL),
        Faults(crashes=1, lost=1),
        begins_at=400,
    ),
    Scenario(
        "a table that fails now and then",
        (of(CALL, 2, *TAKEOVER),),
        Faults(away=2, crashes=1),
        begins_at=DEAD,
    ),
    Scenario(
        "writes that are repeated", (of(CALL, 2), CONNECT), Faults(repeated=2), begins_at=DEAD
    ),
    Scenario(
        "an outage of the table",
        (of(CALL, 3, *TAKEOVER),),
        Faults(outages=1, queue=1, lost=1),
        begins_at=DEAD,
    ),
    Scenario(
        "a rescue that comes late, and twice",
        (of(CALL, 3, *TAKEOVER),),
        Faults(outages=1, late=1, twice=1),
        begins_at=DEAD,
    ),
    Scenario(
        "a rescue while others disconnect",
        (CALL, DISCONNECT),
        Faults(outages=1, twice=1),
        begins_at=DEAD,
    ),
    Scenario(
        "a rescue while others reconnect",
        (CALL, CONNECT),
        Faults(outages=1, twice=1, late=1),
        begins_at=DEAD,
    ),
    Scenario(
        "calls, a disconnect and a reconnect", (of(CALL, 2), DISCONNECT, CONNECT), begins_at=DEAD
    ),
    Scenario(
        "the same where revoking ends all grants",
        (CALL, DISCONNECT, CONNECT),
        Faults(lost=1),
        revokes_all=True,
        begins_at=DEAD,
    ),
    Scenario(
        "the same where revoking ends one token's grant",
        (CALL, DISCONNECT, CONNECT),
        Faults(unrevoked=1, crashes=1),
        scope=TOKEN,
        begins_at=DEAD,
    ),
    Scenario(
        "a rescue, a disconnect and a reconnect",
        (CALL, DISCONNECT, CONNECT),
        Faults(outages=1),
        revokes_all=True,
        begins_at=DEAD,
    ),
    Scenario("reconnects in place", (of(CALL, 2), of(CONNECT, 2)), Faults(away=1), begins_at=DEAD),
    Scenario(
        "reuse within a grace period",
        (of(CALL, 2, 0, 20),),
        Faults(lost=1, crashes=1, away=1),
        kind=Kind.GRACE,
        grace=GRACE,
        begins_at=DEAD,
    ),
    Scenario(
        "reuse within a grace period that nobody knows of",
        (of(CALL, 2, 0, 20),),
        Faults(lost=1, crashes=1, away=1),
        kind=Kind.GRACE,
        begins_at=DEAD,
    ),
    Scenario(
        "looks ahead of time within a grace period",
        (
            CALL,
            of(LOOK, 2),
        ),
        Faults(lost=1, crashes=1, away=1),
        kind=Kind.GRACE,
        grace=GRACE,
        begins_at=400,
    ),
    Scenario(
        "refresh tokens that stay",
        (of(CALL, 2),),
        Faults(lost=1, crashes=1, away=1),
        kind=Kind.STATIC,
        begins_at=DEAD,
    ),
    Scenario(
        "looks ahead of time, and calls",
        (of(CALL, 1), of(LOOK, 2)),
        Faults(crashes=1, lost=1),
        begins_at=400,
    ),
    Scenario(
        "a key service that fails", (of(CALL, 1), LOOK), Faults(keys=1, crashes=1), begins_at=DEAD
    ),
    Scenario(
        "tokens that the tools' server refuses",
        (of(REFUSED, 2),),
        Faults(crashes=1, lost=1),
        begins_at=200,
    ),
    Scenario(
        "a grant withdrawn at the service",
        (of(CALL, 2), CONNECT),
        Faults(withdrawn=1, lost=1),
        begins_at=DEAD,
    ),
    Scenario(
        "a client refused",
        (of(CALL, 2), LOOK),
        Faults(refused=1, crashes=1),
        begins_at=DEAD,
        watches_server=True,
    ),
)
EVERYTHING = Scenario(
    "everything at once, at random",
    (
        of(SLOW_CALL, 3, 0, 20, 60),
        of(FAST, 1, 0, 60),
        of(LOOK, 1, 0, 60),
        of(DISCONNECT, 1, 0, 20, 60),
        of(CONNECT, 2, 0, 20, 60),
    ),
    Faults(
        crashes=2,
        lost=2,
        slow=1,
        belated=1,
        broken=1,
        away=1,
        repeated=1,
        outages=1,
        queue=1,
        late=1,
        twice=1,
        unrevoked=1,
        withdrawn=1,
    ),
    begins_at=DEAD,
)
