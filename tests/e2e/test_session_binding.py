"""Who clicked the link: nobody's consent becomes another user's connection (T1, T2, T5)."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import pytest

from local.demo.journey import RETURN_URL, Callers, Journey
from local.visitor import Visitor
from tests.e2e.answers import refusal, without_id
from tests.e2e.conftest import MakeJourney
from tests.e2e.time_machine import TimeMachine

_MISMATCH = (403, "session_mismatch")
_PARALLEL = 20


def _callback(visitor: Visitor, journey: Journey, user_id: str) -> str:
    """Go through login and consent; return the URL of the callback, not yet opened."""
    return visitor.go(journey.link(user_id)["connect_url"], until=journey.redirect_uri).url


def _changed(url: str, **changes: str | None) -> str:
    query = dict(parse_qsl(urlsplit(url).query)) | changes
    kept = {name: value for name, value in query.items() if value is not None}
    return f"{url.partition('?')[0]}?{urlencode(kept)}"


def _is_refused(page: httpx.Response) -> bool:
    return page.status_code == 400 and page.headers["content-type"].startswith("text/html")


def test_another_user_does_not_get_the_connection(journey: Journey, ana: str, ben: str) -> None:
    back = journey.come_back(ana)
    answer = journey.complete(ben, back["connect_id"], back["completion_code"])
    assert refusal(answer) == _MISMATCH
    assert journey.app.exchanges() == []
    assert [journey.connection(user).status_code for user in (ana, ben)] == [404, 404]


def test_a_code_that_was_in_the_wrong_hands_is_gone(journey: Journey, ana: str, ben: str) -> None:
    back = journey.come_back(ana)
    journey.complete(ben, back["connect_id"], back["completion_code"])
    answer = journey.complete(ana, back["connect_id"], back["completion_code"])
    assert refusal(answer) == _MISMATCH
    assert journey.app.exchanges() == []


def test_a_victims_consent_through_a_senders_link_stays_unused(
    journey: Journey, ana: str, ben: str
) -> None:
    back = journey.consent(journey.link(ana)["connect_url"], "bob").query
    # The victim's own chat session is ben's, and it did not start this connect_id.
    answer = journey.complete(ben, back["connect_id"], back["completion_code"])
    assert refusal(answer) == _MISMATCH
    assert journey.app.exchanges() == []


def test_a_completion_code_works_once(journey: Journey, ana: str) -> None:
    back = journey.come_back(ana)
    journey.complete(ana, back["connect_id"], back["completion_code"]).raise_for_status()
    again = journey.complete(ana, back["connect_id"], back["completion_code"])
    assert refusal(again) == _MISMATCH
    assert len(journey.app.exchanges()) == 1
    assert journey.connection(ana).json()["status"] == "active"


def test_a_completion_code_ends_after_two_minutes(
    journey: Journey, time_machine: TimeMachine, ana: str
) -> None:
    back = journey.come_back(ana)
    assert time_machine.age("PendingTable", 121, back["connect_id"]) == 2
    answer = journey.complete(ana, back["connect_id"], back["completion_code"])
    assert refusal(answer) == _MISMATCH
    assert journey.app.exchanges() == []


def test_every_wrong_completion_gets_the_same_body(
    journey: Journey, time_machine: TimeMachine, ana: str, ben: str
) -> None:
    def tried(user: str, **changes: str) -> httpx.Response:
        back = journey.come_back(ana) | changes
        return journey.complete(user, back["connect_id"], back["completion_code"])

    other = journey.link(ana)["connect_id"]
    late = journey.come_back(ana)
    time_machine.age("PendingTable", 121, late["connect_id"])
    answers = [
        tried(ben),
        tried(ana, connect_id=other),
        tried(ana, connect_id="nobody-knows"),
        tried(ana, completion_code="nobody-knows"),
        tried(ana, completion_code="nobody.knows"),
        journey.complete(ana, late["connect_id"], late["completion_code"]),
    ]
    assert [refusal(answer) for answer in answers] == [_MISMATCH] * 6
    assert len({str(without_id(answer)) for answer in answers}) == 1
    assert journey.app.exchanges() == []


def test_a_completion_belongs_to_its_server(
    journeys: MakeJourney, at_bound: Callers, journey: Journey, ana: str
) -> None:
    other = journeys(at_bound)
    other.register()
    back = journey.come_back(ana)
    answer = other.complete(ana, back["connect_id"], back["completion_code"])
    assert refusal(answer) == _MISMATCH
    assert (journey.app.exchanges(), other.app.exchanges()) == ([], [])


def test_parallel_completions_redeem_once(journey: Journey, ana: str) -> None:
    back = journey.come_back(ana)
    with ThreadPoolExecutor(_PARALLEL) as pool:
        attempts = [
            pool.submit(journey.complete, ana, back["connect_id"], back["completion_code"])
            for _ in range(_PARALLEL)
        ]
    seen = sorted(attempt.result().status_code for attempt in attempts)
    assert seen == [200] + [403] * (_PARALLEL - 1)
    assert len(journey.app.exchanges()) == 1


def test_two_tabs_of_one_link_make_one_exchange(journey: Journey, ana: str) -> None:
    link = journey.link(ana)
    with Visitor() as visitor:
        first = visitor.go(link["connect_url"], until=RETURN_URL).query
        second = visitor.go(link["connect_url"], until=RETURN_URL).query
    journey.complete(ana, second["connect_id"], second["completion_code"]).raise_for_status()
    answer = journey.complete(ana, first["connect_id"], first["completion_code"])
    assert refusal(answer) == _MISMATCH
    assert len(journey.app.exchanges()) == 1


def test_a_forwarded_authorization_url_is_of_no_use(journey: Journey, ana: str) -> None:
    with Visitor() as sender, Visitor("bob") as victim:
        sent_on = sender.open(journey.link(ana)["connect_url"]).headers["location"]
        stop = victim.go(sent_on, until=RETURN_URL)
    assert _is_refused(stop.page)
    assert "another browser" in stop.page.text
    assert journey.app.exchanges() == []


def test_a_callback_needs_the_cookie_of_its_own_flow(journey: Journey, ana: str, ben: str) -> None:
    with Visitor() as first, Visitor("bob") as second:
        callback = _callback(first, journey, ana)
        _callback(second, journey, ben)
        assert _is_refused(second.open(callback))
    assert journey.app.exchanges() == []


def test_a_callback_works_once(journey: Journey, ana: str) -> None:
    with Visitor() as visitor:
        callback = _callback(visitor, journey, ana)
        [cookie] = [
            f"{cookie.name}={cookie.value}"
            for cookie in visitor.http.cookies.jar
            if cookie.name.startswith("__Host-flow-")
        ]
        assert visitor.open(callback).status_code == 303
    with journey.callers.deployment.browser() as replaying:
        assert _is_refused(replaying.get(callback, headers={"Cookie": cookie}))


@pytest.mark.parametrize(
    "changes",
    [{"state": None}, {"state": "nobody-knows"}, {"code": None}, {"state": ""}, {"iss": "x"}],
    ids=["no-state", "unknown-state", "no-code", "empty-state", "other-iss"],
)
def test_a_mutated_callback_offers_nothing(
    journey: Journey, ana: str, changes: dict[str, str | None]
) -> None:
    with Visitor() as visitor:
        answer = visitor.open(_changed(_callback(visitor, journey, ana), **changes))
    assert "completion_code" not in answer.headers.get("location", "")
    assert journey.app.exchanges() == []


@pytest.mark.parametrize("name", ["state", "code", "iss"])
def test_a_doubled_parameter_is_refused(journey: Journey, ana: str, name: str) -> None:
    with Visitor() as visitor:
        callback = _callback(visitor, journey, ana)
        value = parse_qs(urlsplit(callback).query)[name][0]
        assert _is_refused(visitor.open(f"{callback}&{urlencode({name: value})}"))
    assert journey.app.exchanges() == []


def test_a_callback_at_another_servers_address_is_refused(
    journeys: MakeJourney, at_bound: Callers, journey: Journey, ana: str
) -> None:
    other = journeys(at_bound)
    other.register()
    with Visitor() as visitor:
        callback = _callback(visitor, journey, ana)
        page = visitor.open(callback.replace(journey.server_id, other.server_id))
    assert _is_refused(page)
    assert (journey.app.exchanges(), other.app.exchanges()) == ([], [])


def test_an_expired_state_is_refused(journey: Journey, time_machine: TimeMachine, ana: str) -> None:
    with Visitor() as visitor:
        link = journey.link(ana)
        callback = visitor.go(link["connect_url"], until=journey.redirect_uri).url
        assert time_machine.age("PendingTable", 601, link["connect_id"]) == 2
        assert _is_refused(visitor.open(callback))


def test_parallel_callbacks_offer_one_completion(journey: Journey, ana: str) -> None:
    with Visitor() as visitor:
        callback = _callback(visitor, journey, ana)
        with ThreadPoolExecutor(_PARALLEL) as pool:
            answers = list(pool.map(visitor.http.get, [callback] * _PARALLEL))
    back = [answer.headers.get("location", "") for answer in answers]
    assert sum("completion_code=" in location for location in back) == 1
    assert journey.app.exchanges() == []


def test_a_forwarded_test_link_connects_nobody(journey: Journey, ana: str) -> None:
    started = journey.start_test(return_url=RETURN_URL).raise_for_status().json()
    back = journey.consent(started["connect_url"], "bob").query
    answer = journey.complete(ana, back["connect_id"], back["completion_code"])
    assert refusal(answer) == _MISMATCH
    assert journey.app.exchanges() == []


def test_a_users_consent_advances_no_test(journey: Journey, ana: str) -> None:
    started = journey.start_test(return_url=RETURN_URL).raise_for_status().json()
    back = journey.come_back(ana)
    answer = journey.advance(started["test_id"], completion_code=back["completion_code"])
    assert refusal(answer) == _MISMATCH
    assert journey.app.exchanges() == []
