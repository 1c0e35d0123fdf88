"""A browser, a user's consent in it, and the chat that confirms it."""

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from broker.model import (
    Arrival,
    BrowserOutcome,
    Claimant,
    ClosingPage,
    Connected,
    ConnectLink,
    Purpose,
    Redirect,
    Secret,
    Server,
    Wish,
)
from tests.integration.conftest import RETURN_URL, Container, World


@dataclass
class Browser:
    """A browser with its own cookies."""

    world: World
    core: Container
    cookies: dict[str, str]

    @classmethod
    def of(cls, world: World, core: Container | None = None) -> "Browser":
        return cls(world, core or world.core, {})

    def opens(self, link: ConnectLink) -> str:
        """Open a connect link; return the state of the authorization request."""
        return sent_with(self.follow(self.core.flows.authorize.open(ticket_of(link), self._run())))

    def follow(self, outcome: BrowserOutcome) -> Redirect:
        assert isinstance(outcome, Redirect), outcome
        if outcome.set_cookie:
            name, value = outcome.set_cookie
            self.cookies[name] = value.reveal()
        return outcome

    def returns(self, server_id: str = "crm", **parameters: str) -> BrowserOutcome:
        arrival = Arrival(server_id, parameters, self.cookies)
        return self.core.flows.callback.arrive(arrival, self._run())

    def comes_back(self, state: str, code: str = "canary-code-1") -> dict[str, str]:
        """Return from a consent; give what the chat's page is told."""
        return told(self.follow(self.returns(state=state, code=code)))

    def _run(self) -> Any:
        return self.world.run()


def sent_with(redirect: Redirect) -> str:
    return parse_qs(urlsplit(redirect.location).query)["state"][0]


def told(redirect: Redirect) -> dict[str, str]:
    query = parse_qs(urlsplit(redirect.location).query)
    return {name: values[0] for name, values in query.items()}


def ticket_of(link: ConnectLink) -> Secret:
    return Secret(link.connect_url.partition("ticket=")[2])


def link(world: World, user_id: str = "jo", **more: Any) -> ConnectLink:
    wish = Wish(user_id, return_url=RETURN_URL, **more)
    return world.core.flows.connections.connect("crm", wish, world.run())


def complete(world: World, back: dict[str, str], user_id: str = "jo", **more: Any) -> Connected:
    claimant = Claimant(Purpose.CONNECT, user_id, "crm", back["connect_id"])
    code = Secret(back["completion_code"])
    return world.core.flows.connections.complete(replace(claimant, **more), code, world.run())


def consented(world: World, **more: Any) -> dict[str, str]:
    """Walk up to the chat's return page."""
    browser = Browser.of(world)
    return browser.comes_back(browser.opens(link(world, **more)))


def refused(outcome: BrowserOutcome) -> bool:
    return isinstance(outcome, ClosingPage) and not outcome.succeeded


def changed(world: World, **changes: Any) -> Server:
    return world.register(replace(world.server, **changes))
