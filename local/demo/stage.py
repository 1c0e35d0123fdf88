"""What the steps share: the running parts, and who has come so far."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from local.choice import Choice
from local.demo.journey import RETURN_URL, Callers, Journey, callers
from local.demo.neighbours import Neighbours, neighbours
from local.demo.service import App
from local.demo.tenant import Tenant
from local.deployment import Deployment, Settings
from local.served import Served
from local.stack import LocalStack

CHAT_NAME = "Lighthouse Chat"


@dataclass
class Stage:
    """The stack with both kinds of deployment, and the servers that steps come back to."""

    stack: LocalStack
    bound: Callers
    unbound: Callers
    neighbours: Neighbours
    crm: Journey
    """The server of the main journey; its token endpoint is tapped."""
    notes: dict[str, str] = field(default_factory=dict)
    """What one step leaves for a later one."""
    journeys: list[Journey] = field(default_factory=list)

    def journey(self, name: str, *, unbound: bool = False, mcp_origin: str = "") -> Journey:
        """Return a further server, registered nowhere yet."""
        made = Journey(
            self.unbound if unbound else self.bound,
            App(self.stack.services),
            Tenant(mcp_origin or self.stack.services.mcp_server, f"demo-{name}"),
            name,
        )
        self.journeys.append(made)
        return made

    @property
    def tapped(self) -> dict[str, str]:
        """Endpoints of the main server by way of the wire tap."""
        return self.crm.app.endpoints(self.neighbours.tap.origin)


type Step = tuple[str, Callable[[Stage], str]]


@contextmanager
def raised(logs: Callable[[str], None], choice: Choice) -> Iterator[Stage]:
    """Start everything; tells where the logs are as soon as there are any."""
    running = LocalStack(template=choice.template, container_limit=20)
    with neighbours() as others, running as stack:
        logs(str(stack.logs))
        deployments = _deployments(stack, others.origins(), Settings(python=choice.python))
        with set_out(stack, others, *deployments) as stage:
            yield stage


@contextmanager
def set_out(
    stack: LocalStack, others: Neighbours, bound: Served, unbound: Served
) -> Iterator[Stage]:
    """Open the clients of two deployments, and begin the main journey."""
    others.tap.target = stack.services.authorization_server_control
    with callers(bound) as ours, callers(unbound) as theirs:
        app, tenant = App(stack.services), Tenant(stack.services.mcp_server, "demo-crm")
        crm = Journey(ours, app, tenant, "harbor-crm")
        alike = replace(theirs, visited=ours.visited)
        yield Stage(stack, ours, alike, others, crm, journeys=[crm])


def _deployments(
    stack: LocalStack, origins: Sequence[str], settings: Settings
) -> tuple[Deployment, Deployment]:
    deploy = partial(stack.deployment, local_origins=origins, settings=settings, ChatName=CHAT_NAME)
    return (
        deploy("bound", return_urls=[RETURN_URL]),
        deploy("unbound", SessionBinding="none"),
    )
