"""The core on moto: a world with the template's own tables, one server, and strangers."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto.core.serialize import ResponseSerializer

from broker.model import (
    AuthType,
    Connection,
    Failure,
    Invocation,
    Reason,
    RevocationTarget,
    Secret,
    Server,
    Status,
    TokenSet,
)
from broker.tokens.sealing import NewGrant, seal_first
from broker.vault import client_secret_place
from broker.wiring.edges import _AWS
from tests.fakes.clock import FakeClock, Time
from tests.fakes.services import Services
from tests.integration.cloud import RETURN_URL, Cloud, Container, create
from tests.integration.kept_moto import kept_aws, member_of

__all__ = ["BASE_URL", "CLIENT_SECRET", "RETURN_URL", "Container", "World"]

BASE_URL = "https://broker.example.com"
CLIENT_SECRET = "canary-client-secret"
_SERVICES = ("dynamodb", "kms", "sqs", "events")


class World:
    """The cloud, the strangers and the time of one test, with one server registered."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.services = Services()
        self.login, self.mcp = self.services.login, self.services.mcp
        self.time = cloud.time
        self.core = self.container()
        self.server = self.register(Server("crm", "CRM", **SERVER))

    def container(self, wrong_by: timedelta = timedelta(0), **environ: str) -> Container:
        """Start another container; its wall clock may be wrong."""
        clock = FakeClock(self.time, wrong_by)
        settings = self.cloud.settings(**environ)
        return Container(self.cloud, self.services.transport(), settings, clock)

    def register(self, server: Server, *, secret: str | None = CLIENT_SECRET) -> Server:
        """Put a server into the registry as it is."""
        place = client_secret_place(server.server_id)
        sealed = self.core.vault.seal(place, Secret(secret)) if secret else None
        server = replace(server, client_secret=sealed)
        before = self.core.servers.get(server.server_id)
        if before:
            server = replace(server, revision=before.revision + 1)
        self.core.servers.put(server, replaces=before)
        return server

    def run(self, seconds: float = 29.0) -> Invocation:
        """Begin an invocation with that much time."""
        return Invocation("request-1", 1000.0 + self.time.elapsed + seconds, BASE_URL)

    def connect(self, user_id: str = "jo", server: Server | None = None, **more: Any) -> Connection:
        """Let a user have connected: their consent given, their tokens stored."""
        server = server or self.server
        told = self.login.consent()
        now = self.time.now()
        life = told.get("expires_in")
        refresh_token = told.get("refresh_token")
        tokens = TokenSet(
            Secret(told["access_token"]),
            Secret(refresh_token) if refresh_token else None,
            now + timedelta(seconds=life) if life else None,
            now,
        )
        grant_id = f"grant-{self.login.issued}"
        keys = self.core.sealer.new_keys(user_id, server.server_id)
        grant = NewGrant(user_id, server.server_id, grant_id)
        sealed = seal_first(keys, grant, tokens, ("read", "write"))
        connection = Connection(
            user_id,
            server.server_id,
            grant_id,
            1,
            Status.ACTIVE,
            server.config_digest,
            sealed,
            now,
            now,
            RevocationTarget(server.revocation_endpoint, server.client_id),
            requested_scopes=("read", "write"),
            used_at=now,
            due_at=self.core.policy.due_at(sealed, server, more.get("used_at", now), now),
        )
        connection = replace(connection, **more)
        before, _ = self.core.connections.get(user_id, server.server_id)
        self.core.connections.establish(connection, before)
        return connection

    def connection(self, user_id: str = "jo", server_id: str = "crm") -> Connection:
        """Read a connection that is there."""
        found, _ = self.core.connections.get(user_id, server_id)
        assert found is not None
        return found

    def flag(self, user_id: str = "jo", reason: Reason = Reason.REFRESH_REJECTED) -> None:
        """Let a connection need its user again."""
        failure = Failure(reason.value, "by the test", self.time.now())
        self.core.connections.flag(self.connection(user_id), reason, failure)

    def access_token(self, user_id: str = "jo") -> str:
        return self.core.sealer.open_access(self.connection(user_id)).reveal()

    def refresh_token(self, user_id: str = "jo") -> str:
        opened = self.core.sealer.open_refresh(self.connection(user_id))
        assert opened is not None
        return opened.reveal()


SERVER: dict[str, Any] = {
    "mcp_url": "https://mcp.example.com/mcp",
    "auth_type": AuthType.CONSUMER_OAUTH,
    "client_id": "client-1",
    "authorization_endpoint": "https://login.example.com/authorize",
    "token_endpoint": "https://login.example.com/token",
    "revocation_endpoint": "https://login.example.com/revoke",
    "scopes": ("read", "write"),
}


@pytest.fixture(scope="session")
def clients() -> dict[str, Any]:
    """Clients as the product makes them; whether moto is on is looked up at each request."""
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    return {
        service: boto3.client(service, region_name="us-east-1", config=_AWS, **keys)  # type: ignore[call-overload] # one overload per name
        for service in _SERVICES
    }


@pytest.fixture(scope="session")
def _account() -> dict[str, str]:
    """What was created of the template: logical id → what a Ref of it would be."""
    return {}


@pytest.fixture(scope="module")
def _created(clients: dict[str, Any], _account: dict[str, str]) -> Iterator[Cloud]:
    with kept_aws(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Test")
        patch.setenv("POWERTOOLS_SERVICE_NAME", "broker")
        patch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))
        patch.setattr(ResponseSerializer, "get_value", member_of)
        if not clients["dynamodb"].list_tables()["TableNames"]:
            _account.update(create(clients))
        cloud = Cloud(clients, _account)
        handlers: dict[str, Any] = {
            "before-call": cloud.on_call,
            "after-call": cloud.on_answer,
        }
        for client in clients.values():
            for event, handler in handlers.items():
                client.meta.events.register(event, handler)
            client.meta.events.register_first("before-send", cloud.on_send)
        yield cloud
        for client in clients.values():
            for event, handler in handlers.items():
                client.meta.events.unregister(event, handler)
            client.meta.events.unregister("before-send", cloud.on_send)


@pytest.fixture
def cloud(_created: Cloud) -> Iterator[Cloud]:
    """The cloud, empty, at the beginning of time."""
    yield _created
    unversioned, _created.unversioned = _created.unversioned, []
    _created.time = Time()
    _created.afterwards.clear()
    _created.repeated.clear()
    _created.empty()
    _created.sent.clear()
    assert unversioned == []


@pytest.fixture
def world(cloud: Cloud) -> World:
    """The cloud, a server, and the strangers behind it."""
    return World(cloud)
