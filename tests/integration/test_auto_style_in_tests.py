"""What a test of a configuration says of ``auto``."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from broker.model import (
    StyleVerdict,
)
from tests.fakes.client_styles import Shop, says
from tests.integration.auto_style import BASIC, Auto
from tests.integration.conftest import World
from tests.integration.consents import link


def started(world: World) -> Any:
    return world.core.flows.probe.start("crm", None, publish=False, invocation=world.run()).run


def test_a_test_tells_the_style_before_the_browser_and_always_looks(world: World) -> None:
    auto = Auto(world, Shop([BASIC]))
    for _ in range(2):
        before = len(auto.shop.sent)
        [step] = started(world).steps
        assert (step.step.value, step.outcome) == ("consent", "ok")
        assert "auto is form_basic (certain)" in step.seen
        assert len(auto.shop.sent) > before


def test_a_test_says_that_the_client_is_refused_in_every_style(world: World) -> None:
    Auto(world, Shop())
    run = started(world)
    assert [d["cause"] for d in run.diagnoses] == ["client_credentials"]


@pytest.mark.parametrize(
    ("shop", "words"),
    [
        (Shop(always=says(429, "slow_down")), "fewer requests"),
        (Shop(looks_at_code_first=True, unheard=lambda: httpx.Response(200)), "a guess: nothing"),
    ],
    ids=["held back", "alike"],
)
def test_a_test_says_why_it_is_a_guess(world: World, shop: Shop, words: str) -> None:
    Auto(world, shop)
    [step] = started(world).steps
    assert step.outcome == "warning"
    assert words in step.seen


def test_what_was_proven_is_not_forgotten_for_an_answer_that_tells_nothing(world: World) -> None:
    auto = Auto(world, Shop([BASIC]))
    link(world)
    auto.shop.always = says(429, "slow_down")
    started(world)
    assert auto.found.proven


def test_a_secret_that_is_refused_now_unproves_the_style_and_keeps_it_as_the_guess(
    world: World,
) -> None:
    auto = Auto(world, Shop([BASIC]))
    link(world)
    auto.shop.styles = ()
    started(world)
    assert (auto.found.verdict, auto.found.style) == (StyleVerdict.CLIENT_REFUSED, BASIC)


def test_the_finding_is_no_part_of_what_decides_where_tokens_go(world: World) -> None:
    auto = Auto(world, Shop([BASIC]))
    digest = auto.server.config_digest
    link(world)
    assert auto.server.config_digest == digest
    assert replace(auto.server, style_finding=None).config_digest == digest


def test_a_look_is_due_an_hour_after_the_last(world: World) -> None:
    auto = Auto(world, Shop([BASIC]))
    styles, server, now = world.core.styles, auto.server, world.time.now()
    assert styles.take_look(server, now)
    assert not styles.take_look(server, now + timedelta(minutes=59))
    assert styles.take_look(server, now + timedelta(minutes=60))


def test_an_address_that_only_a_connection_knows_is_not_asked(world: World) -> None:
    host = {"source": "callback", "field": "dc", "kind": "host", "hosts": ["login.example.com"]}
    auto = Auto(world, Shop([BASIC]), token_endpoint="https://{dc}/token", kept_fields={"dc": host})
    run = started(world)
    assert auto.shop.sent == []
    assert (auto.found.verdict, auto.found.found_at) == (StyleVerdict.UNDECIDED, None)
    assert (list(run.diagnoses), [step.outcome for step in run.steps]) == ([], ["ok"])


def test_what_is_told_of_the_style_is_no_consent(world: World) -> None:
    Auto(world, Shop([BASIC]))
    run = started(world)
    world.time.passes(601)
    told = world.core.flows.probe.report("crm", run.test_id, world.run())
    assert [one["cause"] for one in told.diagnoses] == ["consent_not_started"]
