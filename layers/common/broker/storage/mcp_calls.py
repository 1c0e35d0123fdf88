"""Calls of MCP clients that wait for their user, and what clients said of themselves.

A waiting call is found by a random handle, the ``requestState`` that its client brings back. No
handle is readable here, and what is sealed in the row opens under the handle alone.
"""

import base64
import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from boto3.dynamodb.conditions import Attr

from broker.model import Sealed, Secret
from broker.model.mcp import USUAL_LOG_LEVEL
from broker.storage import sealed
from broker.storage.table import ConditionFailed, Item, Table, moment, seconds

_GRACE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class WaitingCall:
    """A call that was answered by ``input_required``; it can be taken up once."""

    handle_id: str
    bound_to: str
    """Digest of session, user, server, method and parameters."""
    expires_at: datetime
    connects: bool
    """The user was asked to connect; otherwise the MCP server asked for more."""
    grant_id: str | None = None
    """The consent that stood when the user was asked to connect: a new one is waited for. Where
    the MCP server asked, the one that it was called with: its state goes back with no other."""
    upstream: Sealed | None = None
    """The MCP server's own ``requestState``."""
    config_digest: str | None = None
    """The server's, where it asked: its state goes back to no other."""


def handle_id_of(handle: Secret) -> str:
    """Return the name that a handle's row has."""
    digest = hashlib.sha256(f"mcp:{handle.reveal()}".encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class McpCallStore:
    """Waiting calls by handle, clients by session. Methods may raise TemporarilyUnavailable."""

    table: Table

    def put(self, call: WaitingCall) -> None:
        """Remember a waiting call."""
        self.table.put(
            {
                **_call_key(call.handle_id),
                "bound_to": call.bound_to,
                "connects": call.connects,
                "grant_id": call.grant_id,
                "config_digest": call.config_digest,
                "upstream": sealed.to_item(call.upstream),
                "expires_at": seconds(call.expires_at),
                "ttl": seconds(call.expires_at + _GRACE),
            }
        )

    def find(self, handle_id: str, bound_to: str, now: datetime) -> WaitingCall | None:
        """Read a call that could be taken up; None where take() would have none."""
        item, _ = self.table.get(_call_key(handle_id))
        if item is None or item["bound_to"] != bound_to or item.get("taken_at") is not None:
            return None
        call = _call(handle_id, item)
        return call if call.expires_at > now else None

    def take(self, handle_id: str, bound_to: str, now: datetime) -> WaitingCall | None:
        """Take a call up once: unexpired, and by whom it is bound to; None otherwise."""
        fits = (
            Attr("bound_to").eq(bound_to)
            & Attr("taken_at").not_exists()
            & Attr("expires_at").gt(seconds(now))
        )
        try:
            item = self.table.update(
                _call_key(handle_id), condition=fits, assign={"taken_at": seconds(now)}
            )
        except ConditionFailed:
            return None
        return _call(handle_id, item)

    def give_back(self, call: WaitingCall) -> None:
        """Let a call that was taken, and came to nothing, be taken up again."""
        taken = Attr("bound_to").eq(call.bound_to) & Attr("taken_at").exists()
        with suppress(ConditionFailed):
            self.table.update(_call_key(call.handle_id), condition=taken, remove=("taken_at",))

    def remember_client(self, client: str, *, elicits_urls: bool, until: datetime) -> None:
        """Remember what a client declared at ``initialize``: its next requests do not say it."""
        self.table.put(
            {
                **_client_key(client),
                "elicits_urls": elicits_urls,
                "expires_at": seconds(until),
                "ttl": seconds(until + _GRACE),
            }
        )

    def client_elicits_urls(self, client: str) -> bool:
        """Return whether the client that last called ``initialize`` here can show URLs."""
        item, _ = self.table.get(_client_key(client))
        return item is not None and bool(item.get("elicits_urls"))

    def remember_log_level(self, client: str, level: str, until: datetime) -> None:
        """Remember from which level on a client wants to be told lines of logs."""
        lives = {"expires_at": seconds(until), "ttl": seconds(until + _GRACE)}
        assign = {"log_level": level, **lives}
        self.table.update(_client_key(client), condition=None, assign=assign)

    def client_log_level(self, client: str) -> str:
        """Return that level, or the usual one."""
        item, _ = self.table.get(_client_key(client))
        return str(item.get("log_level", USUAL_LOG_LEVEL)) if item else USUAL_LOG_LEVEL


def _call(handle_id: str, item: Item) -> WaitingCall:
    return WaitingCall(
        handle_id,
        item["bound_to"],
        moment(item["expires_at"]),
        item["connects"],
        item.get("grant_id"),
        sealed.from_item(item.get("upstream")),
        item.get("config_digest"),
    )


def _call_key(handle_id: str) -> Item:
    return {"id": f"mcp_call#{handle_id}"}


def _client_key(client: str) -> Item:
    return {"id": f"mcp_client#{hashlib.sha256(client.encode()).hexdigest()}"}
