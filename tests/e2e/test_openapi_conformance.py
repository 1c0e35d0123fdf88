"""The running API and docs/api/openapi.yaml agree: on every route, status, code, field and header.

One walk through the product is recorded, refusals included, and each exchange is held against the
document.
"""

from contextlib import ExitStack

import pytest

from local.demo.neighbours import Neighbours
from local.deployment import Deployment
from local.served import Served
from local.stack import LocalStack
from tests.e2e.conftest import Hurry
from tests.e2e.contract import Exchange, Recorder, codes_of, document, routes
from tests.e2e.contract_chapters import CHAPTERS
from tests.e2e.contract_walk import Walk
from tests.e2e.stranger import Stranger

pytestmark = pytest.mark.timeout(300)  # the walk takes about forty seconds, once

ELSEWHERE = {
    "configuration_error",
    "refresh_in_progress",
    "server_error",
    "temporarily_unavailable",
}
"""Codes that take a fault of ours or of AWS, or two calls at once: other tests bring them about."""


@pytest.fixture(scope="module")
def deployments(
    bound: Deployment, unbound: Deployment, hurry: Hurry
) -> tuple[Served, Served, Served]:
    """With session binding, without, and with less time."""
    return bound, unbound, hurry(8.0).deployment


@pytest.fixture(scope="module")
def recorded(
    stack: LocalStack,
    deployments: tuple[Served, Served, Served],
    stranger: Stranger,
    further_parties: Neighbours,
) -> list[Exchange]:
    """Walk once."""
    recorder = Recorder()
    with ExitStack() as listening:
        at = [listening.enter_context(recorder.at(one)) for one in deployments]
        walk = Walk(recorder, stack, stranger, further_parties, *at)
        for chapter in CHAPTERS:
            chapter(walk)
    return recorder.exchanges


def test_every_answer_is_one_that_the_document_describes(recorded: list[Exchange]) -> None:
    faults = {f"{exchange}: {fault}" for exchange in recorded for fault in exchange.faults()}
    assert sorted(faults) == []


def test_every_request_that_was_accepted_fits_the_document(recorded: list[Exchange]) -> None:
    faults = {
        f"{exchange}: {fault}"
        for exchange in recorded
        if not exchange.answer.is_error
        for fault in exchange.request_faults()
    }
    assert sorted(faults) == []


def test_a_request_with_an_unknown_field_does_not_fit_the_document(
    recorded: list[Exchange],
) -> None:
    refused = [one for one in recorded if "not a field of this request" in one.answer.text]
    assert len(refused) > 10
    assert [str(one) for one in refused if not list(one.request_faults())] == []


def test_every_route_was_asked_and_answered_well(recorded: list[Exchange]) -> None:
    assert {one.route for one in recorded if not one.answer.is_error} == {
        route for route in routes() if any(status < "4" for status in codes_of(route))
    }


def test_every_documented_status_of_success_was_given(recorded: list[Exchange]) -> None:
    given = {(one.route, str(one.answer.status_code)) for one in recorded}
    documented = {
        (route, status)
        for route in routes()
        for status in codes_of(route)
        if status.startswith(("2", "3"))
    }
    assert documented - given == set()


def test_every_documented_code_was_given_by_its_route(recorded: list[Exchange]) -> None:
    given = {(one.route, one.code) for one in recorded}
    documented = {
        (route, code) for route in routes() for codes in codes_of(route).values() for code in codes
    }
    missing = {(route, code) for route, code in documented - given if code not in ELSEWHERE}
    assert missing == set()


def test_every_schema_of_an_answer_is_used(recorded: list[Exchange]) -> None:
    statuses = {
        str(one.answer.json()["status"])
        for one in recorded
        if one.route == "POST /v1/invoke" and one.answer.is_success
    }
    mapping = document()["components"]["schemas"]["InvokeAnswer"]["discriminator"]["mapping"]
    assert statuses == mapping.keys()
