"""From one state of a connection to another: counted here and nowhere else."""

from broker.metrics import TRANSITION
from broker.model import Connection, Reason, Status
from broker.telemetry import count

NOWHERE = "none"


def went(before: str, after: str, reason: str) -> None:
    """Count a transition that has been written; staying where it was is none."""
    if before != after:
        count(TRANSITION, **{"from": before, "to": after, "reason": reason})


def established(before: Connection | None) -> None:
    """Count a consent."""
    went(before.status if before else NOWHERE, Status.ACTIVE, "consented")


def flagged(seen: Connection, reason: Reason) -> None:
    """Count that the user must reconnect."""
    went(seen.status, Status.RECONNECT_REQUIRED, reason)


def advanced(seen: Connection) -> None:
    """Count a flagged connection that a rescued set made active again."""
    went(seen.status, Status.ACTIVE, "rescued")


def removing(seen: Connection) -> None:
    """Count a removal that began."""
    went(seen.status, Status.REMOVING, "removing")


def removed(seen: Connection) -> None:
    """Count a removal that ended."""
    went(seen.status, NOWHERE, "removed")
