"""``docs/troubleshooting.md`` shows the rules as they are."""

import json
import re

import pytest

from broker.diagnosis import Cause
from tests.unit.documents import page
from tests.unit.openapi_document import document
from tests.unit.troubleshooting_page import RULES, between, written

TROUBLESHOOTING = page("docs/troubleshooting.md")


def test_the_page_shows_the_rules_as_they_are() -> None:
    found = between(TROUBLESHOOTING.text)
    assert found
    assert found[0] == written(), "make troubleshooting"


@pytest.mark.parametrize("cause", sorted(Cause))
def test_every_cause_has_a_rule_and_a_remedy(cause: Cause) -> None:
    assert [rule for rule in RULES if rule.cause is cause]
    _, _, section = TROUBLESHOOTING.text.partition(f"### {cause}\n")
    section = section.split("\n### ")[0]
    assert "- **Why**: " in section
    assert "- **Do**: " in section


def test_no_placeholder_is_left() -> None:
    assert re.findall(r"\{[^}\n\"]*\}", written().replace('{"', "")) == []


def test_every_step_and_every_check_is_explained() -> None:
    schemas = document()["components"]["schemas"]
    steps = schemas["StepReport"]["properties"]["step"]["enum"]
    checks = schemas["Checked"]["properties"]["name"]["enum"]
    assert list(TROUBLESHOOTING.rows("## Test a configuration")) == steps
    assert sorted(TROUBLESHOOTING.rows("## Check without a browser")) == sorted(checks)


def test_the_diagnosis_that_is_shown_has_the_members_of_one() -> None:
    [shown] = [json.loads(block) for block in TROUBLESHOOTING.blocks("json")]
    stated = document()["components"]["schemas"]["Diagnosis"]["properties"]
    assert shown.keys() == stated.keys()
