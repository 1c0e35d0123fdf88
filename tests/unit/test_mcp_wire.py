"""Recorded, hand-checked exchanges: each era × each answer, request by request."""

from typing import Any

import pytest

from broker.mcp import Era
from tests.unit.wire_player import played, records

RECORDS = dict(records())
KINDS = {
    "a tool runs",
    "a tool runs, told by events",
    "a tool's own failure",
    "arguments that the server refuses",
    "the token is not taken",
    "a scope is missing",
    "slow down",
    "a failure of the server",
    "a page of HTML",
    "an answer to another request",
    "two answers",
    "events without an answer",
    "a line of 10 MB",
    "no answer in time",
    "a list of tools",
    "a list of tools of 5 MB",
    "a list that goes in a circle",
    "a name that is there twice",
    "an invalid annotation",
    "a prompt",
    "a resource",
    "a completion",
    "progress",
}
"""What every era must have a record of."""


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS.keys())
def test_an_exchange_goes_as_it_was_recorded(record: dict[str, Any]) -> None:
    expected = {name: record[name] for name in ("outcome", "learned") if name in record}
    assert played(record) == expected


@pytest.mark.parametrize("era", Era, ids=lambda era: era.value)
def test_every_era_has_a_record_of_every_answer(era: Era) -> None:
    titles = {
        title.partition(": ")[2]
        for title, record in RECORDS.items()
        if (record["remembered"] or {}).get("era") == era.value
    }
    assert KINDS - titles == set()


def test_no_two_records_have_the_same_name() -> None:
    assert len(list(records())) == len(RECORDS)
