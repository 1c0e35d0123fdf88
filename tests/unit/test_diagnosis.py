"""What was seen, and the cause it is put down to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.diagnosis import Cause, Certainty, Evidence, Kind, Step
from broker.diagnosis.diagnose import diagnose
from broker.diagnosis.rule import Rule
from broker.diagnosis.rules import FAILURES, FINDINGS
from tests.unit.diagnosis_cases import (
    CASES,
    IN_CONTEXT,
    NO_REFRESH_TOKEN,
    OK,
    REDIRECT_URI,
    judge,
    refused,
)


@pytest.mark.parametrize(("cause", "evidence"), CASES)
def test_each_observation_has_its_cause(cause: Cause, evidence: Evidence) -> None:
    assert judge(evidence).cause is cause


@pytest.mark.parametrize(("cause", "flow", "configured"), IN_CONTEXT)
def test_the_flow_and_the_configuration_tell_causes_apart(
    cause: Cause, flow: list[Evidence], configured: dict[str, object]
) -> None:
    assert judge(*flow, **configured).cause is cause


def test_every_cause_has_a_case() -> None:
    assert {cause for cause, *_ in [*CASES, *IN_CONTEXT]} == set(Cause)


@pytest.mark.parametrize("rule", [*FAILURES, *FINDINGS], ids=lambda rule: rule.cause.value)
def test_whatever_is_not_certain_says_what_else_it_may_be(rule: Rule) -> None:
    assert rule.why
    named = [one.cause for one in rule.candidates]
    assert rule.cause not in named
    assert len(set(named)) == len(named)
    if rule.sure is Certainty.POSSIBLE:
        assert named


def test_the_last_failure_of_a_flow_decides() -> None:
    first = refused(Step.EXCHANGE, "invalid_client", status=401)
    last = Evidence(Step.MCP, Kind.NO_ANSWER)
    assert judge(first, OK, last).cause is Cause.MCP_SERVER_UNREACHABLE
    assert judge(last, OK, first).cause is Cause.CLIENT_CREDENTIALS


def test_a_failure_counts_more_than_a_finding() -> None:
    failed = Evidence(Step.TOOLS, Kind.NO_ANSWER)
    assert judge(NO_REFRESH_TOKEN, failed).cause is Cause.MCP_SERVER_UNREACHABLE


def test_a_finding_is_found_wherever_it_lies() -> None:
    tools = Evidence(Step.TOOLS, Kind.OK, facts={"tools": 3})
    assert judge(NO_REFRESH_TOKEN, tools).cause is Cause.NO_REFRESH_TOKEN


def test_one_observation_needs_no_list() -> None:
    assert diagnose(NO_REFRESH_TOKEN, redirect_uri=REDIRECT_URI).cause is Cause.NO_REFRESH_TOKEN


def test_where_nothing_failed_that_is_said() -> None:
    assert judge(OK).cause is Cause.UNKNOWN
    assert judge(OK).summary == "Nothing failed in what was seen."
    assert judge().seen == "nothing"


@given(
    step=st.sampled_from(Step),
    kind=st.sampled_from(Kind),
    status=st.none() | st.integers(100, 599),
    error=st.none() | st.text(max_size=20),
    description=st.none() | st.text(max_size=60),
    facts=st.dictionaries(
        st.sampled_from(
            [
                "tools",
                "refresh_token",
                "clock_skew_seconds",
                "html",
                "working_style",
                "flow",
                "obstacle",
                "member",
                "swapped",
                "redirects_to",
            ]
        ),
        st.booleans() | st.integers() | st.text(max_size=20),
    ),
)
def test_anything_that_can_be_seen_gets_a_diagnosis(
    *,
    step: Step,
    kind: Kind,
    status: int | None,
    error: str | None,
    description: str | None,
    facts: dict[str, str | bool | int],
) -> None:
    evidence = Evidence(
        step, kind, status=status, error=error, description=description, facts=facts
    )
    diagnosis = judge(evidence)
    assert diagnosis.summary
    assert diagnosis.fix
    assert diagnosis.why
    assert diagnosis.seen
