"""The operations handbook: its metrics are the catalogue, and its sums are right."""

import re
from decimal import Decimal

import pytest

from benchmarks import costs
from broker.metrics import CATALOGUE
from tests.unit.documents import page
from tests.unit.watched import alarms, watched_by

OPERATIONS = page("docs/operations.md")
_AMOUNT = re.compile(r"\| (.+) \| ([\d,]+) \| ([\d.]+) \| ([\d,.]+) \|")
_TOTAL = re.compile(r"\| together \| \| \| \*\*([\d,.]+)\*\* \|")
CENT = Decimal("0.01")


def number(text: str) -> Decimal:
    return Decimal(text.replace(",", ""))


def tables() -> list[str]:
    _, _, section = OPERATIONS.text.partition("## Costs\n")
    return [part for part in section.split("\n\n") if part.startswith("| ")]


def test_the_table_of_metrics_is_the_catalogue() -> None:
    _, _, section = OPERATIONS.text.partition("## Metrics\n")
    rows = re.findall(r"^\| `(\w+)` \| (.*) \| (\w+) \| (.+) \|$", section, re.MULTILINE)
    assert rows == [
        (m.name, ", ".join(d.name for d in m.dimensions), m.unit.value, m.meaning)
        for m in CATALOGUE
    ]


def test_the_cost_tables_are_those_that_the_script_prints() -> None:
    assert "\n\n".join(table.rstrip("\n") for table in tables()) == costs.text()


@pytest.mark.parametrize("table", tables(), ids=lambda t: t.split("|")[1].strip())
def test_every_product_and_every_sum_is_right(table: str) -> None:
    lines = [(number(c), Decimal(p), number(d)) for _, c, p, d in _AMOUNT.findall(table)]
    assert len(lines) == len(table.rstrip("\n").splitlines()) - 3
    for count, price, dollars in lines:
        # The count is shown without its fraction, hence a unit of play beside the cent.
        assert abs(count * price - dollars) <= CENT / 2 + price
    [total] = _TOTAL.findall(table)
    assert number(total) == sum(dollars for _, _, dollars in lines)


def test_the_metrics_in_alarms_are_counted_as_they_are_billed() -> None:
    assert sum(len(watched_by(alarm)) for alarm in alarms().values()) == costs.ALARM_METRICS


def test_a_refresh_costs_in_the_month_what_it_costs_by_the_million() -> None:
    [kept_warm, idle] = costs.connections().lines[-2:]
    assert kept_warm.price == idle.price == costs.refreshes().dollars / costs.MILLION
