"""One person's browser, which listens to what its pages complain about."""

from dataclasses import dataclass

from playwright.sync_api import BrowserContext, ConsoleMessage, Page

TIMEOUT = 10_000
_EXPECTED = (
    "server responded with a status of",  # a page that is itself an error
    "Scripts may close only the windows that were opened by them",  # the way back in the same tab
)


@dataclass
class Profile:
    """A Chromium profile; complaints of all its pages go to one list."""

    context: BrowserContext
    complaints: list[str]

    def __post_init__(self) -> None:
        self.context.set_default_timeout(TIMEOUT)
        self.context.on("console", self._hear)
        self.context.on("weberror", lambda error: self.complaints.append(str(error.error)))

    def open(self, url: str) -> Page:
        """Open a page in a new tab."""
        page = self.context.new_page()
        page.goto(url)
        return page

    def _hear(self, message: ConsoleMessage) -> None:
        expected = any(text in message.text for text in _EXPECTED)
        if message.type in {"error", "warning"} and not expected:
            self.complaints.append(f"{message.location.get('url')}: {message.text}")
