"""How a connection lies in the table."""

import hashlib
import math
from datetime import datetime
from typing import Any

from broker.model import (
    CLIENT_ID,
    Account,
    Connection,
    Failure,
    Lease,
    Quirks,
    Reason,
    RevocationTarget,
    SealedTokens,
    Status,
)
from broker.storage import sealed
from broker.storage.table import Item, maybe_moment, moment, seconds

SHARDS = 64
"""Fixed: a changed number would strand what is due."""


def shard_of(user_id: str, server_id: str) -> int:
    """Return the shard of the due index that a connection lies in."""
    named = f"{len(user_id)}:{user_id}{server_id}".encode()
    return int.from_bytes(hashlib.sha256(named).digest()[:4]) % SHARDS


def key_of(user_id: str, server_id: str) -> Item:
    """Return the primary key."""
    return {"user_id": user_id, "server_id": server_id}


def due_attributes(user_id: str, server_id: str, due_at: datetime | None) -> dict[str, Any]:
    """Return the sparse index's attributes: both or none."""
    if due_at is None:
        return {"due_shard": None, "due_at": None}
    return {"due_shard": shard_of(user_id, server_id), "due_at": seconds(due_at)}


def token_attributes(tokens: SealedTokens) -> dict[str, Any]:
    """Return what one token set writes; None removes."""
    return {
        "access": sealed.to_item(tokens.access),
        "refresh": sealed.to_item(tokens.refresh),
        "expires_at": seconds(tokens.expires_at),
        "obtained_at": seconds(tokens.obtained_at),
        "refresh_expires_at": seconds(tokens.refresh_expires_at),
        "scope": list(tokens.scope),
    }


def failure_item(failure: Failure | None) -> Item | None:
    """Return the attribute's value."""
    if failure is None:
        return None
    return {"code": failure.code, "message": failure.message, "at": seconds(failure.at)}


CLEARED: dict[str, None] = dict.fromkeys(
    (
        "lease_id",
        "lease_until",
        "recover_at",
        "ambiguous",
        "ambiguous_at",
        "retry_at",
        "attempts",
        "refusals",
        "reason",
        "failure",
    )
)


def troubles(held: Connection) -> dict[str, Any]:
    """Return what a failure that may pass leaves behind."""
    return {
        "retry_at": held.retry_at and math.ceil(held.retry_at.timestamp()),
        "attempts": held.attempts or None,
        "refusals": held.refusals or None,
        "ambiguous": held.ambiguous or None,
        "ambiguous_at": seconds(held.ambiguous_at),
        "failure": failure_item(held.failure),
    }


def to_item(connection: Connection) -> Item:
    """Return the whole item of a connection without lease, recovery or backoff."""
    item: Item = {
        **key_of(connection.user_id, connection.server_id),
        "grant_id": connection.grant_id,
        "generation": connection.generation,
        "status": connection.status.value,
        "config_digest": connection.config_digest,
        **token_attributes(connection.tokens),
        **due_attributes(connection.user_id, connection.server_id, connection.due_at),
        "created_at": seconds(connection.created_at),
        "connected_at": seconds(connection.connected_at),
        "used_at": seconds(connection.used_at),
        "revocation_endpoint": connection.revocation.endpoint,
        "client_id": connection.revocation.client_id,
        "client_id_parameter": _unusual(connection.revocation.client_id_parameter),
        "account_label": connection.account.label,
        "account_subject": connection.account.subject_hash,
        "user_label": connection.user_label,
        "requested_scopes": list(connection.requested_scopes),
        "scope_requests": connection.scope_requests or None,
        "kept": dict(connection.kept) or None,
        **Quirks(
            revocation_request=connection.revocation.request,
            error_field=connection.revocation.error_field,
        ).declared(),
    }
    return {name: value for name, value in item.items() if value is not None}


def from_item(item: Item) -> Connection:
    """Read a connection back."""
    failure = item.get("failure")
    lease = item.get("lease_id")
    return Connection(
        user_id=item["user_id"],
        server_id=item["server_id"],
        grant_id=item["grant_id"],
        generation=item["generation"],
        status=Status(item["status"]),
        config_digest=item["config_digest"],
        tokens=_tokens(item),
        created_at=moment(item["created_at"]),
        connected_at=moment(item["connected_at"]),
        revocation=_revocation(item),
        account=Account(item.get("account_label"), item.get("account_subject")),
        reason=Reason(item["reason"]) if "reason" in item else None,
        failure=Failure(failure["code"], failure["message"], moment(failure["at"]))
        if failure
        else None,
        user_label=item.get("user_label"),
        requested_scopes=tuple(item["requested_scopes"]),
        scope_requests=item.get("scope_requests", 0),
        challenged_scopes=tuple(item.get("challenged_scopes", ())),
        lease=Lease(lease, float(item["lease_until"])) if lease else None,
        recover_at=float(item["recover_at"]) if "recover_at" in item else None,
        ambiguous=item.get("ambiguous", False),
        ambiguous_at=maybe_moment(item.get("ambiguous_at")),
        retry_at=maybe_moment(item.get("retry_at")),
        attempts=item.get("attempts", 0),
        refusals=item.get("refusals", 0),
        used_at=maybe_moment(item.get("used_at")),
        due_at=maybe_moment(item.get("due_at")),
        removing_since=maybe_moment(item.get("removing_since")),
        mcp_session=sealed.from_item(item.get("mcp_session")),
        kept=item.get("kept", {}),
    )


def _revocation(item: Item) -> RevocationTarget:
    endpoint, client_id = item.get("revocation_endpoint"), item.get("client_id")
    said: Item = {
        name: item[name] for name in ("revocation_request", "error_field") if name in item
    }
    quirks = Quirks.of(said)
    return RevocationTarget(
        endpoint,
        client_id,
        quirks.revocation_request,
        quirks.error_field,
        item.get("client_id_parameter", CLIENT_ID),
    )


def _unusual(client_id_parameter: str) -> str | None:
    return client_id_parameter if client_id_parameter != CLIENT_ID else None


def _tokens(item: Item) -> SealedTokens:
    return SealedTokens(
        access=sealed.required(item["access"]),
        refresh=sealed.from_item(item.get("refresh")),
        expires_at=maybe_moment(item.get("expires_at")),
        obtained_at=moment(item["obtained_at"]),
        scope=tuple(item["scope"]),
        refresh_expires_at=maybe_moment(item.get("refresh_expires_at")),
    )
