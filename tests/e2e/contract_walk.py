"""Who walks through the product so that it gives its answers, and where."""

from dataclasses import dataclass
from typing import Any

import httpx

from local.demo.journey import Callers, Journey
from local.demo.neighbours import Neighbours
from local.demo.service import App
from local.demo.tenant import Tenant
from local.stack import LocalStack
from tests.e2e.contract import Recorder
from tests.e2e.stranger import Stranger

LOOPBACK = "http://127.0.0.1:1/tested"


@dataclass(frozen=True, slots=True)
class Walk:
    """Who walks, and where."""

    recorder: Recorder
    stack: LocalStack
    stranger: Stranger
    neighbours: Neighbours
    bound: Callers
    unbound: Callers
    hurried: Callers

    def blank(self, clients: Callers | None = None, origin: str = "") -> Journey:
        """Return a server that is not registered yet, with an app and a tenant of its own."""
        tenant = Tenant(origin or self.stack.services.mcp_server)
        return Journey(clients or self.bound, App(self.stack.services), tenant)

    def journey(self, clients: Callers | None = None, **changes: Any) -> Journey:
        """Return one that users can connect to."""
        made = self.blank(clients)
        made.register(**changes)
        return made

    def open_server(self) -> Journey:
        """Return one that asks for nothing."""
        made = self.blank(origin=self.neighbours.open_mcp_server)
        made.put(name="Tides", mcp_url=made.tenant.url, auth_type="none")
        return made

    def come_back(self, journey: Journey, user_id: str, **more: Any) -> dict[str, str]:
        """Let a user consent; return what the chat's return page is given."""
        return self.recorder.consent(journey.link(user_id, **more)["connect_url"]).query

    def connect(self, journey: Journey, user_id: str, **more: Any) -> None:
        """Connect a user."""
        complete(journey, user_id, self.come_back(journey, user_id, **more)).raise_for_status()

    def tested(self, started: httpx.Response) -> dict[str, str]:
        """Let the builder consent; return what their own program is given."""
        with self.recorder.visitor() as visitor:
            return visitor.go(started.json()["connect_url"], until=LOOPBACK).query


def complete(journey: Journey, user_id: str, back: dict[str, str]) -> httpx.Response:
    """Confirm a consent."""
    return journey.complete(user_id, back["connect_id"], back["completion_code"])
