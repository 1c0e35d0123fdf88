"""The whole journey in a real browser: ask, connect in a popup, see the answer, disconnect."""

import pytest
from playwright.sync_api import expect

from tests.browser.chat_page import decide, expect_row, log_in
from tests.browser.conftest import MakeService, SignIn
from tests.browser.services import Service

CONNECT = "Connect Harbor CRM account"


@pytest.mark.parametrize("opener_policy", [None, "same-origin"])
def test_a_user_connects_in_a_popup_and_sees_the_result(
    service: Service, sign_in: SignIn, opener_policy: str | None
) -> None:
    service.switch(opener_policy=opener_policy is not None)
    chat = sign_in("Ana")
    chat.ask(f"@{service.server_id} list my contacts")
    expect(chat.conversation).to_contain_text(
        "Lighthouse Chat needs access to your Harbor CRM account"
    )
    with chat.popup(CONNECT) as window:
        window.wait_for_url("**/login?**")
        login_page = window.reload()
        assert login_page
        assert login_page.header_value("cross-origin-opener-policy") == opener_policy
        log_in(window)
        expect(window.get_by_text("alice@example.com")).to_be_visible()
        expect(chat.button(CONNECT)).to_be_visible()  # an unfinished sign-in is no cancellation
        decide(window)
    expect(chat.conversation).to_contain_text("Connected: Harbor CRM as alice@example.com")
    expect_row(chat, "Ada Ferry", "ada.ferry@example.com", "north")
    expect(chat.connections()).to_contain_text(["alice@example.com"])
    chat.connections().get_by_role("button", name="Disconnect Harbor CRM").click()
    expect(chat.conversation).to_contain_text("confirmed that the access has ended")
    expect(chat.connections()).to_have_count(0)
    assert not service.connected("ana")


def test_the_card_asks_for_one_more_permission_where_a_tool_needs_it(
    service: Service, sign_in: SignIn
) -> None:
    chat = sign_in("Ben")
    chat.ask(f"@{service.server_id} who am I?")
    with chat.popup(CONNECT) as window:
        log_in(window, "bob")
        decide(window)
    expect(chat.conversation.get_by_text("bob", exact=True)).to_be_visible()
    chat.ask(f"@{service.server_id} delete contact Bo Tide")
    with chat.popup("Allow in Harbor CRM") as window:
        decide(window)
    expect(chat.conversation).to_contain_text("bob would have deleted Bo Tide")


def test_a_denied_consent_is_said_and_offered_again(service: Service, sign_in: SignIn) -> None:
    chat = sign_in("Ana")
    chat.ask(f"@{service.server_id} list my contacts")
    with chat.popup(CONNECT) as window:
        log_in(window)
        decide(window, "Deny")
    expect(chat.conversation).to_contain_text("You did not allow the access at Harbor CRM")
    expect(chat.conversation).not_to_contain_text("Connected:")
    with chat.popup(CONNECT) as window:
        decide(window)
    expect_row(chat, "Ada Ferry", "ada.ferry@example.com", "north")


def test_an_access_that_was_withdrawn_is_explained_and_connected_again(
    service: Service, sign_in: SignIn
) -> None:
    chat = sign_in("Ana")
    chat.ask(f"@{service.server_id} who am I?")
    with chat.popup(CONNECT) as window:
        log_in(window)
        decide(window)
    expect(chat.conversation.get_by_text("alice", exact=True)).to_be_visible()
    service.withdraw("alice")
    chat.ask(f"@{service.server_id} list my contacts")
    expect(chat.conversation).to_contain_text("account needs to be connected again")
    expect(chat.conversation).to_contain_text("Harbor CRM no longer accepts this connection")
    with chat.popup("Reconnect Harbor CRM account") as window:
        decide(window)
    expect_row(chat, "Ada Ferry", "ada.ferry@example.com", "north")


def test_a_card_that_has_expired_is_renewed_by_its_button(
    service: Service, sign_in: SignIn
) -> None:
    chat = sign_in("Ana")
    chat.ask(f"@{service.server_id} list my contacts")
    link = chat.conversation.get_by_role("link", name="in this tab", include_hidden=True)
    expired = link.get_attribute("href")
    assert expired
    chat.page.evaluate("window.now = Date.now; Date.now = () => 4e12")
    chat.button(CONNECT).click()
    expect(link).not_to_have_attribute("href", expired)
    chat.page.evaluate("Date.now = window.now")
    with chat.popup(CONNECT) as window:
        log_in(window)
        decide(window)
    expect_row(chat, "Ada Ferry", "ada.ferry@example.com", "north")


def test_two_cards_are_connected_at_once(make_service: MakeService, sign_in: SignIn) -> None:
    harbor, lagoon = make_service(), make_service(name="Lagoon Desk")
    chat = sign_in("Ben")
    chat.ask(f"@{harbor.server_id} list my contacts")
    chat.ask(f"@{lagoon.server_id} who am I?")
    with (
        chat.popup("Connect Harbor CRM account") as first,
        chat.popup("Connect Lagoon Desk account") as second,
    ):
        for window in (first, second):
            window.wait_for_url("**/login?**")
        log_in(first)
        log_in(second)
        decide(second)
        expect(chat.conversation).to_contain_text("Connected: Lagoon Desk as alice@example.com")
        expect(chat.conversation).not_to_contain_text("Connected: Harbor CRM")
        decide(first)
    expect(chat.conversation).to_contain_text("Connected: Harbor CRM as alice@example.com")
    expect_row(chat, "Ari Quay", "ari.quay@example.com", "south")
    assert harbor.connected("ben")
    assert lagoon.connected("ben")


def test_where_popups_are_blocked_the_same_tab_does(service: Service, sign_in: SignIn) -> None:
    chat = sign_in("Ana")
    chat.page.evaluate("window.open = () => null")
    chat.ask(f"@{service.server_id} list my contacts")
    chat.button(CONNECT).click()
    log_in(chat.page)
    decide(chat.page)
    expect(chat.page.get_by_role("heading")).to_have_text(
        "Connected: Harbor CRM as alice@example.com"
    )
    chat.page.get_by_role("link", name="go back to the chat").click()
    expect_row(chat, "Ada Ferry", "ada.ferry@example.com", "north")


def test_what_a_tool_returns_is_text_and_never_html(service: Service, sign_in: SignIn) -> None:
    chat = sign_in("Ana")
    chat.ask(f"@{service.server_id} show contact <img src=x onerror=alert(1)>")
    with chat.popup(CONNECT) as window:
        log_in(window)
        decide(window)
    chat.ask(f"@{service.server_id} delete contact <b>Ada</b>")
    with chat.popup("Allow in Harbor CRM") as window:
        decide(window)
    expect(chat.conversation).to_contain_text("alice would have deleted <b>Ada</b>.")
    expect(chat.conversation.locator("b, img")).to_have_count(0)
