"""``docs/refresh.md`` shows the tables that the code and its tests are made of."""

import pytest

from broker.oauth.equivalents import EQUIVALENTS
from tests.faults.kinds import all_kinds
from tests.integration.token_answers import RENEWALS
from tests.integration.token_failures import FAILURES
from tests.integration.token_rows import STATED, Ends
from tests.unit.documents import page
from tests.unit.refresh_tables import TABLES, between, written
from tests.unit.transformed import ROOT

REFRESH = page("docs/refresh.md")


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_as_the_data_has_it(name: str) -> None:
    found = between(name, REFRESH.text)
    assert found
    assert found[0] == written(name), "make refresh-tables"


def test_every_answer_and_every_outcome_has_a_line() -> None:
    lines = REFRESH.text.splitlines()
    for row in RENEWALS + FAILURES:
        assert any(line.startswith(f"| {row.title} |") for line in lines), row.title
    assert STATED.keys() == set(Ends)


def test_every_code_has_a_line_with_its_source() -> None:
    shown = REFRESH.rows("## What services say instead")
    for known in EQUIVALENTS:
        assert known.source in shown[known.code]


def test_every_attribute_of_the_record_is_one_that_is_stored() -> None:
    items = ROOT / "layers/common/broker/storage/connection_items.py"
    stored = items.read_text(encoding="utf-8")
    attributes = REFRESH.rows("## The record")
    assert len(attributes) > 15
    assert [name for name in attributes if f'"{name}"' not in stored] == []


def test_the_table_of_the_fault_runs_has_every_kind_and_a_sum_without_a_loss() -> None:
    found = between("faults", REFRESH.text)
    assert found
    head, _, *rows, _, said = found[0].strip().splitlines()
    columns = [name.strip() for name in head.strip("|").split("|")]
    shown = [dict(zip(columns, _cells(row), strict=True)) for row in rows]
    told = [(row["Run"], row["Fault"], row["Outcome"]) for row in shown]
    assert told == [(kind.name, kind.fault, kind.outcome) for kind in all_kinds()]
    runs, requests = (sum(int(row[name]) for row in shown) for name in columns[-2:])
    assert said == (
        f"`faults: {runs} runs, {requests} refresh requests, 0 double spends, 0 lost, 0 stuck`"
    )


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("|").split("|")]
