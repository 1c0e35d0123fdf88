"""A deployment with the example chat, and Chromium; each test has its own profiles and servers."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, expect, sync_playwright

from local.deployment import Deployment
from local.stack import LocalStack
from tests.browser.chat_page import ChatPage
from tests.browser.profile import TIMEOUT, Profile
from tests.browser.services import Service

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]

expect.set_options(timeout=TIMEOUT)

type MakeService = Callable[..., Service]
type OpenProfile = Callable[[], Profile]
type SignIn = Callable[[str], ChatPage]


def find_chromium(playwright: Playwright) -> str:
    """Return the browser's path; fail with what to do where there is none."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    path = found or playwright.chromium.executable_path
    if not Path(path).exists():
        pytest.fail("There is no Chromium here: run `make setup-browser`.", pytrace=False)
    return path


@pytest.fixture(scope="session")
def deployment(stack: LocalStack) -> Deployment:
    """A deployment with the example chat."""
    return stack.deployment("chat", chat=True, ChatName="Lighthouse Chat")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser; a module's own, since its event loop would be in the way of other tests'."""
    with sync_playwright() as playwright:
        path = find_chromium(playwright)
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def make_service(stack: LocalStack, deployment: Deployment) -> Iterator[MakeService]:
    made: list[Service] = []

    def make(at: Deployment = deployment, name: str = "Harbor CRM") -> Service:
        made.append(Service(stack, at, name))
        return made[-1]

    yield make
    for service in made:
        service.disconnect_all()


@pytest.fixture
def service(make_service: MakeService) -> Service:
    return make_service()


@pytest.fixture
def open_profile(chromium: Browser) -> Iterator[OpenProfile]:
    """Open fresh browser profiles; whatever a page complained about fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_one() -> Profile:
        contexts.append(chromium.new_context())
        return Profile(contexts[-1], complaints)

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def sign_in(open_profile: OpenProfile, stack: LocalStack, deployment: Deployment) -> SignIn:
    """Sign a user in to the chat, in a browser profile of their own."""

    def sign_in_one(name: str) -> ChatPage:
        return ChatPage.signed_in(open_profile(), stack.chat_url, name)

    return sign_in_one
