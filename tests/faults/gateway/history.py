"""The check after every run: the service's log and the store form one line rt0 → rt1 → …."""

from dataclasses import dataclass

import httpx

from broker.model import Connection, Reason, Status
from local.authorization_server.records import fingerprint
from local.demo.journey import Journey
from tests.faults.gateway.place import Member, Place
from tests.faults.kind import Tally


class BrokenPromiseError(AssertionError):
    """A run showed what must never be seen, and no column of the table counts it."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """What is stored of a connection, its refresh token as the service's log shows tokens."""

    connection: Connection
    refresh_token: str


def ledger_of(place: Place, journey: Journey, user_id: str) -> Ledger | None:
    """Read and open a connection as its owner could; None where there is none."""
    connection, _ = place.connections.get(user_id, journey.server_id)
    if connection is None:
        return None
    opened = place.sealer.open_refresh(connection)
    if opened is None:
        raise BrokenPromiseError("The stored set has no refresh token any more.")
    return Ledger(connection, fingerprint(opened.reveal()))


@dataclass(frozen=True, slots=True)
class Line:
    """What the service's log says of one grant."""

    tokens: list[str]
    """The refresh tokens in the order in which they were issued."""
    requests: int
    """How many refreshes were asked for."""
    reused: int
    """How often a token was presented that was not the newest."""


def line_of(journey: Journey, member: Member) -> Line:
    """Read the line out of the service's log."""
    of_grant = [one for one in journey.app.requests() if one["grant_id"] == member.grant_id]
    tokens = [one["issued"] for one in of_grant if one["grant_type"] == "authorization_code"]
    requests = [one for one in of_grant if one["grant_type"] == "refresh_token"]
    reused = 0
    for one in requests:
        if one["outcome"] is not None:  # else it was never carried out
            reused += one["presented"] != tokens[-1]
            tokens += [one["issued"]] if one["issued"] else []
    return Line(tokens, len(requests), reused)


def sent_by(journey: Journey) -> Tally:
    """Count the refresh requests that reached the service, of all of an app's users."""
    return Tally(refreshes=len(journey.app.refreshes()))


def judged(place: Place, journey: Journey, member: Member, *, answer_lost: bool = False) -> Tally:
    """Check one grant at the end of a run, with a last call by its user.

    ``answer_lost``: the run made an answer of the service vanish for good. Then, and only then,
    a token may be presented twice, once, and the grant may end for it.
    """
    answer = journey.invoke(member.user_id)
    line, ledger = line_of(journey, member), ledger_of(place, journey, member.user_id)
    if ledger is None:
        raise BrokenPromiseError(f"There is no connection any more: {answer.text}")
    reused = max(0, line.reused - answer_lost)
    if ledger.connection.status is Status.ACTIVE:
        behind = ledger.refresh_token != line.tokens[-1]
        unusable = answer.json().get("status") != "completed"
        tally = Tally(1, 0, reused, int(behind), int(unusable))
    elif answer_lost and ledger.connection.reason is Reason.AMBIGUOUS_REFRESH:
        tally = Tally(1, 0, reused, stuck=int(not _left_alone(journey, member)), ambiguous=1)
    else:
        tally = Tally(1, 0, reused, lost=1)
    return tally if tally.held else tally + Tally(note=_seen(ledger, line, answer))


def _left_alone(journey: Journey, member: Member) -> bool:
    """Whether a flagged user is asked to reconnect, and nothing more is sent."""
    before = line_of(journey, member).requests
    asks = journey.invoke(member.user_id).json().get("reason") == "reconnect_required"
    return asks and line_of(journey, member).requests == before


def _seen(ledger: Ledger, line: Line, answer: httpx.Response) -> str:
    stands = ledger.connection
    return (
        f"{stands.status} ({stands.reason}), generation {stands.generation}, stored "
        f"{ledger.refresh_token}, line {line.tokens}, answered {answer.status_code} {answer.text}"
    )
