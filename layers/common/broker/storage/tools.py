"""Tool lists as last seen: one per user, and a catalogue that the builder published.

A list is gzipped and cut into parts, since an item stops at 400 KB. The parts of one writing
share a version; a reader that meets a mixture has met no list.
"""

import gzip
import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from boto3.dynamodb.conditions import Key

from broker.storage.table import Item, Table, moment, seconds

CATALOGUE = "catalogue"
PART_BYTES = 350_000
PARTS = 6
"""2 MB compressed, at most."""
_KEPT = timedelta(days=30)

type Tool = Mapping[str, object]


class ListTooLarge(Exception):
    """The list is over 2 MB compressed; the last good one is kept."""


@dataclass(frozen=True, slots=True)
class StoredTools:
    """A list and when it was fetched."""

    tools: Sequence[Tool]
    fetched_at: datetime
    config_digest: str
    fresh_for: timedelta
    """How long after ``fetched_at`` it need not be fetched again."""
    grant_id: str | None = None
    """Whose consent it was fetched under; another account must not be shown it."""


@dataclass(frozen=True, slots=True)
class ToolStore:
    """Lists by server and owner. Every method may raise TemporarilyUnavailable."""

    table: Table

    def get(self, server_id: str, user_id: str | None) -> StoredTools | None:
        """Read the list that this user's token was shown, or (None) the catalogue."""
        condition = Key("server_id").eq(server_id) & Key("part").begins_with(_owner(user_id) + "#")
        items: list[Item] = []
        start: Item | None = None
        while True:
            page, start = self.table.query(condition, start=start)
            items += page
            if start is None:
                return _joined(items)

    def put(self, server_id: str, user_id: str | None, listed: StoredTools) -> None:
        """Replace a list; raise ListTooLarge. The first part, which names the rest, goes last."""
        packed = gzip.compress(json.dumps(list(listed.tools), ensure_ascii=False).encode(), mtime=0)
        parts = [packed[i : i + PART_BYTES] for i in range(0, len(packed), PART_BYTES)]
        if len(parts) > PARTS:
            raise ListTooLarge
        version = secrets.token_hex(8)
        for number in reversed(range(len(parts))):
            self.table.put(
                {
                    "server_id": server_id,
                    "part": f"{_owner(user_id)}#{number}",
                    "version": version,
                    "parts": len(parts),
                    "content": parts[number],
                    "fetched_at": seconds(listed.fetched_at),
                    "fresh_for": int(listed.fresh_for.total_seconds()),
                    "config_digest": listed.config_digest,
                    "grant_id": listed.grant_id,
                    "ttl": seconds(listed.fetched_at + _KEPT),
                }
            )

    def forget(self, server_id: str, user_id: str | None) -> None:
        """Delete a list, however many parts it has."""
        for number in range(PARTS):
            self.table.delete({"server_id": server_id, "part": f"{_owner(user_id)}#{number}"})


def _owner(user_id: str | None) -> str:
    return CATALOGUE if user_id is None else hashlib.sha256(user_id.encode()).hexdigest()


def _joined(items: list[Item]) -> StoredTools | None:
    if not items:
        return None
    head = items[0]
    parts = [item for item in items if item["version"] == head["version"]][: head["parts"]]
    if len(parts) != head["parts"]:
        return None
    packed = b"".join(part["content"] for part in parts)
    tools = json.loads(gzip.decompress(packed))
    return StoredTools(
        tools,
        moment(head["fetched_at"]),
        head["config_digest"],
        timedelta(seconds=head["fresh_for"]),
        head.get("grant_id"),
    )
