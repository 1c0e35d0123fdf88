"""Where the runs take place: the local stack with one deployment, and users at a service."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from broker.clock import Clock
from broker.storage import versions
from broker.storage.connections import ConnectionStore
from broker.storage.table import Table
from broker.tokens import TokenSealer
from broker.vault import Vault
from local.demo.journey import RETURN_URL, Callers, Journey, callers
from local.demo.service import App
from local.demo.tenant import Tenant
from local.deployment import Deployment, Settings
from local.stack import LocalStack
from tests.e2e.time_machine import TimeMachine
from tests.faults.gateway.token_door import TokenDoor
from tests.faults.stage import Stage

CONTAINERS = 8
"""Containers that one function may have."""
_CONTAINERS_IN_ALL = 22
CONNECTIONS = "ConnectionsTable"
INVOKE, WORKER, SCHEDULER = "McpInvokeFunction", "RefreshWorkerFunction", "RefreshSchedulerFunction"
ENDING, ENDED = 3400, 3600
"""Ages of a token that lives an hour: within the buffer of five minutes, and over."""
_GRACE = 3600
LEASE_OVER = 40
"""Seconds after which a lease of an invocation of 29 has run out."""
RECOVERED = 60
"""Seconds after which a holder that died is no longer waited for."""


@dataclass(frozen=True, slots=True)
class Mode:
    """How an authorization server deals with a refresh token that is presented again."""

    name: str
    switches: dict[str, Any] = field(default_factory=dict)
    known: dict[str, Any] = field(default_factory=dict)
    """What the server's configuration says of it."""

    @property
    def rotates(self) -> bool:
        """Whether each refresh issues another refresh token."""
        return bool(self.switches.get("rotate", True))


STRICT = Mode("revokes on reuse")
GRACE = Mode("grace period", {"reuse_grace_seconds": _GRACE}, known={"reuse_grace_seconds": _GRACE})
STATIC = Mode("no rotation", {"rotate": False})
MODES = (STRICT, GRACE, STATIC)


@dataclass(frozen=True, slots=True)
class Member:
    """A user of the chat with a connection; at the service always alice."""

    user_id: str
    grant_id: str
    """The service's own name of what alice granted."""


@dataclass(frozen=True, slots=True)
class Place:
    """The running parts."""

    stack: LocalStack
    deployment: Deployment
    callers: Callers
    machine: TimeMachine
    door: TokenDoor
    connections: ConnectionStore
    sealer: TokenSealer
    queues: Any
    """A client of them; these three are their owner's, who is refused nothing."""

    @contextmanager
    def server(self, mode: Mode = STRICT) -> Iterator[Journey]:
        """Register an app and a server for one run; afterwards nothing of it is due any more."""
        app = App(self.stack.services)
        journey = Journey(self.callers, app, Tenant(self.stack.services.mcp_server))
        journey.register(**(app.endpoints(self.door.origin) | mode.known))
        app.switch(**mode.switches)
        try:
            yield journey
        finally:
            self.forget(journey)
            app.forget()

    def connect(self, journey: Journey) -> Member:
        """Connect a new user; the server's era is known afterwards."""
        user_id = f"user-{secrets.token_hex(6)}"
        journey.connect(user_id)
        journey.invoke(user_id).raise_for_status()
        return Member(user_id, journey.app.exchanges()[-1]["grant_id"])

    def again(self, journey: Journey, member: Member) -> Member:
        """Connect a user once more; return the new grant."""
        journey.connect(member.user_id)
        return Member(member.user_id, journey.app.exchanges()[-1]["grant_id"])

    def age(self, seconds: float, *mentioned: str) -> None:
        """Let time pass for the connections that mention all of these."""
        if not self.machine.age(CONNECTIONS, seconds, *mentioned):
            raise AssertionError(f"No connection of {mentioned} is there to become older.")

    def open_a_window(self) -> None:
        """Let no refresh ahead of time have been counted yet, so that all begin to count alike."""
        table = self.deployment.physical_id("ServerStateTable")
        key = {"server_id": {"S": self.door.origin}}
        self.machine.dynamodb.delete_item(TableName=table, Key=key)

    def forget(self, journey: Journey) -> None:
        """Erase a server's connections, so that no later tick finds them due."""
        table = self.deployment.physical_id(CONNECTIONS)
        dynamodb = self.machine.dynamodb
        pages = dynamodb.get_paginator("scan").paginate(TableName=table)
        for row in [row for page in pages for row in page["Items"]]:
            if row["server_id"]["S"] == journey.server_id:
                key = {name: row[name] for name in ("user_id", "server_id")}
                dynamodb.delete_item(TableName=table, Key=key)


@contextmanager
def _opened(stage: Stage) -> Iterator[Place]:
    stack = LocalStack(container_limit=_CONTAINERS_IN_ALL, run_folder=stage.folder / "gateway")
    with TokenDoor() as door, stack:
        door.target = stack.services.authorization_server_control
        deployment = stack.deployment(
            "faults",
            return_urls=[RETURN_URL],
            local_origins=[door.origin],
            settings=Settings(throttled=False, concurrency=CONTAINERS),
        )
        with callers(deployment) as clients:
            yield _place(stack, deployment, clients, door)


def _place(stack: LocalStack, deployment: Deployment, clients: Callers, door: TokenDoor) -> Place:
    aws, clock = stack.aws, Clock()
    name = deployment.physical_id(CONNECTIONS)
    table = Table(aws.client("dynamodb"), name, clock, versions.CONNECTIONS)
    key_id = deployment.functions[INVOKE].environment["KMS_KEY_ID"]
    sealer = TokenSealer(Vault(aws.client("kms"), key_id, clock))
    return Place(
        stack,
        deployment,
        clients,
        TimeMachine(deployment),
        door,
        ConnectionStore(table),
        sealer,
        aws.client("sqs"),
    )


def place_of(stage: Stage) -> Place:
    """Return the one place of all runs."""
    return stage.shared(_opened)
