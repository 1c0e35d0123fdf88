"""Takes the pictures of README and docs: ``python -m tests.browser.pictures docs/pictures``."""

import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from local.stack import LocalStack
from tests.browser.chat_page import ChatPage, decide, expect_row, log_in
from tests.browser.conftest import ARGUMENTS, find_chromium
from tests.browser.profile import Profile
from tests.browser.services import Service

SIZE: ViewportSize = {"width": 1100, "height": 640}
MOVEMENT_MILLISECONDS = 600


class Camera:
    """Photographs pages in one colour scheme."""

    def __init__(self, browser: Browser, folder: Path, scheme: str) -> None:
        dark = scheme == "dark"
        context = browser.new_context(viewport=SIZE, color_scheme="dark" if dark else "light")
        self.profile = Profile(context, [])
        self._folder, self._scheme = folder, scheme

    def shoot(self, page: Page, name: str) -> None:
        """Save one picture, once nothing moves."""
        page.wait_for_timeout(MOVEMENT_MILLISECONDS)
        page.screenshot(path=self._folder / f"{name}-{self._scheme}.png")


def main(folder: Path) -> None:
    """Walk the journey, twice."""
    folder.mkdir(parents=True, exist_ok=True)
    with LocalStack() as stack, sync_playwright() as playwright:
        deployment = stack.deployment(chat=True, ChatName="Lighthouse Chat")
        unbound = stack.deployment("unbound", SessionBinding="none", ChatName="Lighthouse Chat")
        path = find_chromium(playwright)
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        harbor = Service(stack, deployment, server_id="harbor-crm")
        other = Service(stack, unbound, "Lagoon Desk")
        for scheme in ("light", "dark"):
            camera = Camera(browser, folder, scheme)
            take_chat(camera, stack.chat_url)
            take_broker(camera, other)
            harbor.disconnect_all()
        browser.close()


def take_chat(camera: Camera, chat_url: str) -> None:
    """Take the pages that a user of the chat sees."""
    camera.shoot(camera.profile.open(chat_url), "chat-users")
    chat = ChatPage.signed_in(camera.profile, chat_url, "Ana")
    chat.ask("List my contacts")
    expect(chat.button("Connect Harbor CRM account")).to_be_visible()
    camera.shoot(chat.page, "chat-card")
    with chat.popup("Connect Harbor CRM account") as window:
        window.wait_for_url("**/login?**")
        camera.shoot(window, "service-login")
        log_in(window)
        camera.shoot(window, "service-consent")
        decide(window)
    expect_row(chat, "Ada Ferry", "ada.ferry@example.com", "north")
    camera.shoot(chat.page, "chat-result")


def take_broker(camera: Camera, service: Service) -> None:
    """Take the broker's own pages."""
    link = service.connect_link("ana", user_label="ana@example.com")["connect_url"]
    camera.shoot(camera.profile.open(link), "broker-consent")
    camera.shoot(camera.profile.open(f"{link}-not-valid"), "broker-error")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
