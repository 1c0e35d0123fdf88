"""Connections to refresh: made as a consent makes them, and aged by hand."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from benchmarks.refresh.token_endpoint import refresh_token
from broker.model import (
    AuthType,
    Connection,
    RevocationTarget,
    Secret,
    Server,
    Status,
    TokenSet,
)
from broker.storage.authorization_servers import PLEAS
from broker.tokens.sealing import NewGrant, seal_first
from broker.vault import client_secret_place
from broker.wiring import Parts

_LIFETIME = timedelta(hours=1)
_LEFT = timedelta(minutes=6)
"""Of an aged token: the worker refreshes it, and it still serves."""
_SCOPES = ("read", "write")


def register(parts: Parts, server_id: str, token_url: str) -> None:
    """Put a server into the registry."""
    place = client_secret_place(server_id)
    server = Server(
        server_id,
        server_id,
        "https://mcp.example.com/mcp",
        AuthType.CONSUMER_OAUTH,
        client_id="client-1",
        client_secret=parts.vault.seal(place, Secret("of the client")),
        authorization_endpoint="https://login.example.com/authorize",
        token_endpoint=token_url,
        scopes=_SCOPES,
    )
    parts.servers.put(server, replaces=None)


def connect(parts: Parts, server_id: str, user_id: str) -> None:
    """Let a user have connected just now."""
    server = parts.servers.get(server_id)
    if server is None:
        raise LookupError(server_id)
    now = datetime.now(UTC)
    grant_id = f"{server_id}-{user_id}"
    tokens = TokenSet(
        Secret("first".ljust(800, "a")), Secret(refresh_token(grant_id, 0)), now + _LIFETIME, now
    )
    keys = parts.sealer.new_keys(user_id, server_id)
    sealed = seal_first(keys, NewGrant(user_id, server_id, grant_id), tokens, _SCOPES)
    connection = Connection(
        user_id,
        server_id,
        grant_id,
        1,
        Status.ACTIVE,
        server.config_digest,
        sealed,
        now,
        now,
        RevocationTarget(server.revocation_endpoint, server.client_id),
        requested_scopes=_SCOPES,
        used_at=now,
        due_at=parts.policy.due_at(sealed, server, now, now),
    )
    parts.connections.establish(connection, None)


def age(parts: Parts, server_id: str, users: Iterable[str]) -> None:
    """Let the access tokens be about to run out, and the connections be due."""
    now = datetime.now(UTC)
    _set(
        parts,
        server_id,
        users,
        expires_at=now + _LEFT,
        obtained_at=now + _LEFT - _LIFETIME,
        due_at=now - timedelta(minutes=1),
    )


def postpone(parts: Parts, server_id: str, users: Iterable[str]) -> None:
    """Let nothing be due for an hour."""
    _set(parts, server_id, users, due_at=datetime.now(UTC) + _LIFETIME)


@contextmanager
def left_alone(parts: Parts, server_id: str) -> Iterator[None]:
    """Let the authorization server have asked for a pause, until this ends."""
    server = parts.servers.get(server_id)
    if server is None:
        raise LookupError(server_id)
    standings = parts.pace.authorization_servers
    key = {"server_id": server.authorization_server}
    now = datetime.now(UTC)
    for _ in range(PLEAS):
        standings.failed(server.authorization_server, now, now + _LIFETIME)
    yield
    standings.table.delete(key)


def generations(parts: Parts, server_id: str, users: Iterable[str]) -> dict[str, int]:
    """Return how often each connection's token set has been replaced, from 1."""
    found = {user: parts.connections.get(user, server_id)[0] for user in users}
    return {user: connection.generation for user, connection in found.items() if connection}


def _set(parts: Parts, server_id: str, users: Iterable[str], **moments: datetime) -> None:
    """Write past the store's own rules: nobody else is there, and only time is changed."""
    table = parts.connections.table
    values = {f":{name}": {"N": str(int(moment.timestamp()))} for name, moment in moments.items()}
    for user in users:
        table.client.update_item(
            TableName=table.name,
            Key={"user_id": {"S": user}, "server_id": {"S": server_id}},
            UpdateExpression="SET " + ", ".join(f"{name} = :{name}" for name in moments),
            ExpressionAttributeValues=values,
        )
