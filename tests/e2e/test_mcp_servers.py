"""MCP servers: good, odd and hostile ones, old and new, and what a call answers for them."""

import json
from dataclasses import replace

import pytest

from local.demo.journey import Callers, Journey, text_of
from local.demo.neighbours import Neighbours
from local.loopback import Reply, Request
from local.stack import LocalStack
from tests.e2e.answers import asked, refusal
from tests.e2e.conftest import Hurry, MakeJourney
from tests.e2e.stranger import Stranger, as_json


def _tools_of(url: str, journey: Journey) -> Journey:
    journey.put(name="Stranger", mcp_url=url, auth_type="none").raise_for_status()
    return journey


@pytest.mark.parametrize("mood", ["html", "nonsense", "wrong_id", "broken_stream"])
def test_a_server_that_answers_nonsense_is_its_own_fault(
    journey: Journey, ana: str, mood: str
) -> None:
    journey.connect(ana)
    journey.tenant.switch(mood=mood)
    assert refusal(journey.invoke(ana)) == (502, "mcp_server_error")


def test_a_server_that_fails_is_named_with_its_status_and_not_its_words(
    journey: Journey, ana: str
) -> None:
    journey.connect(ana)
    journey.tenant.switch(mood="500")
    answer = journey.invoke(ana)
    assert refusal(answer) == (502, "mcp_server_error")
    assert answer.json()["upstream_status"] == 500


@pytest.mark.parametrize("mood", ["500", "broken_stream"])
def test_a_tool_that_may_have_run_is_not_called_again(
    journey: Journey, ana: str, mood: str
) -> None:
    journey.connect(ana)
    journey.tenant.switch(mood=mood)
    journey.invoke(ana)
    assert len(journey.tenant.calls()) == 1


def test_a_silent_server_is_given_up_in_time(journey: Journey, hurry: Hurry, ana: str) -> None:
    journey.connect(ana)
    journey.tenant.switch(mood="hang")
    answer = replace(journey, callers=hurry(10.0)).invoke(ana)
    # An answer of ours: a function that runs out of its ten seconds gives none.
    assert refusal(answer) == (504, "mcp_server_timeout")
    assert len(journey.tenant.calls()) == 1


def test_a_server_that_is_busy_says_when_to_come_back(journey: Journey, ana: str) -> None:
    journey.connect(ana)
    journey.tenant.switch(mood="429", retry_after="17")
    answer = journey.invoke(ana)
    assert refusal(answer) == (429, "too_many_requests")
    assert answer.headers["retry-after"] == "17"


def test_a_server_that_nobody_runs_is_unreachable(blank: Journey, ana: str) -> None:
    blank.put(name="Gone", mcp_url="https://crm.invalid/mcp", auth_type="none").raise_for_status()
    assert refusal(blank.invoke(ana)) == (502, "mcp_server_error")


def test_a_redirect_is_not_followed(blank: Journey, stranger: Stranger, ana: str) -> None:
    target = stranger.answers(lambda _: as_json({}))
    url = stranger.answers(lambda _: as_json({}, 307, Location=target))
    answer = _tools_of(url, blank).invoke(ana)
    assert refusal(answer) == (502, "mcp_server_error")
    assert stranger.seen(target) == []


def test_arguments_that_the_server_refuses_are_named_so(
    blank: Journey, stranger: Stranger, ana: str
) -> None:
    def refuse(request: Request) -> Reply:
        asked_id = json.loads(request.body)["id"]
        error = {"code": -32602, "message": "Secret words of the server"}
        return as_json({"jsonrpc": "2.0", "id": asked_id, "error": error})

    answer = _tools_of(stranger.answers(refuse), blank).invoke(ana)
    assert refusal(answer) == (422, "invalid_tool_arguments")
    assert "Secret words" not in answer.text


def test_a_result_that_is_too_large_is_not_cut(journey: Journey, ana: str) -> None:
    journey.connect(ana)
    answer = journey.invoke(ana, "big", arguments={"size": 4_500_000})
    assert refusal(answer) == (502, "mcp_result_too_large")


def test_a_result_that_grows_over_the_limit_by_escaping_is_too_large(
    blank: Journey, stranger: Stranger, ana: str
) -> None:
    def answer_much(request: Request) -> Reply:
        content = [{"type": "text", "text": '"' * 1_900_000}]
        asked_id = json.loads(request.body)["id"]
        return as_json({"jsonrpc": "2.0", "id": asked_id, "result": {"content": content}})

    answer = _tools_of(stranger.answers(answer_much), blank).invoke(ana)
    assert refusal(answer) == (502, "mcp_result_too_large")


@pytest.mark.parametrize("content", [rb'"\ud800"', b"1e999", b"NaN", b"[" * 3000 + b"]" * 3000])
def test_a_result_that_is_hardly_json_breaks_nothing(
    blank: Journey, stranger: Stranger, ana: str, content: bytes
) -> None:
    def answer(request: Request) -> Reply:
        asked_id = json.dumps(json.loads(request.body)["id"]).encode()
        result = b'{"content": [], "structuredContent": {"odd": ' + content + b"}}"
        body = b'{"jsonrpc": "2.0", "id": ' + asked_id + b', "result": ' + result + b"}"
        return Reply(200, [("Content-Type", "application/json")], body)

    seen = _tools_of(stranger.answers(answer), blank).invoke(ana)
    assert seen.status_code in {200, 502}
    json.loads(seen.text, parse_constant=pytest.fail)


def test_a_large_result_that_fits_is_passed_on(journey: Journey, ana: str) -> None:
    journey.connect(ana)
    assert len(text_of(journey.invoke(ana, "big", arguments={"size": 3_000_000}))) == 3_000_000


def test_a_token_that_the_server_no_longer_takes_is_renewed_once(
    journey: Journey, ana: str
) -> None:
    journey.connect(ana)
    journey.app.expire("alice")
    assert text_of(journey.invoke(ana)) == "alice"
    assert [call["status"] for call in journey.tenant.calls()] == [401, 200]
    assert len(journey.app.refreshes()) == 1


def test_a_server_that_takes_no_token_asks_its_user_to_reconnect(
    journey: Journey, ana: str
) -> None:
    journey.connect(ana)
    journey.tenant.switch(reject_tokens=True)
    answer = journey.invoke(ana)
    assert asked(answer) == "reconnect_required"
    assert answer.json()["failure"]["code"] == "rejected_by_server"
    assert journey.connection(ana).json()["reason"] == "rejected_by_server"
    assert len(journey.app.refreshes()) == 1
    assert len(journey.tenant.calls()) == 2


def test_a_bare_401_is_understood_as_well(journey: Journey, ana: str) -> None:
    journey.connect(ana)
    journey.tenant.switch(bare_401=True)
    journey.app.expire("alice")
    assert text_of(journey.invoke(ana)) == "alice"


def test_a_tool_that_needs_more_scope_asks_for_the_union(journey: Journey, ana: str) -> None:
    journey.connect(ana)
    answer = journey.invoke(ana, "delete_contact", arguments={"name": "Ada Ferry"})
    assert asked(answer) == "additional_scope"
    assert answer.json()["scopes"] == ["openid", "contacts.read", "contacts.write"]
    assert journey.connection(ana).json()["status"] == "active"


def test_a_tool_that_needed_more_scope_works_after_the_consent(journey: Journey, ana: str) -> None:
    journey.connect(ana)
    call = {"arguments": {"name": "Ada Ferry"}}
    card = journey.invoke(ana, "delete_contact", **call).json()
    back = journey.consent(card["connect_url"]).query
    journey.complete(ana, back["connect_id"], back["completion_code"]).raise_for_status()
    assert text_of(journey.invoke(ana, "delete_contact", **call)).startswith("alice would")


def test_a_shared_key_needs_no_user(
    journeys: MakeJourney, at_bound: Callers, further_parties: Neighbours, ana: str
) -> None:
    keyed = journeys(at_bound, further_parties.keyed_mcp_server)
    about = {"name": "Tides", "mcp_url": keyed.tenant.url, "auth_type": "bearer"}
    keyed.put(**about, bearer_token=further_parties.shared_key).raise_for_status()
    answer = keyed.invoke(ana, "add_numbers", arguments={"first": 1, "second": 2})
    assert text_of(answer) == "3"


def test_a_wrong_shared_key_is_the_builders_to_change(
    journeys: MakeJourney, at_bound: Callers, further_parties: Neighbours, ana: str
) -> None:
    keyed = journeys(at_bound, further_parties.keyed_mcp_server)
    about = {"name": "Tides", "mcp_url": keyed.tenant.url, "auth_type": "bearer"}
    keyed.put(**about, bearer_token="not the key").raise_for_status()
    assert refusal(keyed.invoke(ana)) == (424, "server_misconfigured")


def test_a_server_without_authorization_gets_no_credentials(
    journeys: MakeJourney, at_bound: Callers, further_parties: Neighbours, ana: str
) -> None:
    free = journeys(at_bound, further_parties.open_mcp_server)
    free.put(name="Tides", mcp_url=free.tenant.url, auth_type="none").raise_for_status()
    assert text_of(free.invoke(ana)) == "nobody"
    assert [call["has_bearer"] for call in free.tenant.calls()] == [False]


def test_an_old_server_is_asked_once_when_its_era_is_known(
    journeys: MakeJourney, at_bound: Callers, stack: LocalStack, ana: str
) -> None:
    old = journeys(at_bound, stack.services.old_mcp_server)
    old.register()
    old.connect(ana)
    assert text_of(old.invoke(ana)) == "alice"
    old.tenant.clear()
    assert text_of(old.invoke(ana)) == "alice"
    assert [entry["method"] for entry in old.tenant.requests()] == ["tools/call"]


def test_a_lost_session_is_opened_again(
    journeys: MakeJourney, at_bound: Callers, stack: LocalStack, ana: str
) -> None:
    old = journeys(at_bound, stack.services.old_mcp_server)
    old.register()
    old.connect(ana)
    old.invoke(ana)
    old.tenant.forget_sessions()
    assert text_of(old.invoke(ana)) == "alice"
