"""All that a run touches: the services, the way to them, the authorization server, the workers."""

import contextlib
import secrets
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import boto3
from botocore.config import Config

from broker.model import (
    AuthType,
    Connection,
    Invocation,
    PendingAuthorization,
    Secret,
    Server,
    Ticket,
    TokenRequestStyle,
)
from broker.model.pending import Purpose
from broker.settings import Settings
from broker.vault import client_secret_place
from broker.wiring import Parts
from tests.faults.authorization_server import AuthorizationServer
from tests.faults.crew import Crew, Worker
from tests.faults.families import Family, Rotation
from tests.faults.ministack import ministack
from tests.faults.proxy import Proxy
from tests.faults.simulated import AheadClock, SharedTime
from tests.faults.stage import Stage
from tests.integration.cloud import Cloud, create
from tests.unit.transformed import chosen, functions, of_type

LIFE = 3600
"""Seconds that an access token lives."""
SERVER = "crm"
_DIRECT = Config(max_pool_connections=20, retries={"mode": "standard", "total_max_attempts": 3})


class Desk(Parts):
    """The harness's own parts: they reach the services past the proxy."""

    def __init__(self, settings: Settings, clock: AheadClock, clients: dict[str, Any]) -> None:
        super().__init__(settings, clock)
        self._clients = clients

    def _client(self, service: Any) -> Any:
        return self._clients[service]


@dataclass
class World:
    """One of them serves all runs of a stage; a run begins by emptying it."""

    time: SharedTime
    clients: dict[str, Any]
    physical: dict[str, str]
    proxy: Proxy
    service: AuthorizationServer
    crew: Crew
    desk: Desk
    grants: dict[str, list[Family]] = field(default_factory=dict)
    """The grants of the run's users, the newest last."""
    killed: dict[str, int] = field(default_factory=dict)
    """How many times a worker was killed while it held the lease of a user's connection."""

    # -------------------------------------------------------------------- what is there

    def empty(self) -> None:
        """Delete all rows and messages of earlier runs, and what was remembered of them."""
        dynamodb = self.clients["dynamodb"]
        for table, declared in of_type("AWS::DynamoDB::Table").items():
            keys = [each["AttributeName"] for each in declared["KeySchema"]]
            for page in dynamodb.get_paginator("scan").paginate(TableName=table):
                for item in page["Items"]:
                    dynamodb.delete_item(TableName=table, Key={key: item[key] for key in keys})
        for queue in ("DueQueue", "RescueQueue", "DueDeadLetterQueue"):
            self.messages(queue)
        self.service.everybody = None
        self.service.families.clear()
        self.grants.clear()
        self.killed.clear()
        self.proxy.log.clear()
        self.proxy.holders.clear()

    def register(self, **changed: Any) -> Server:
        """Put the one server into the registry, or change it."""
        before = self.desk.servers.get(SERVER)
        if before:
            server = replace(before, revision=before.revision + 1, **changed)
        else:
            server = Server(SERVER, "CRM", **(self._configuration() | changed))
        self.desk.servers.put(server, replaces=before)
        return server

    def _configuration(self) -> dict[str, Any]:
        origin = self.service.origin
        secret = self.desk.vault.seal(client_secret_place(SERVER), Secret("client-secret"))
        return {
            "mcp_url": "https://mcp.example.com/mcp",
            "auth_type": AuthType.CONSUMER_OAUTH,
            "client_id": "client-1",
            "client_secret": secret,
            "authorization_endpoint": f"{origin}/authorize",
            "token_endpoint": f"{origin}/token",
            "revocation_endpoint": f"{origin}/revoke",
            "scopes": ("read", "write"),
            "token_request_style": TokenRequestStyle.FORM_POST,
        }

    def connect(self, user: str, rotation: Rotation, life: int = LIFE) -> Family:
        """Let a user consent, and the product redeem that: a new grant, or one in place."""
        code = self.service.consent(user, rotation, life)
        now = self.desk.clock.now()
        later = now + timedelta(minutes=10)
        ticket = Ticket("connect-1", Purpose.CONNECT, user, SERVER, now, later)
        server = self.desk.servers.get(SERVER)
        assert server
        pending = PendingAuthorization(
            secrets.token_hex(8),
            "connect-1",
            SERVER,
            "https://b/c",
            server.config_digest,
            "",
            later,
        )
        run = Invocation("request-1", self.desk.clock.monotonic() + 60)
        self.desk.grants.connect(server, ticket, pending, Secret(code), run)
        family = self.service.of(user)
        self.grants.setdefault(user, []).append(family)
        return family

    def connect_all(self, users: Iterable[str], rotation: Rotation, life: int = LIFE) -> None:
        """Let many users consent."""
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda user: self.connect(user, rotation, life), users))

    def stored(self, user: str) -> Connection | None:
        """Read what the table holds of a user."""
        return self.desk.connections.get(user, SERVER)[0]

    def stored_token(self, connection: Connection) -> str:
        """Open the refresh token that the table holds."""
        opened = self.desk.sealer.open_refresh(connection)
        assert opened
        return opened.reveal()

    # ------------------------------------------------------------------------ what happens

    def kill(self, worker: Worker) -> None:
        """SIGKILL a worker, and remember whose lease it held."""
        worker.kill()
        for user, holder in list(self.proxy.holders.items()):
            if holder == worker.name:
                self.killed[user] = self.killed.get(user, 0) + 1

    def messages(self, queue: str) -> list[str]:
        """Take all messages off a queue."""
        sqs, url = self.clients["sqs"], self.physical[queue]
        bodies: list[str] = []
        while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                bodies.append(message["Body"])
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bodies

    def deliver(self, worker: Worker, queue: str, bodies: list[str], seconds: float = 29.0) -> int:
        """Hand messages of a queue to a worker, ten at a time; return how many failed."""
        failed = 0
        size = 1 if queue == "RescueQueue" else 5
        for start in range(0, len(bodies), size):
            event = event_of(queue, bodies[start : start + size])
            told = worker.ask("deliver", event=event, seconds=seconds)
            failed += len(told["batchItemFailures"])
        return failed


def event_of(queue: str, bodies: list[str]) -> dict[str, Any]:
    """Return the event of a batch of messages."""
    arn = f"arn:aws:sqs:us-east-1:000000000000:{queue}"
    records = [
        {"messageId": str(number), "eventSourceARN": arn, "body": body}
        for number, body in enumerate(bodies)
    ]
    return {"Records": records}


@contextmanager
def world(stage: Stage) -> Iterator[World]:
    """Start everything."""
    port = stage.shared(ministack)
    time = SharedTime(stage.folder / "time")
    clients = {service: _client(service, port) for service in ("dynamodb", "kms", "sqs", "events")}
    physical = create(clients, signs=False)
    crew = Crew(stage.children, stage.folder)
    closing = [contextlib.closing(client) for client in clients.values()]
    with (
        ExitStack() as ends,
        Proxy(port, time) as proxy,
        AuthorizationServer(time) as service,
        crew,
    ):
        for client in closing:
            ends.enter_context(client)
        queues = {
            name: value.replace(f":{port}/", f":{proxy.url.rpartition(':')[2]}/")
            for name, value in physical.items()
        }
        environment = _environment(clients, queues) | {
            "AWS_ENDPOINT_URL": proxy.url,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "BROKER_LOCAL_ORIGINS": service.origin,
            "FAULTS_TIME": str(stage.folder / "time"),
            "LOG_LEVEL": "WARNING",
        }
        crew.start(environment)
        settings = Settings.read(environment)
        desk = Desk(settings, AheadClock(time=time), clients)
        yield World(time, clients, physical, proxy, service, crew, desk)


def _client(service: str, port: int) -> Any:
    return boto3.client(  # type: ignore[call-overload] # one overload per name
        service,
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="DESK",
        aws_secret_access_key="no secret",
        config=_DIRECT,
    )


def _environment(clients: dict[str, Any], physical: dict[str, str]) -> dict[str, str]:
    """Return what the template says, of all functions together."""
    cloud = Cloud(clients, physical)
    return {
        name: cloud._resolved(chosen(value, {}))
        for function in functions().values()
        for name, value in function["Environment"]["Variables"].items()
    }
