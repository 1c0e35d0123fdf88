"""What must hold: of each write, of each request to the authorization server, and at rest."""

import functools
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from broker.model import Status
from tests.model.authorization import Grants, Kind, token_of
from tests.model.rows import Row


class Invariant(StrEnum):
    """By name, as a violation is reported."""

    PRESENTED_ONCE = "no refresh token is presented twice unless an answer was lost"
    HOLDS_THE_CHAIN = "the store holds an element of the chain, the last unless one was lost"
    NO_RESURRECTION = "what was disconnected stays so"
    NO_STUCK_LEASE = "a call at rest is answered, or the user is asked for a reason"
    NO_FLAG_WITHOUT_CAUSE = "nobody is asked to reconnect without a cause"
    NO_OWN_REVOCATION = "a connected grant is not ended by our own revocation"
    SEALED_IN_PLACE = "what is stored opens where it stands"
    NO_SURPRISE = "no run ends with an exception that nobody expects"


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that does not hold, and what shows it."""

    invariant: Invariant
    shown: str


class Held(NamedTuple):
    """What a row says of a connection."""

    grant: int
    number: int
    status: str
    grant_id: str
    generation: int
    in_place: bool


@functools.cache
def held(row: Row) -> Held:
    """Read a connection's row."""
    item = row.item
    places = []
    for name in ("access", "refresh"):
        bound, _, token = bytes(item[name]["text"]).partition(b"|")
        places.append(json.loads(bound))
    grant, number = token_of(token.decode())
    stands = (item["grant_id"], item["generation"])
    in_place = all((p["grant_id"], p["generation"]) == stands for p in places)
    return Held(grant, number, item["status"], *stands, in_place)


def of_write(
    before: Row | None, after: Row | None, grants: Grants, kind: Kind, *, established: bool
) -> Violation | None:
    """Judge a write to the connection."""
    if after is None:
        return _of_removal(before)
    new = held(after)
    found = _of_consent(before, new, grants) if established else _of_change(before, new)
    if found:
        return found
    if not new.in_place:
        return Violation(Invariant.SEALED_IN_PLACE, f"{after.item}")
    if new.number > grants[new.grant].newest:
        return Violation(Invariant.HOLDS_THE_CHAIN, f"r{new.grant}.{new.number} is none")
    flagged = new.status == Status.RECONNECT_REQUIRED
    if flagged and before and held(before).status != new.status:
        return _of_flag(new, grants, kind)
    return None


def _of_removal(before: Row | None) -> Violation | None:
    if before is None or held(before).status == Status.REMOVING:
        return None
    return Violation(Invariant.HOLDS_THE_CHAIN, "a grant is deleted that nobody disconnected")


def _of_change(before: Row | None, new: Held) -> Violation | None:
    if before is None:
        return Violation(Invariant.NO_RESURRECTION, "the row was gone")
    old = held(before)
    if old.grant_id != new.grant_id or old.grant != new.grant:
        return Violation(Invariant.NO_RESURRECTION, "another grant stood there")
    if old.status == Status.REMOVING and new.status != Status.REMOVING:
        return Violation(Invariant.NO_RESURRECTION, "it was being removed")
    return None


def _of_consent(before: Row | None, new: Held, grants: Grants) -> Violation | None:
    """Judge the first write of a grant.

    One that is repeated, and finds nothing, cannot tell whether the first never arrived or its
    grant was disconnected since; that is let pass.
    """
    if before is None or not grants[new.grant].left:
        return None
    return Violation(Invariant.NO_RESURRECTION, "it was disconnected")


def _of_flag(new: Held, grants: Grants, kind: Kind) -> Violation | None:
    if has_cause(new, grants, kind):
        return None
    return Violation(Invariant.NO_FLAG_WITHOUT_CAUSE, f"r{new.grant}.{new.number} is good")


def has_cause(stands: Held, grants: Grants, kind: Kind) -> bool:
    """Return whether the user has to consent again, for all that happened."""
    grant = grants[stands.grant]
    if kind is Kind.STATIC:
        return not grant.alive
    return not grant.alive or bool(grant.lost & 1 << stands.number)


def of_revocation(
    ended: tuple[int, ...], stands: Row | None, looked: Row | None
) -> Violation | None:
    """Judge what a revocation of ours has ended.

    A user who disconnects and connects again while the revocation is on its way can lose the new
    grant at a service that ends all of a user's grants at once: no look can prevent it. So what
    counts is what the run had seen when it looked last.
    """
    if stands is None or looked is None:
        return None
    connected, seen = held(stands), held(looked)
    if connected.grant not in ended or connected.status == Status.REMOVING:
        return None
    if seen.grant != connected.grant:
        return None
    shown = f"grant {connected.grant} stands and was seen to stand"
    return Violation(Invariant.NO_OWN_REVOCATION, shown)


def at_rest(row: Row | None, grants: Grants, kind: Kind) -> Violation | None:
    """Judge what is stored while no run and no rescued set is under way."""
    if row is None:
        return None
    stands = held(row)
    grant = grants[stands.grant]
    if stands.number < grant.newest and not grant.lost & 1 << stands.number:
        shown = f"r{stands.grant}.{stands.number} is stored, r{stands.grant}.{grant.newest} is lost"
        return Violation(Invariant.HOLDS_THE_CHAIN, shown)
    return None
