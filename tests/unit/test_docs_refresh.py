"""``docs/refresh.md`` shows the tables that the code and its tests are made of."""

import pytest

from broker.oauth.equivalents import EQUIVALENTS
from tests.integration.token_answers import RENEWALS, STATED, Ends
from tests.integration.token_failures import FAILURES
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


@pytest.mark.parametrize("marker", ["<!-- faults:begin -->", "<!-- faults:end -->"])
def test_the_table_of_the_fault_runs_has_its_place(marker: str) -> None:
    assert REFRESH.text.count(marker) == 1
