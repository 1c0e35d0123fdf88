"""The field of play: the local stack, the independent servers, and a tap before each of them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from local.clockwork import Tick
from local.demo.journey import RETURN_URL, Callers, Journey
from local.demo.journey import callers as open_callers
from local.demo.service import App
from local.demo.tenant import Tenant
from local.deployment import Deployment
from local.processes import Child, Children
from local.stack import LocalStack, ThirdParties
from tests.interop.door import INTROSPECTION_CLIENT, Door
from tests.interop.processes import start_server
from tests.interop.registry import Server, spare
from tests.interop.tap import Tap


@dataclass(frozen=True, slots=True)
class Fronted:
    """A deployment whose public base URL is a tap's."""

    deployment: Deployment
    url: str

    @property
    def functions(self) -> Mapping[str, Any]:
        """The functions' logical ids."""
        return self.deployment.functions

    def api(self, caller: str = "chat-backend", **options: Any) -> httpx.Client:
        """Return a client of the signed routes; a signature names the gateway's own host."""
        return self.deployment.api(caller, **options)

    def browser(self, **options: Any) -> httpx.Client:
        """Return a client of the public routes."""
        return self.deployment.browser(**options)

    def tick(self, *, redeliver: bool = False) -> Tick:
        """Turn the clock once."""
        return self.deployment.tick(redeliver=redeliver)

    def reached(self, url: str) -> str:
        """Return the URL."""
        return url

    def routes(self) -> set[str]:
        """Return the template's routes."""
        return self.deployment.routes()

    def routes_called(self) -> set[str]:
        """Return those that were called."""
        return self.deployment.routes_called()


@dataclass(frozen=True, slots=True)
class Place(Tenant):
    """Where a server is: it has no control interface."""

    @property
    def url(self) -> str:
        """The MCP endpoint; `name` is its path."""
        return f"{self.origin}{self.name}"


@dataclass
class Field:
    """What the features are looked at with."""

    callers: Callers
    front: Tap
    """Before the product."""
    servers: "Servers"
    bearers: set[str] = field(default_factory=set, repr=False)
    """Of every session that was started."""
    journeys: dict[str, Journey] = field(default_factory=dict)
    """Of every server that was completed by discovery."""

    @property
    def taps(self) -> Mapping[str, Tap]:
        """Before each server, by its name."""
        return self.servers.taps

    def journey(self, server: Server, server_id: str) -> Journey:
        """Return a way to use a server, registered nowhere yet."""
        place = Place(self.taps[server.name].origin, server.path)
        return Journey(self.callers, App(self.servers.services), place, server_id)

    def session(self, journey: Journey, user_id: str, *others: str) -> dict[str, Any]:
        """Start a session for a server, and for others by their ids."""
        started = journey.session(user_id, server_ids=[journey.server_id, *others])
        self.bearers.add(started["bearer"])
        return started


def completed(journey: Journey, scopes: Sequence[str] = ()) -> Journey:
    """Register a server by its URL alone; return it with the app that discovery led to.

    Args:
        journey: of a server that is registered nowhere yet.
        scopes: those to ask users for, in place of those that were discovered.
    """
    url_alone = {"mcp_url": journey.tenant.url, "auth_type": "consumer_oauth"}
    journey.put(name=journey.server_id, **url_alone).raise_for_status()
    about = journey.discover().raise_for_status().json()
    assert about["ready"], about["problems"]
    server = about["server"] | ({"scopes": list(scopes)} if scopes else {})
    journey.put(**server).raise_for_status()
    client_id = journey.get().raise_for_status().json()["client_id"]
    return replace(journey, app=App(journey.app.service, client_id=client_id))


@dataclass
class Servers:
    """The servers' processes, each behind its tap."""

    services: ThirdParties
    taps: Mapping[str, Tap]
    children: Children
    logs: Path
    _running: dict[str, Child] = field(default_factory=dict)

    def start(self, server: Server) -> None:
        """Start a server behind the tap of its name, in place of the one that is there."""
        self.stop(server)
        tap = self.taps[server.name]
        child = start_server(self.children, server, self.logs, self._about(server, tap))
        self._running[server.name] = child
        tap.target = int(child.announced()["port"])
        if server.doorless:
            tap.door = Door(tap.origin, server.path, self.services)

    def stop(self, server: Server) -> None:
        """Stop what is behind the tap of that name, if anything is."""
        if running := self._running.pop(server.name, None):
            self.children.stop(running)

    def _about(self, server: Server, tap: Tap) -> dict[str, str]:
        return {
            "ISSUER": self.services.authorization_server,
            "INTROSPECTION_URL": f"{self.services.authorization_server_control}/introspect",
            "INTROSPECTION_CLIENT": ":".join(INTROSPECTION_CLIENT),
            "RESOURCE": f"{tap.origin}{server.path}",
            "MCP_DANGEROUSLY_ALLOW_INSECURE_ISSUER_URL": "true",
            "PORT": "0",
        }


@contextmanager
def played(stack: LocalStack, servers: Sequence[Server]) -> Iterator[Field]:
    """Start the servers and a deployment upon a stack, with which alone the deployment ends."""
    with ExitStack() as running:
        front = running.enter_context(Tap())
        names = [name for server in servers for name in (server.name, spare(server))]
        taps = {name: running.enter_context(Tap()) for name in names}
        children = running.enter_context(Children())
        started = Servers(stack.services, taps, children, stack.logs)
        for server in servers:
            started.start(server)
        deployment = stack.deployment(
            "interop",
            return_urls=[RETURN_URL],
            local_origins=[front.origin, *(tap.origin for tap in taps.values())],
            PublicBaseUrl=front.origin,
            McpIssuer=f"{stack.services.authorization_server}/dynamic",
        )
        front.target = int(deployment.address.rpartition(":")[2])
        callers = running.enter_context(open_callers(Fronted(deployment, front.origin)))
        yield Field(callers, front, started)
