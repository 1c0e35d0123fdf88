"""The chat's page and the service's pages, in the words of who uses them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from playwright.sync_api import Locator, Page, expect

from tests.browser.profile import Profile


@dataclass
class ChatPage:
    """The chat, as somebody who is signed in sees it."""

    profile: Profile
    page: Page

    @classmethod
    def signed_in(cls, profile: Profile, url: str, name: str) -> Self:
        """Open the chat and pick a user."""
        page = profile.open(url)
        page.get_by_role("button", name=name).click()
        expect(page.get_by_role("textbox", name="Message")).to_be_enabled()
        return cls(profile, page)

    def ask(self, message: str) -> None:
        """Send a message, by keyboard alone."""
        self.page.get_by_role("textbox", name="Message").fill(message)
        self.page.keyboard.press("Enter")

    @property
    def conversation(self) -> Locator:
        """All messages so far."""
        return self.page.get_by_role("log", name="Conversation")

    def button(self, label: str) -> Locator:
        """Return the button of the latest card with that label."""
        return self.conversation.get_by_role("button", name=label).last

    @contextmanager
    def popup(self, label: str) -> Iterator[Page]:
        """Press a card's button; what happens in the window must end with its closing."""
        with self.page.expect_popup() as opened:
            self.button(label).press("Enter")
        window = opened.value
        yield window
        if not window.is_closed():
            window.wait_for_event("close")

    def connections(self) -> Locator:
        """Return the list of connected accounts."""
        return self.page.get_by_role("region", name="Connected accounts").get_by_role("listitem")


def log_in(window: Page, username: str = "alice") -> None:
    """Pass the service's login page."""
    window.get_by_label("User name").fill(username)
    window.get_by_label("Password").fill(f"{username}-password")
    window.get_by_role("button", name="Sign in").click()


def decide(window: Page, decision: str = "Allow") -> None:
    """Answer the service's consent page."""
    window.get_by_role("button", name=decision, exact=True).click()


def expect_row(chat: ChatPage, *cells: str) -> None:
    """Expect a line of a table that a tool returned."""
    row = chat.conversation.get_by_role("row", name=" ".join(cells))
    expect(row.last).to_be_visible()
