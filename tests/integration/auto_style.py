"""A server whose token request style is left to the broker, at a service of some kind."""

from typing import Any

import httpx

from broker.inbound.discoveries import registered_server
from broker.inbound.registry_requests import PutServerRequest
from broker.model import (
    Precondition,
    Server,
    StyleFinding,
    TokenRequestStyle,
)
from tests.fakes.client_styles import CLIENT_SECRET, Shop
from tests.integration.cloud import Container
from tests.integration.conftest import BASE_URL, SERVER, World
from tests.integration.consents import Browser, complete, link

BASIC, POST = TokenRequestStyle.FORM_BASIC, TokenRequestStyle.FORM_POST
CODE = "canary-code-1"
BODY: dict[str, Any] = {
    **{name: value for name, value in SERVER.items() if name not in {"auth_type", "scopes"}},
    "server_id": "crm",
    "name": "CRM",
    "auth_type": "consumer_oauth",
    "client_secret": CLIENT_SECRET,
    "token_request_style": "auto",
}


class Auto:
    """A server whose style is left to us, at a service of some kind."""

    def __init__(self, world: World, shop: Shop, **changes: Any) -> None:
        self.world, self.shop = world, shop
        world.core = self.container()
        self.put(**changes)

    def container(self) -> Container:
        def handle(request: httpx.Request) -> httpx.Response:
            if request.url.path == "/authorize":
                return httpx.Response(200)
            authenticated = request.url.path in ("/token", "/revoke", "/moved")
            return self.shop(request) if authenticated else usual(request)

        usual = self.world.services._handle
        settings, clock = self.world.cloud.settings(), self.world.core.clock
        return Container(self.world.cloud, httpx.MockTransport(handle), settings, clock)

    def put(self, **changes: Any) -> Server:
        body = {name: value for name, value in (BODY | changes).items() if value is not ...}
        request = PutServerRequest.model_validate(body)
        flow = self.world.core.flows.servers
        return flow.put(request.server_id, request.draft, Precondition()).server

    @property
    def server(self) -> Server:
        found = self.world.core.servers.get("crm")
        assert found is not None
        return found

    @property
    def found(self) -> StyleFinding:
        assert self.server.style_finding is not None
        return self.server.style_finding

    def shown(self) -> Any:
        server, found = self.world.core.flows.servers.shown("crm")
        return registered_server(server, found, BASE_URL)["token_request_style_found"]

    def connects(self) -> Any:
        """Consent in a browser and have the chat confirm it."""
        self.shop.codes.add(CODE)
        browser = Browser.of(self.world)
        back = browser.comes_back(browser.opens(link(self.world)), CODE)
        return complete(self.world, back)

    def with_real_code(self) -> list[TokenRequestStyle]:
        return [sent.style for sent in self.shop.sent if sent.fields.get("code") == CODE]
