"""Flows under way: tickets, the states of authorization requests, and tests.

No ticket, state or completion code is readable here: rows are named by hashes. A row is *taken*
by a conditional update, which also checks the expiry, since the table's TTL deletes lazily.
"""

import base64
import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from boto3.dynamodb.conditions import Attr, ConditionBase

from broker.model import (
    PendingAuthorization,
    Purpose,
    Sealed,
    Secret,
    Ticket,
)
from broker.storage import sealed
from broker.storage.table import ConditionFailed, Item, Table, maybe_moment, moment, seconds

STATES_PER_TICKET = 10
_GRACE = timedelta(hours=1)
ERASED = timedelta(hours=25)
"""Longer than anything that began before can last: a flow (ten minutes for the ticket, two to
complete, and an invocation), a session (an hour), a JWT at the MCP endpoint (24 hours)."""


def connect_id_of(ticket: Secret) -> str:
    """Return the public name of a ticket's flow."""
    return _digest("ticket", ticket)


def state_id_of(state: Secret) -> str:
    """Return the name that a state's row has."""
    return _digest("state", state)


def completion_hash_of(secret: Secret) -> str:
    """Return what is stored of a completion code."""
    return _digest("completion", secret)


def _digest(domain: str, secret: Secret) -> str:
    digest = hashlib.sha256(f"{domain}:{secret.reveal()}".encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class PendingStore:
    """Tickets by connect_id, states by state_id. Methods may raise TemporarilyUnavailable."""

    table: Table

    def put_ticket(self, ticket: Ticket) -> None:
        """Remember a connect link."""
        self.table.put(_ticket_item(ticket))

    def ticket(self, connect_id: str) -> Ticket | None:
        """Read a ticket, taken or expired ones too."""
        item, _ = self.table.get(_ticket_key(connect_id))
        return _ticket(item) if item else None

    def put_state(self, pending: PendingAuthorization, now: datetime) -> bool:
        """Remember an authorization request; False: too many, or the ticket is spent."""
        counted = _untaken(now) & (
            Attr("states").not_exists() | Attr("states").lt(STATES_PER_TICKET)
        )
        try:
            self.table.update(
                _ticket_key(pending.connect_id), condition=counted, increment=("states",)
            )
        except ConditionFailed:
            return False
        self.table.put(_state_item(pending))
        return True

    def state(self, state_id: str) -> PendingAuthorization | None:
        """Read the row of a state."""
        item, _ = self.table.get(_state_key(state_id))
        return _state(item) if item else None

    def take_state(self, state_id: str, attempt: str, now: datetime) -> PendingAuthorization | None:
        """Take a state once, unexpired; None otherwise. A repeated write of ours succeeds."""
        item = self._take(_state_key(state_id), attempt, now)
        return _state(item) if item else None

    def take_ticket(self, connect_id: str, attempt: str, now: datetime) -> Ticket | None:
        """Take a ticket once, unexpired, and with it every sibling state; None otherwise."""
        item = self._take(_ticket_key(connect_id), attempt, now)
        return _ticket(item) if item else None

    def keep_code(
        self, pending: PendingAuthorization, code: Sealed, completion_hash: str, until: datetime
    ) -> PendingAuthorization:
        """Keep the sealed authorization code until the chat's backend completes the flow."""
        self.table.update(
            _state_key(pending.state_id),
            condition=Attr("id").exists(),
            assign={
                "code": sealed.to_item(code),
                "completion_hash": completion_hash,
                "completion_expires_at": seconds(until),
                "kept": dict(pending.kept) or None,
                "granted_scopes": list(pending.granted_scopes) or None,
            },
        )
        return replace(
            pending, code=code, completion_hash=completion_hash, completion_expires_at=until
        )

    def erase_code(self, state_id: str) -> None:
        """Erase what could be redeemed."""
        try:
            self.table.update(
                _state_key(state_id),
                condition=Attr("id").exists(),
                remove=("code", "code_verifier", "completion_hash"),
            )
        except ConditionFailed:
            return

    def erase_user(self, user_id: str, now: datetime) -> None:
        """From now on, no flow that began before makes a connection for this user."""
        until = seconds(now + ERASED)
        self.table.put({**_erased_key(user_id), "at": _milliseconds(now), "ttl": until})

    def erased_since(self, ticket: Ticket) -> bool:
        """Return whether the ticket's user was erased after the ticket was made."""
        return self.erased_after(ticket.user_id, ticket.created_at)

    def erased_after(self, user_id: str, began: datetime) -> bool:
        """Return whether a user was erased after something of theirs began."""
        item, _ = self.table.get(_erased_key(user_id))
        return item is not None and item["at"] >= _milliseconds(began)

    def end_grant(self, grant_id: str, now: datetime) -> None:
        """Say that a grant was disconnected: a repeated write of it makes no connection."""
        self.table.put({**_ended_key(grant_id), "ttl": seconds(now + _GRACE)})

    def is_ended(self, grant_id: str) -> bool:
        """Return whether a grant that was just made has been disconnected since."""
        item, _ = self.table.get(_ended_key(grant_id))
        return item is not None

    def _take(self, key: Item, attempt: str, now: datetime) -> Item | None:
        try:
            return self.table.update(key, condition=_untaken(now), assign={"taken_by": attempt})
        except ConditionFailed as failed:
            if failed.item and failed.item.get("taken_by") == attempt:
                return failed.item
            return None


def _untaken(now: datetime) -> ConditionBase:
    return Attr("id").exists() & Attr("taken_by").not_exists() & Attr("expires_at").gt(seconds(now))


def _milliseconds(moment: datetime) -> int:
    """Within one second a user may be erased and connect again."""
    return int(moment.timestamp() * 1000)


def _erased_key(user_id: str) -> Item:
    return {"id": f"erased#{hashlib.sha256(user_id.encode()).hexdigest()}"}


def _ended_key(grant_id: str) -> Item:
    return {"id": f"ended#{grant_id}"}


def _ticket_key(connect_id: str) -> Item:
    return {"id": f"ticket#{connect_id}"}


def _state_key(state_id: str) -> Item:
    return {"id": f"state#{state_id}"}


def _ticket_item(ticket: Ticket) -> Item:
    return {
        **_ticket_key(ticket.connect_id),
        "purpose": ticket.purpose.value,
        "user_id": ticket.user_id,
        "server_id": ticket.server_id,
        "return_url": ticket.return_url,
        "user_label": ticket.user_label,
        "client_state": ticket.client_state,
        "locale": ticket.locale,
        "scopes": list(ticket.scopes),
        "created_at": _milliseconds(ticket.created_at),
        "expires_at": seconds(ticket.expires_at),
        "ttl": seconds(ticket.expires_at + _GRACE),
    }


def _ticket(item: Item) -> Ticket:
    return Ticket(
        connect_id=item["id"].removeprefix("ticket#"),
        purpose=Purpose(item["purpose"]),
        user_id=item["user_id"],
        server_id=item["server_id"],
        created_at=datetime.fromtimestamp(item["created_at"] / 1000, UTC),
        expires_at=moment(item["expires_at"]),
        return_url=item.get("return_url"),
        user_label=item.get("user_label"),
        client_state=item.get("client_state"),
        locale=item.get("locale"),
        scopes=tuple(item["scopes"]),
        taken="taken_by" in item,
        opened=item.get("states", 0),
    )


def _state_item(pending: PendingAuthorization) -> Item:
    return {
        **_state_key(pending.state_id),
        "connect_id": pending.connect_id,
        "server_id": pending.server_id,
        "redirect_uri": pending.redirect_uri,
        "config_digest": pending.config_digest,
        "cookie_hash": pending.cookie_hash,
        "nonce": pending.nonce,
        "code_verifier": sealed.to_item(pending.code_verifier),
        "expires_at": seconds(pending.expires_at),
        "ttl": seconds(pending.expires_at + _GRACE),
    }


def _state(item: Item) -> PendingAuthorization:
    return PendingAuthorization(
        state_id=item["id"].removeprefix("state#"),
        connect_id=item["connect_id"],
        server_id=item["server_id"],
        redirect_uri=item["redirect_uri"],
        config_digest=item["config_digest"],
        cookie_hash=item["cookie_hash"],
        expires_at=moment(item["expires_at"]),
        code_verifier=sealed.from_item(item.get("code_verifier")),
        nonce=item.get("nonce"),
        code=sealed.from_item(item.get("code")),
        completion_hash=item.get("completion_hash"),
        completion_expires_at=maybe_moment(item.get("completion_expires_at")),
        kept=item.get("kept", {}),
        granted_scopes=tuple(item.get("granted_scopes", ())),
    )
