"""Sessions of MCP clients, named by a hash of their bearer: no bearer is readable here."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from boto3.dynamodb.conditions import Attr, Key

from broker.model import Secret, Session
from broker.storage.table import Item, Table, moment, seconds

_GRACE = timedelta(hours=1)
_BY_USER = "by_user"


def session_id_of(bearer: Secret) -> str:
    """Return the public name of a bearer's session: SHA-256, since it holds 256 random bits."""
    digest = hashlib.sha256(f"session:{bearer.reveal()}".encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class SessionStore:
    """Sessions by session_id. Every method may raise TemporarilyUnavailable."""

    table: Table

    def put(self, session: Session) -> None:
        """Remember a new session."""
        self.table.put(_item(session), Attr("session_id").not_exists())

    def get(self, session_id: str) -> Session | None:
        """Read a session, an expired one too: the table's TTL deletes lazily."""
        item, _ = self.table.get({"session_id": session_id})
        return _session(item) if item else None

    def delete(self, session_id: str) -> None:
        """Delete a session; one that is not there is no failure."""
        self.table.delete({"session_id": session_id})

    def delete_of(self, user_id: str) -> None:
        """Delete a user's sessions, as far as the index knows them.

        The index follows the table by moments: a session made just before may be missed. So who
        erases a user also leaves a mark (PendingStore.erase_user), which ends that session too.
        """
        start: Item | None = None
        while True:
            page, start = self.table.query(
                Key("user_id").eq(user_id), index=_BY_USER, start=start, keys_only=True
            )
            for item in page:
                self.delete(item["session_id"])
            if start is None:
                return


def _item(session: Session) -> Item:
    return {
        "session_id": session.session_id,
        "user_id": session.user_id,
        "server_ids": list(session.server_ids),
        "return_url": session.return_url,
        "locale": session.locale,
        "created_at": int(session.created_at.timestamp() * 1000),
        "expires_at": seconds(session.expires_at),
        "ttl": seconds(session.expires_at + _GRACE),
    }


def _session(item: Item) -> Session:
    return Session(
        session_id=item["session_id"],
        user_id=item["user_id"],
        server_ids=tuple(item["server_ids"]),
        created_at=_milliseconds(item["created_at"]),
        expires_at=moment(item["expires_at"]),
        return_url=item.get("return_url"),
        locale=item.get("locale"),
    )


def _milliseconds(stored: int) -> datetime:
    return moment(stored // 1000) + timedelta(milliseconds=stored % 1000)
