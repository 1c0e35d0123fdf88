"""A test that waits for its consent: what its report says of the browser, and when it is over."""

from dataclasses import replace
from typing import Any

import pytest

from broker.errors import SessionMismatch
from broker.model import Secret, TestRun, TestStatus
from tests.integration.conftest import World
from tests.integration.consents import Browser, link, refused

_LOOPBACK = "http://127.0.0.1:1/tested"


def _started(world: World) -> Any:
    probe = world.core.flows.probe
    return probe.start("crm", _LOOPBACK, publish=True, invocation=world.run())


def _report(world: World, test_id: str) -> TestRun:
    return world.core.flows.probe.report("crm", test_id, world.run())


def _causes(run: TestRun) -> list[object]:
    return [one["cause"] for one in run.diagnoses]


def test_a_link_that_nobody_opens_has_failed_when_its_time_is_over(world: World) -> None:
    run = _started(world).run
    world.time.passes(minutes=9)
    assert _report(world, run.test_id).status is TestStatus.WAITING_FOR_CONSENT
    world.time.passes(minutes=1)
    over = _report(world, run.test_id)
    assert (over.status, over.next_step, _causes(over)) == (
        TestStatus.FAILED,
        None,
        ["consent_not_started"],
    )


def test_reading_the_report_writes_nothing_and_says_the_same_again(world: World) -> None:
    run = _started(world).run
    world.time.passes(minutes=11)
    world.cloud.sent.clear()
    assert _report(world, run.test_id) == _report(world, run.test_id)
    assert set(world.cloud.sent) == {"GetItem"}


def test_a_login_that_is_left_open_is_told_from_a_link_that_nobody_opens(world: World) -> None:
    started = _started(world)
    browser = Browser.of(world)
    browser.opens(started.link)
    browser.opens(started.link)
    world.time.passes(minutes=10)
    over = _report(world, started.run.test_id)
    assert _causes(over) == ["consent_left_open"]
    assert "2 in all" in str(over.diagnoses[0]["why"])


def test_a_report_of_before_says_nothing_of_its_link(world: World) -> None:
    run = _started(world).run
    older = world.core.tests.get(run.test_id)
    assert older
    world.core.tests.put(replace(older, consent_until=None, trail=()))
    world.time.passes(minutes=30)
    assert _report(world, run.test_id).status is TestStatus.WAITING_FOR_CONSENT


def test_whoever_comes_without_the_cookie_is_noted_once_and_ends_nothing(world: World) -> None:
    started = _started(world)
    browser = Browser.of(world)
    state = browser.opens(started.link)
    for _ in range(3):
        assert refused(Browser.of(world).returns(state=state, code="stolen"))
    run = _report(world, started.run.test_id)
    assert (run.status, _causes(run)) == (TestStatus.WAITING_FOR_CONSENT, ["cookies_refused"])
    assert len([step for step in run.steps if step.outcome == "warning"]) == 1
    back = browser.comes_back(state)
    code = Secret(back["completion_code"])
    probe = world.core.flows.probe
    done = probe.advance("crm", run.test_id, code, revoke=False, invocation=world.run())
    assert done.status is TestStatus.RUNNING


def test_a_test_whose_browser_had_no_cookie_fails_for_that_when_its_time_is_over(
    world: World,
) -> None:
    started = _started(world)
    state = Browser.of(world).opens(started.link)
    Browser.of(world).returns(state=state, code="c")
    world.time.passes(minutes=10)
    over = _report(world, started.run.test_id)
    assert (over.status, _causes(over)) == (TestStatus.FAILED, ["cookies_refused"])


def test_a_response_that_comes_too_late_ends_the_test_and_is_not_used(world: World) -> None:
    started = _started(world)
    browser = Browser.of(world)
    state = browser.opens(started.link)
    world.time.passes(minutes=10)
    assert refused(browser.returns(state=state, code="late"))
    assert _causes(_report(world, started.run.test_id)) == ["consent_expired"]
    assert world.login.token_requests == []


def test_a_page_that_is_loaded_again_changes_nothing(world: World) -> None:
    started = _started(world)
    browser = Browser.of(world)
    state = browser.opens(started.link)
    browser.comes_back(state)
    before = _report(world, started.run.test_id)
    browser.returns(state=state, code="again")
    assert _report(world, started.run.test_id) == before


def test_a_code_that_nobody_hands_in_is_over_with_its_link(world: World) -> None:
    started = _started(world)
    browser = Browser.of(world)
    browser.comes_back(browser.opens(started.link))
    world.time.passes(minutes=10)
    over = _report(world, started.run.test_id)
    assert _causes(over) == ["completion_code_expired"]


@pytest.mark.parametrize("code", ["", "unknown", "unknown.secret", "…"])
def test_a_code_that_was_never_given_out_is_one_that_does_not_belong(
    world: World, code: str
) -> None:
    started = _started(world)
    probe = world.core.flows.probe
    for _ in range(2):
        with pytest.raises(SessionMismatch):
            probe.advance(
                "crm", started.run.test_id, Secret(code), revoke=False, invocation=world.run()
            )
    run = _report(world, started.run.test_id)
    assert (run.status, _causes(run)) == (TestStatus.WAITING_FOR_CONSENT, ["session_mismatch"])


def test_a_connection_of_a_user_leaves_no_report(world: World) -> None:
    state = Browser.of(world).opens(link(world))
    Browser.of(world).returns(state=state, code="c")
    assert not [item for item in world.cloud.items("PendingTable") if "diagnoses" in item]
