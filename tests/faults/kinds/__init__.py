"""The registry: one module for each family of kinds."""

from collections.abc import Sequence

from tests.faults.kind import Kind
from tests.faults.kinds import (
    answers,
    gateway,
    kills,
    kills_elsewhere,
    messages,
    services,
    storms,
    table,
    users,
    volume,
)

FAMILIES: tuple[tuple[Kind, ...], ...] = (
    storms.KINDS,
    kills.KINDS,
    kills_elsewhere.KINDS,
    answers.KINDS,
    table.KINDS,
    services.KINDS,
    messages.KINDS,
    users.KINDS,
    volume.KINDS,
    gateway.KINDS,
)
"""The families in the order in which they are run and shown."""


def all_kinds() -> Sequence[Kind]:
    """Return every kind."""
    return [kind for family in FAMILIES for kind in family]
