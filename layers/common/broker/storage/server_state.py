"""What the runtime learns about a server, apart from what its builder configured.

A function that talks to strangers writes here and cannot change where tokens go.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from boto3.dynamodb.conditions import Attr

from broker.storage.table import ConditionFailed, Item, Table, maybe_moment, seconds

HALF_OPEN_AFTER = timedelta(minutes=5)
REJECTION_WINDOW = timedelta(minutes=10)
REJECTED_USERS = 5
"""How many users a server may refuse within that before it is the one to blame."""


@dataclass(frozen=True, slots=True)
class ServerState:
    """The protocol era last seen, and whether the authorization server refused our client."""

    era: str | None = None
    protocol_version: str | None = None
    misconfigured_at: datetime | None = None
    misconfigured_error: str | None = None
    probed_at: datetime | None = None
    """When somebody last went to see whether our client is accepted again."""
    broken_until: datetime | None = None
    """Until when no refresh is spent on the server's 401s: it refuses everybody."""
    mirrors: bool = False
    """Some tool of its wanted arguments mirrored in headers (2026-07-28, x-mcp-header)."""

    def refuses_everybody(self, now: datetime) -> bool:
        """Return whether its 401s say nothing of a user's token."""
        return self.broken_until is not None and now < self.broken_until

    def refuses_client(self, now: datetime) -> bool:
        """Return whether asking again is pointless: refused less than five minutes ago."""
        asked = [at for at in (self.misconfigured_at, self.probed_at) if at]
        return self.misconfigured_at is not None and now < max(asked) + HALF_OPEN_AFTER


@dataclass(frozen=True, slots=True)
class ServerStateStore:
    """States by ``server_id``, or one of a place of it (``client_state_id``, ``token_state_id``).

    Every method may raise TemporarilyUnavailable.
    """

    table: Table

    def get(self, server_id: str) -> ServerState:
        """Read what is known; an unknown server has an empty state."""
        item, _ = self.table.get({"server_id": server_id})
        return _state(item or {})

    def remember_era(self, server_id: str, era: str, protocol_version: str) -> None:
        """Keep the era, and the version negotiated, for the next call."""
        self.table.update(
            {"server_id": server_id},
            condition=None,
            assign={"era": era, "protocol_version": protocol_version},
        )

    def remember_mirrors(self, server_id: str) -> None:
        """Keep that calls of this server may need a tool's schema."""
        self.table.update({"server_id": server_id}, condition=None, assign={"mirrors": True})

    def flag_misconfigured(self, server_id: str, error: str, now: datetime) -> None:
        """Say that the authorization server refused our client."""
        self.table.update(
            {"server_id": server_id},
            condition=None,
            assign={"misconfigured_at": seconds(now), "misconfigured_error": error},
        )

    def take_probe(self, server_id: str, now: datetime) -> bool:
        """Be the one that sees whether our client is accepted again: one in five minutes."""
        before = seconds(now - HALF_OPEN_AFTER)
        due = Attr("misconfigured_at").lte(before) & (
            Attr("probed_at").not_exists() | Attr("probed_at").lte(before)
        )
        try:
            probe = {"probed_at": seconds(now)}
            self.table.update({"server_id": server_id}, condition=due, assign=probe)
        except ConditionFailed:
            return False
        return True

    def clear_misconfigured(self, server_id: str) -> None:
        """Say that it accepts our client again."""
        self.table.update(
            {"server_id": server_id},
            condition=None,
            remove=("misconfigured_at", "misconfigured_error", "probed_at"),
        )

    def note_rejection(self, server_id: str, user_id: str, now: datetime) -> ServerState:
        """Note that the server refused a token just renewed; return the state with that.

        A sixth user within ten minutes breaks the circuit for five.
        """
        key = {"server_id": server_id}
        user = hashlib.sha256(user_id.encode()).hexdigest()[:16]
        recent = Attr("rejected_since").gt(seconds(now - REJECTION_WINDOW))
        try:
            item = self.table.update(key, condition=recent, include={"rejected_users": user})
        except ConditionFailed:
            first = {"rejected_since": seconds(now), "rejected_users": {user}}
            item = self.table.update(key, condition=None, assign=first)
        if len(item["rejected_users"]) > REJECTED_USERS:
            broken = {"broken_until": seconds(now + HALF_OPEN_AFTER)}
            gone = ("rejected_since", "rejected_users")
            item = self.table.update(key, condition=None, assign=broken, remove=gone)
        return _state(item)

    def forget(self, server_id: str) -> None:
        """Forget everything, as after a change of configuration."""
        self.table.delete({"server_id": server_id})


def _state(item: Item) -> ServerState:
    return ServerState(
        item.get("era"),
        item.get("protocol_version"),
        maybe_moment(item.get("misconfigured_at")),
        item.get("misconfigured_error"),
        maybe_moment(item.get("probed_at")),
        maybe_moment(item.get("broken_until")),
        bool(item.get("mirrors", False)),
    )
