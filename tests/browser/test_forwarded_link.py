"""T1: a connect link that somebody else has started must not take the reader's account."""

from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, expect

from tests.browser.chat_page import ChatPage, decide, log_in
from tests.browser.conftest import SignIn
from tests.browser.services import Service

CONNECT = "Connect Harbor CRM account"


def links_of(chat: ChatPage, service: Service) -> tuple[str, str]:
    """Return the connect link that a user is shown, and the service's page that it leads to."""
    chat.ask(f"@{service.server_id} list my contacts")
    with chat.page.expect_popup() as opened:
        chat.button(CONNECT).click()
    with opened.value as window:
        window.wait_for_url("**/login?**")
        login_page = window.url
    link = chat.conversation.get_by_role("link", name="in this tab").get_attribute("href")
    assert link
    return link, login_page


def come_back(page: Page) -> dict[str, str]:
    """Log in and allow; return the query with which the browser arrives at the chat."""
    log_in(page)
    with page.expect_request(lambda request: urlsplit(request.url).path == "/return") as back:
        decide(page)
    expect(page.get_by_role("heading")).to_be_visible()
    return {name: value for name, (value,) in parse_qs(urlsplit(back.value.url).query).items()}


def test_the_chat_refuses_a_consent_that_its_session_did_not_start(
    service: Service, sign_in: SignIn
) -> None:
    link, _ = links_of(sign_in("Mallory"), service)
    ben = sign_in("Ben")
    page = ben.profile.open(link)
    come_back(page)
    expect(page.get_by_role("heading")).to_contain_text("not started in your chat")
    assert service.token_requests() == []
    assert not service.connected("ben")
    assert not service.connected("mallory")


def test_the_broker_refuses_it_for_anybody_a_careless_chat_would_name(
    service: Service, sign_in: SignIn
) -> None:
    link, _ = links_of(sign_in("Mallory"), service)
    query = come_back(sign_in("Ben").profile.open(link))
    claim = {name: query[name] for name in ("connect_id", "completion_code")}
    with service.deployment.api() as api:
        path = f"/v1/connections/{service.server_id}/complete"
        # The first refusal erases the code: not even its own user can use it afterwards.
        answers = [api.post(path, json={"user_id": who, **claim}) for who in ("ben", "mallory")]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert [answer.json()["error"] for answer in answers] == ["session_mismatch"] * 2
    assert service.token_requests() == []
    assert not service.connected("ben")
    assert not service.connected("mallory")


def test_the_broker_refuses_a_sign_in_that_began_in_another_browser(
    service: Service, sign_in: SignIn
) -> None:
    _, login_page = links_of(sign_in("Mallory"), service)
    page = sign_in("Ben").profile.open(login_page)
    log_in(page)
    decide(page)
    expect(page.get_by_role("main")).to_contain_text("started in another browser")
    assert urlsplit(page.url).path == f"/callback/{service.server_id}"
    assert service.token_requests() == []
    assert not service.connected("mallory")


def test_without_a_session_of_the_chat_nothing_is_connected(
    service: Service, sign_in: SignIn
) -> None:
    chat = sign_in("Ana")
    chat.ask(f"@{service.server_id} list my contacts")
    with chat.page.expect_popup() as opened:
        chat.button(CONNECT).click()
    log_in(opened.value)
    chat.page.get_by_role("button", name="Sign out").click()
    decide(opened.value)
    expect(opened.value.get_by_role("heading")).to_contain_text("not started in your chat")
    assert service.token_requests() == []
