"""Connecting: links, the browser's two stops, and what the chat makes of the return."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from local.demo.journey import RETURN_URL, Callers, Journey, text_of
from local.demo.neighbours import Neighbours
from local.visitor import Visitor
from tests.e2e.answers import SECURITY_HEADERS, description, refusal
from tests.e2e.conftest import MakeJourney
from tests.e2e.time_machine import TimeMachine


def test_a_consent_becomes_a_connection_with_its_account(journey: Journey, ana: str) -> None:
    connected = journey.connect(ana)
    assert connected["status"] == "connected"
    assert (connected["account_changed"], connected["recovered"]) == (False, False)
    connection = connected["connection"]
    assert connection["account"] == "alice@example.com"
    assert connection["status"] == "active"
    assert connection["scopes"] == ["openid", "contacts.read"]
    assert connection["missing_scopes"] == []
    assert connection["refreshable"] is True


def test_the_return_brings_what_the_chat_needs_and_nothing_else(journey: Journey, ana: str) -> None:
    link = journey.link(ana, client_state="message 7 & more")
    back = journey.consent(link["connect_url"]).query
    assert back.keys() == {"connect_id", "completion_code", "client_state"}
    assert back["connect_id"] == link["connect_id"]
    assert back["client_state"] == "message 7 & more"


def test_no_code_is_spent_before_the_chat_has_confirmed(journey: Journey, ana: str) -> None:
    journey.come_back(ana)
    assert journey.app.exchanges() == []
    assert journey.connection(ana).status_code == 404


def test_the_authorization_request_says_what_the_rfcs_want(journey: Journey, ana: str) -> None:
    with Visitor() as visitor:
        answer = visitor.open(journey.link(ana)["connect_url"])
    assert answer.status_code == 303
    sent = parse_qs(urlsplit(answer.headers["location"]).query)
    assert all(len(values) == 1 for values in sent.values())
    assert sent["response_type"] == ["code"]
    assert sent["redirect_uri"] == [journey.redirect_uri]
    assert sent["code_challenge_method"] == ["S256"]
    assert sent["scope"] == ["openid contacts.read"]
    assert len(sent["state"][0]) >= 43
    assert len(sent["code_challenge"][0]) == 43


def test_the_flows_cookie_is_kept_from_everybody_else(journey: Journey, ana: str) -> None:
    with Visitor() as visitor:
        [cookie] = visitor.open(journey.link(ana)["connect_url"]).headers.get_list("set-cookie")
    name, *attributes = [part.strip() for part in cookie.split(";")]
    assert re.fullmatch(r"__Host-flow-[0-9a-f]{16}=[\w-]{43}", name)
    said = {attribute.lower() for attribute in attributes}
    assert {"path=/", "secure", "httponly", "samesite=lax", "max-age=600"} <= said
    assert not any(attribute.startswith("domain") for attribute in said)


def test_the_cookie_is_cleared_at_the_return(journey: Journey, ana: str) -> None:
    with Visitor() as visitor:
        callback = visitor.go(journey.link(ana)["connect_url"], until=journey.redirect_uri).url
        [cookie] = visitor.open(callback).headers.get_list("set-cookie")
    assert re.match(r"__Host-flow-[0-9a-f]{16}=;", cookie)


def test_an_expired_link_ends_on_a_page_with_the_whole_set_of_headers(
    journey: Journey, time_machine: TimeMachine, ana: str
) -> None:
    link = journey.link(ana)
    assert time_machine.age("PendingTable", 601, ana) == 1
    with Visitor() as visitor:
        page = visitor.open(link["connect_url"])
    assert page.status_code == 400
    assert "expired" in page.text
    assert {name: page.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
    policy = re.sub(r"'nonce-[\w-]+'", "'nonce-…'", page.headers["content-security-policy"])
    assert policy == (
        "default-src 'none'; style-src 'nonce-…'; script-src 'nonce-…'; form-action 'none';"
        " frame-ancestors 'none'; base-uri 'none'"
    )


@pytest.mark.parametrize("query", ["", "?ticket=", "?ticket=nobody-knows", "?ticket=a&ticket=b"])
def test_a_link_that_nobody_made_ends_on_a_page(journey: Journey, query: str) -> None:
    with Visitor() as visitor:
        page = visitor.open(f"{journey.callers.deployment.url}/authorize{query}")
    assert page.status_code == 400
    assert page.headers["content-type"].startswith("text/html")


def test_a_link_preview_consumes_nothing(journey: Journey, ana: str) -> None:
    link = journey.link(ana)
    with Visitor() as preview:
        preview.open(link["connect_url"])
    back = journey.consent(link["connect_url"]).query
    assert journey.complete(ana, back["connect_id"], back["completion_code"]).status_code == 200


def test_a_link_is_opened_ten_times_at_most(journey: Journey, ana: str) -> None:
    link = journey.link(ana)
    with Visitor() as visitor:
        seen = [visitor.open(link["connect_url"]).status_code for _ in range(11)]
    assert seen == [303] * 10 + [400]


def test_a_link_is_spent_with_its_connection(journey: Journey, ana: str) -> None:
    link = journey.link(ana)
    back = journey.consent(link["connect_url"]).query
    journey.complete(ana, back["connect_id"], back["completion_code"]).raise_for_status()
    with Visitor() as visitor:
        assert visitor.open(link["connect_url"]).status_code == 400


def test_declining_comes_back_as_an_error(journey: Journey, ana: str) -> None:
    link = journey.link(ana, client_state="message-9")
    back = journey.consent(link["connect_url"], decision="deny").query
    assert back == {
        "connect_id": link["connect_id"],
        "error": "access_denied",
        "client_state": "message-9",
    }


def test_a_refused_scope_comes_back_as_an_error(journey: Journey, ana: str) -> None:
    journey.put(**journey.configuration(scopes=["openid", "moon.read"])).raise_for_status()
    assert journey.come_back(ana)["error"] == "invalid_scope"


def test_a_wrong_issuer_spends_no_code(journey: Journey, ana: str) -> None:
    journey.app.switch(wrong_iss="https://hostile.example.com")
    back = journey.come_back(ana)
    assert "completion_code" not in back
    assert back["error"] == "issuer_mismatch"
    assert journey.app.exchanges() == []


def test_an_issuer_with_one_slash_more_is_another(journey: Journey, ana: str) -> None:
    journey.app.switch(wrong_iss=f"{journey.app.service.authorization_server}/")
    assert journey.come_back(ana)["error"] == "issuer_mismatch"


def test_a_wrong_issuer_is_noticed_before_its_error_is_believed(journey: Journey, ana: str) -> None:
    journey.app.switch(wrong_iss="https://hostile.example.com")
    back = journey.consent(journey.link(ana)["connect_url"], decision="deny").query
    assert back["error"] == "issuer_mismatch"


def test_a_service_that_names_no_issuer_is_not_asked_for_one(journey: Journey, ana: str) -> None:
    journey.app.switch(send_iss=False)
    assert journey.connect(ana)["status"] == "connected"


@pytest.mark.parametrize(
    "return_url",
    [
        "https://evil.example.com/return",
        f"{RETURN_URL}/",
        f"{RETURN_URL}?next=1",
        f"{RETURN_URL}#part",
        RETURN_URL.replace("chat", "CHAT"),
        "javascript:alert(1)",
    ],
)
def test_a_return_url_is_one_of_the_list_to_the_letter(
    journey: Journey, ana: str, return_url: str
) -> None:
    answer = journey.callers.chat.post(
        f"/v1/connections/{journey.server_id}/connect",
        json={"user_id": ana, "return_url": return_url},
    )
    assert refusal(answer) == (400, "invalid_request")
    assert "return_url" in description(answer)


def test_users_do_not_connect_to_a_server_without_accounts(
    journeys: MakeJourney, at_bound: Callers, further_parties: Neighbours, ana: str
) -> None:
    free = journeys(at_bound, further_parties.open_mcp_server)
    free.put(name="Tides", mcp_url=free.tenant.url, auth_type="none").raise_for_status()
    answer = at_bound.chat.post(f"/v1/connections/{free.server_id}/connect", json={"user_id": ana})
    assert refusal(answer) == (400, "invalid_request")


def test_nobody_connects_to_an_incomplete_server(half_configured: Journey, ana: str) -> None:
    answer = half_configured.callers.chat.post(
        f"/v1/connections/{half_configured.server_id}/connect", json={"user_id": ana}
    )
    assert refusal(answer) == (424, "server_misconfigured")


def test_connecting_again_replaces_the_account_and_says_so(journey: Journey, ana: str) -> None:
    first = journey.connect(ana, "alice")["connection"]
    again = journey.connect(ana, "bob")
    assert again["account_changed"] is True
    assert again["connection"]["account"] == "bob@example.com"
    assert again["connection"]["created_at"] == first["created_at"]
    assert text_of(journey.invoke(ana)) == "bob"


def test_a_server_that_changed_during_the_login_is_not_connected(
    journey: Journey, ana: str
) -> None:
    back = journey.come_back(ana)
    resource = journey.tenant.url
    journey.put(**journey.configuration(resource=resource)).raise_for_status()
    answer = journey.complete(ana, back["connect_id"], back["completion_code"])
    assert refusal(answer) == (409, "server_changed")
    assert journey.app.exchanges() == []


def test_a_server_that_was_made_anew_does_not_take_the_old_ones_codes(
    journey: Journey, ana: str
) -> None:
    back = journey.come_back(ana)
    journey.delete().raise_for_status()
    journey.put(**journey.configuration(client_id="another-app")).raise_for_status()
    answer = journey.complete(ana, back["connect_id"], back["completion_code"])
    assert refusal(answer) == (409, "server_changed")
    assert journey.app.exchanges() == []


def test_what_the_service_says_of_an_error_is_not_repeated(journey: Journey, ana: str) -> None:
    with Visitor() as visitor:
        answer = visitor.open(journey.link(ana)["connect_url"])
        state = parse_qs(urlsplit(answer.headers["location"]).query)["state"][0]
        hostile = "&error=%3Cscript%3E&error_description=call+0900&error_uri=https%3A%2F%2Fevil"
        back = visitor.open(f"{journey.redirect_uri}?state={state}{hostile}")
    assert parse_qs(urlsplit(back.headers["location"]).query)["error"] == ["authorization_failed"]
    assert "0900" not in back.headers["location"]
    assert "evil" not in back.headers["location"]


def test_a_failed_attempt_leaves_the_connection_as_it_is(journey: Journey, ana: str) -> None:
    journey.connect(ana, "alice")
    back = journey.come_back(ana, "bob")
    journey.app.switch(token_endpoint_mode="500", mode_count=1)
    journey.complete(ana, back["connect_id"], back["completion_code"])
    assert text_of(journey.invoke(ana)) == "alice"


def test_two_cards_in_one_browser_do_not_disturb_each_other(
    journeys: MakeJourney, at_bound: Callers, journey: Journey, ana: str
) -> None:
    other = journeys(at_bound)
    other.register()
    with Visitor() as visitor:
        first = visitor.go(journey.link(ana)["connect_url"], until=journey.redirect_uri).url
        second = visitor.go(other.link(ana)["connect_url"], until=other.redirect_uri).url
        back = [visitor.go(url, until=RETURN_URL).query for url in (first, second)]
    for each, query in zip((journey, other), back, strict=True):
        answer = each.complete(ana, query["connect_id"], query["completion_code"])
        assert answer.json()["status"] == "connected"
