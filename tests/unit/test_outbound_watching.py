"""What whoever watches is told of the requests that left."""

import httpx
import pytest

from broker.errors import AddressBlocked, AnswerTooLarge, NoAnswer
from broker.outbound import watching
from tests.unit.test_outbound_door import URL, Script, answering


def _ask(script: Script, url: str) -> None:
    script.door().send("GET", url, headers={}, deadline=1010.0, cap=1000)


def test_a_request_is_noted_with_its_answer_and_its_time() -> None:
    script = answering(201, headers={"Retry-After": "7"})
    answer = script.answer

    def slowly(request: httpx.Request) -> httpx.Response:
        script.clock.pass_time(2)
        return answer(request)

    script.answer = slowly
    with watching() as sent:
        script.send()
    [one] = sent
    assert (one.method, one.url, one.status, one.seconds) == ("POST", URL, 201, 2.0)
    assert one.headers["retry-after"] == "7"
    assert one.failure is None


def test_a_failure_is_noted_and_raised() -> None:
    def broken(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("secret")

    with watching() as sent, pytest.raises(NoAnswer):
        Script(broken).send()
    assert [(one.status, type(one.failure)) for one in sent] == [(None, NoAnswer)]


def test_an_answer_that_is_too_large_is_noted_with_its_status() -> None:
    with watching() as sent, pytest.raises(AnswerTooLarge):
        answering(content=b"x" * 1001).send(cap=1000)
    assert [(one.status, type(one.failure)) for one in sent] == [(200, AnswerTooLarge)]


def test_an_address_that_is_not_talked_to_is_noted() -> None:
    with watching() as sent, pytest.raises(AddressBlocked):
        _ask(answering(), "https://10.0.0.1/")
    assert [type(one.failure) for one in sent] == [AddressBlocked]


def test_nobody_is_told_of_what_left_before_or_afterwards() -> None:
    script = answering()
    script.send()
    with watching() as sent:
        pass
    script.send()
    assert sent == []


def test_who_watches_inside_is_told_alone() -> None:
    script = answering()
    with watching() as outer:
        with watching() as inner:
            script.send()
        script.send()
    assert (len(outer), len(inner)) == (1, 1)


def test_no_url_is_in_what_is_printed() -> None:
    with watching() as sent:
        _ask(answering(), f"{URL}?key=canary")
    assert "canary" not in repr(sent)
